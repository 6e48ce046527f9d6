//! One cluster for all processes of a test run.
//!
//! nextest runs every test in a process of its own. The first to come starts and prepares the cluster behind a gate (a
//! file lock, the same for all runs in a root, so that none is left over); the others find it ready. It belongs to the test runner, and goes with it, folder and all.
//!
//! Trap: the first process may be killed half-way. "Prepared" is therefore a file of its own, written last; a cluster
//! without it is stopped and made again.

use std::{error::Error, fs::File, path::Path, time::Duration};

use super::{
    cluster::Cluster,
    error::{ClusterError, Doing},
    layout::{Layout, create_passable, short_hash},
    locate::{LocateOptions, PgPrograms},
    options::ClusterOptions,
    pidfile::PidFile,
    supervisor::{Stop, signal, wait_until},
};

/// Which run the processes belong to.
#[derive(Debug, Clone)]
pub struct SharedRun<'a> {
    /// Folder for the clusters of all runs, e.g. below `target`.
    pub root: &'a Path,
    /// The same for all processes of a run and for no other run, e.g. nextest's run id.
    pub key: &'a str,
    /// The test runner.
    pub owner_pid: u32,
}

/// The run's cluster, started and prepared by whichever process comes first.
///
/// `prepare` (create roles, migrate a template) runs in that process only, while the others wait. If it fails, the
/// cluster is stopped, and the next process tries again.
pub fn shared_throwaway(
    run: &SharedRun,
    programs: &LocateOptions,
    prepare: impl FnOnce(&Cluster) -> Result<(), Box<dyn Error + Send + Sync>>,
) -> Result<Cluster, ClusterError> {
    let root = std::path::absolute(run.root).doing("resolve", run.root)?;
    let dir = root.join(short_hash(Path::new(run.key)));
    let prepared = Layout::resolve(&dir)?.dir.join("prepared");
    if let Some(cluster) = ready(&dir, &prepared)? {
        return Ok(cluster);
    }

    create_passable(&root).doing("create", &root)?;
    let gate = root.join("gate");
    let held = File::create(&gate).doing("create", &gate)?;
    held.lock().doing("lock", &gate)?;
    if let Some(cluster) = ready(&dir, &prepared)? {
        return Ok(cluster);
    }
    stop_unprepared(&dir)?;

    let programs = PgPrograms::locate(programs)?;
    let cluster = Cluster::start(&programs, &ClusterOptions::throwaway(&dir, run.owner_pid))?;
    if let Err(error) = prepare(&cluster) {
        cluster.stop()?;
        return Err(ClusterError::Prepare(error));
    }
    File::create(&prepared).doing("create", &prepared)?;
    Ok(cluster)
}

fn ready(dir: &Path, prepared: &Path) -> Result<Option<Cluster>, ClusterError> {
    if prepared.exists() {
        Cluster::attach(dir)
    } else {
        Ok(None)
    }
}

/// Its starter is gone, but the runner lives and so does its supervisor, which deletes the folder once PostgreSQL ends.
fn stop_unprepared(dir: &Path) -> Result<(), ClusterError> {
    let layout = Layout::resolve(dir)?;
    let data = layout.data();
    if let Some(found) = PidFile::read(&data).filter(|found| found.is_running(&data)) {
        signal(found.pid, Stop::Immediate);
        if !wait_until(Duration::from_secs(30), || !layout.dir.exists()) {
            return Err(ClusterError::StillStopping { dir: layout.dir });
        }
    }
    Ok(())
}

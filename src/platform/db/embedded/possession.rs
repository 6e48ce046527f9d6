//! Taking possession of a cluster's folder: nobody else uses it, and nothing of an earlier run is left in it.
//!
//! The lock is shared with the supervisor, so a run that was just killed still holds it until its PostgreSQL is down.
//! Whether to wait or to refuse depends on whether the process named in it lives.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::Write as _,
    os::unix::fs::MetadataExt,
    path::Path,
    time::Duration,
};

use super::{
    error::{ClusterError, Doing},
    layout::Layout,
    pidfile::{PidFile, is_alive},
    supervisor::{Stop, signal, wait_until},
};

/// The supervisor of a killed run stops PostgreSQL within this, as long as its last checkpoint lets it.
const LONGEST_STOP: Duration = Duration::from_secs(75);
/// When it does not stop by itself, this long for doing so without writing everything out.
const LONGEST_HASTY_STOP: Duration = Duration::from_secs(20);

/// Takes the folder's lock, creating the folder if need be.
pub(super) fn acquire(layout: &Layout, owner: u32) -> Result<File, ClusterError> {
    let path = layout.lock();
    let mut outcome = None;
    wait_until(LONGEST_STOP, || {
        outcome = try_acquire(layout, &path, owner).transpose();
        outcome.is_some()
    });
    outcome.unwrap_or_else(|| {
        Err(ClusterError::StillStopping {
            dir: layout.dir.clone(),
        })
    })
}

/// `None`: held by the supervisor of a run whose owner is gone; worth another try.
fn try_acquire(layout: &Layout, path: &Path, owner: u32) -> Result<Option<File>, ClusterError> {
    layout.create()?;
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .doing("open", path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let holder = fs::read_to_string(path).unwrap_or_default().trim().parse();
            return match holder {
                Ok(pid) if is_alive(pid) => Err(ClusterError::InUse {
                    dir: layout.dir.clone(),
                    pid,
                }),
                _ => Ok(None),
            };
        }
        Err(TryLockError::Error(error)) => return Err(error).doing("lock", path),
    }
    // The run before us may have deleted the folder while we waited: then we hold the lock of nothing.
    let held = file.metadata().doing("look at", path)?;
    let same = fs::metadata(path)
        .is_ok_and(|found| (found.dev(), found.ino()) == (held.dev(), held.ino()));
    if !same {
        return Ok(None);
    }
    file.set_len(0)
        .and_then(|()| writeln!(file, "{owner}"))
        .doing("write", path)?;
    Ok(Some(file))
}

/// Deals with what an earlier run left, its supervisor having died too: a PostgreSQL, or its `postmaster.pid`.
pub(super) fn stop_leftover(layout: &Layout) -> Result<(), ClusterError> {
    let data = layout.data();
    if let Some(found) = PidFile::read(&data).filter(|found| found.is_running(&data)) {
        let pid = found.pid;
        eprintln!("Stopping the PostgreSQL that an earlier run left behind (process {pid})");
        for (step, limit) in [
            (Stop::Fast, LONGEST_STOP),
            (Stop::Immediate, LONGEST_HASTY_STOP),
        ] {
            signal(pid, step);
            if wait_until(limit, || !found.is_running(&data)) {
                return Ok(());
            }
        }
        return Err(ClusterError::DidNotStop { pid });
    }
    PidFile::disown(&data).doing("correct postmaster.pid in", &data)
}

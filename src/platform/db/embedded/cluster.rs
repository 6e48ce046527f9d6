//! A private cluster: taken into possession, started, reached, stopped.
//!
//! A start is the same after a clean stop and after any crash: take the lock (waiting for the supervisor of a run that
//! was just killed), stop a PostgreSQL that still runs, correct a stale `postmaster.pid`, create the data if there is
//! none, run. A leftover PostgreSQL is stopped rather than adopted: it might run with other settings or as another version,
//! and nobody would collect it.

use std::{
    fs::{self, File},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

use secrecy::SecretString;

use super::{
    SUPERUSER,
    connection::ConnectionParameters,
    error::{ClusterError, Doing},
    initdb,
    layout::{Layout, PORT},
    locate::PgPrograms,
    options::ClusterOptions,
    pidfile::PidFile,
    possession::{acquire, stop_leftover},
    supervisor::{Orders, Stop, Supervised, wait_until},
};

/// Recovery after a crash may have much to replay; only PostgreSQL's own exit ends the wait earlier.
const LONGEST_START: Duration = Duration::from_mins(10);
/// Backends notice the death of their postmaster on their own, soon.
const ORPHANS_LEAVE: Duration = Duration::from_secs(20);

/// A running PostgreSQL. Dropped, it is stopped, unless another process owns it.
#[derive(Debug)]
pub struct Cluster {
    parameters: ConnectionParameters,
    dir: PathBuf,
    log: PathBuf,
    pid: u32,
    /// `None` once stopped, and for a cluster that another process started.
    running: Option<Supervised>,
    lives_on: bool,
    stop: Stop,
    /// The supervisor holds it too. Ours counts should the supervisor be killed.
    _lock: Option<File>,
}

impl Cluster {
    /// Starts the cluster in `options.dir`, creating it if the folder is new, and waits until it accepts connections.
    pub fn start(programs: &PgPrograms, options: &ClusterOptions) -> Result<Self, ClusterError> {
        let layout = Layout::resolve(&options.dir)?;
        if let Some((wanted, door)) = &layout.moved {
            eprintln!(
                "The account that runs PostgreSQL may not enter {}: the data of {} is kept in {}",
                door.display(),
                wanted.display(),
                layout.dir.display()
            );
        }
        let lock = acquire(&layout, options.owner_pid)?;
        stop_leftover(&layout)?;
        if !options.durable {
            initdb::remove_dir(&layout.data())?;
        }
        match layout.major() {
            None => initdb::create(programs, &layout, options.durable)?,
            Some(made_by) if made_by != programs.major() => {
                return Err(ClusterError::WrongVersion {
                    dir: layout.dir,
                    made_by,
                    programs: programs.major(),
                });
            }
            Some(_) => {}
        }
        let password = read_secret(&layout)?;
        layout.prepare_socket_dir()?;
        let running = run(programs, options, &layout, &lock)?;
        Ok(Self {
            pid: running.pid,
            running: Some(running),
            parameters: parameters(&layout, password),
            log: layout.log(),
            dir: layout.dir,
            lives_on: options.owner_pid != std::process::id(),
            stop: how_to_stop(options),
            _lock: Some(lock),
        })
    }

    /// The cluster that another process runs in `dir`; `None` unless it is ready. It stays that process's.
    pub fn attach(dir: &Path) -> Result<Option<Self>, ClusterError> {
        let layout = Layout::resolve(dir)?;
        let Some(found) = PidFile::read(&layout.data()) else {
            return Ok(None);
        };
        if !found.ready || !found.is_running(&layout.data()) || !accepts(&layout) {
            return Ok(None);
        }
        Ok(Some(Self {
            parameters: parameters(&layout, read_secret(&layout)?),
            log: layout.log(),
            dir: layout.dir,
            pid: found.pid,
            running: None,
            lives_on: true,
            stop: Stop::Fast,
            _lock: None,
        }))
    }

    /// How to reach it, for building connect options.
    pub fn connection_parameters(&self) -> &ConnectionParameters {
        &self.parameters
    }

    /// A URL with the superuser's password in it, as `sqlx` and `psql` read it: the socket's folder is the host,
    /// percent-encoded.
    pub fn url(&self, database: &str) -> String {
        self.parameters.url(database)
    }

    /// Where it really lies; as root this may differ from the folder asked for.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// PostgreSQL's process number.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether the PostgreSQL that this process started has ended, of itself or because somebody stopped it.
    pub fn has_ended(&self) -> bool {
        self.running.as_ref().is_some_and(Supervised::has_exited)
    }

    /// What PostgreSQL itself said since its start.
    pub fn log(&self) -> PathBuf {
        self.log.clone()
    }

    /// Ends sessions, writes everything out, and waits for the end. For a cluster another process started, does nothing.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        if self.end() {
            Ok(())
        } else {
            Err(ClusterError::DidNotStop { pid: self.pid })
        }
    }

    /// True when nothing of ours runs any more.
    fn end(&mut self) -> bool {
        let Some(running) = self.running.take() else {
            return true;
        };
        let gone = running.stop(self.stop);
        if gone && self.parameters.socket_dir != self.dir {
            // Empty now, and gone already if the folder was to be deleted.
            let _ = fs::remove_dir(&self.parameters.socket_dir);
        }
        gone
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.lives_on {
            self.end();
        }
    }
}

fn parameters(layout: &Layout, password: SecretString) -> ConnectionParameters {
    ConnectionParameters {
        socket_dir: layout.socket_dir.clone(),
        port: PORT,
        user: SUPERUSER,
        password,
    }
}

fn how_to_stop(options: &ClusterOptions) -> Stop {
    if options.remove_on_stop {
        Stop::Immediate
    } else {
        Stop::Fast
    }
}

fn read_secret(layout: &Layout) -> Result<SecretString, ClusterError> {
    match fs::read_to_string(layout.secret()) {
        Ok(text) => Ok(text.trim().into()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(ClusterError::Incomplete {
                dir: layout.dir.clone(),
                file: "superuser.secret",
            })
        }
        Err(error) => Err(error).doing("read", &layout.secret()),
    }
}

/// Runs PostgreSQL until it is ready. Backends that outlived their postmaster still hold the shared memory for a moment,
/// so that complaint, and only that, is met with another try.
fn run(
    programs: &PgPrograms,
    options: &ClusterOptions,
    layout: &Layout,
    lock: &File,
) -> Result<Supervised, ClusterError> {
    let mut outcome = run_once(programs, options, layout, lock);
    wait_until(ORPHANS_LEAVE, || {
        let in_use = matches!(&outcome, Err(ClusterError::DidNotStart { tail, .. })
            if tail.contains("shared memory block"));
        if in_use {
            std::thread::sleep(Duration::from_millis(250));
            outcome = run_once(programs, options, layout, lock);
        }
        !in_use
    });
    outcome
}

fn run_once(
    programs: &PgPrograms,
    options: &ClusterOptions,
    layout: &Layout,
    lock: &File,
) -> Result<Supervised, ClusterError> {
    let log = layout.log();
    if log.exists() {
        fs::rename(&log, log.with_extension("log.1")).doing("rename", &log)?;
    }
    let mut delete = Vec::new();
    if options.remove_on_stop {
        delete.extend(layout.outside().map(Path::to_owned));
        delete.push(layout.dir.clone());
    }
    let orders = Orders {
        owner: (options.owner_pid != std::process::id()).then_some(options.owner_pid),
        stop: how_to_stop(options),
        delete,
        lock: lock.try_clone().doing("share", &layout.lock())?,
    };
    let mut command = command(programs, options, layout);
    command.stderr(File::create(&log).doing("write", &log)?);
    let running =
        Supervised::spawn(&mut command, orders).doing("run", &programs.bin().join("postgres"))?;

    let data = layout.data();
    let mut ready = false;
    wait_until(LONGEST_START, || {
        let found = PidFile::read(&data);
        ready = found.is_some_and(|file| file.ready && file.pid == running.pid) && accepts(layout);
        ready || running.has_exited()
    });
    if ready {
        return Ok(running);
    }
    // The log may be deleted with the folder in a moment.
    let tail = tail(&log);
    running.stop(Stop::Immediate);
    Err(ClusterError::DidNotStart { log, tail })
}

fn command(programs: &PgPrograms, options: &ClusterOptions, layout: &Layout) -> Command {
    let mut command = programs.program("postgres", layout.account);
    command.arg("-D").arg(layout.data());
    let mut set = |name: &str, value: &str| {
        command.arg("-c").arg(format!("{name}={value}"));
    };
    for (name, value) in &options.settings {
        set(name, value);
    }
    set("listen_addresses", "");
    set("port", &PORT.to_string());
    // `fits` lets only plain ASCII paths be socket folders.
    set(
        "unix_socket_directories",
        &layout.socket_dir.to_string_lossy(),
    );
    // Root's processes may lack root's privileges over files; the folder's mode and the password guard the socket.
    set(
        "unix_socket_permissions",
        if layout.account.is_some() {
            "0777"
        } else {
            "0700"
        },
    );
    command.stdout(Stdio::null());
    command
}

fn accepts(layout: &Layout) -> bool {
    UnixStream::connect(layout.socket()).is_ok()
}

fn tail(log: &Path) -> String {
    const LINES: usize = 12;
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default();
    last.join("\n")
}

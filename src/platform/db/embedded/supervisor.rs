//! Sees to it that PostgreSQL ends with its owner, however the owner ends.
//!
//! A small shell script runs beside PostgreSQL. Owned by this process, it sleeps on a pipe that only we hold: when we
//! die, `kill -9` included, the kernel closes the pipe. Owned by another process, it looks three times a second.
//! It then stops PostgreSQL, deletes what was to be deleted, and ends. Its standard output is the folder's lock, so the
//! lock is free only when all of this is done.
//!
//! Trap: a process that is dead but not collected by its parent still answers `kill -0`; `alive` looks twice.

use std::{
    ffi::OsString,
    fs::File,
    io::{self, Write as _},
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// Arguments: the owner (0: whoever holds our input), the signal to stop with, the folders to delete. Input: the
/// process to stop, then `stopped` if it ends before the owner does.
const SCRIPT: &str = r#"
trap '' HUP INT
owner=$1 signal=$2; shift 2
alive() {
    kill -0 "$1" || return 1
    [ -r "/proc/$1/stat" ] || return 0
    read -r stat <"/proc/$1/stat" || return 1
    case ${stat##*) } in [ZX]*) return 1 ;; esac
}
wait_tenths() {
    tenths=$1
    while [ "$tenths" -gt 0 ] && alive "$pg"; do sleep 0.1; tenths=$((tenths - 1)); done
    ! alive "$pg"
}
read -r pg || exit 0
if [ "$owner" = 0 ]; then
    if read -r word && [ "$word" = stopped ]; then pg=; fi
else
    while alive "$owner" && alive "$pg"; do sleep 0.3; done
    alive "$pg" || pg=
fi
if [ -n "$pg" ]; then
    kill -s "$signal" "$pg"
    wait_tenths 600 || { kill -s QUIT "$pg"; wait_tenths 100; } || { kill -s KILL "$pg"; wait_tenths 50; }
fi
for path; do
    # First out of the way under another name, so that a new run in this folder meets all of it or nothing.
    mv -- "$path" "$path.gone" && rm -rf -- "$path.gone"
done
"#;

/// How PostgreSQL is told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// Ends sessions, writes everything out.
    Fast,
    /// Writes nothing; the next start would have to recover. For data that nobody will open again, or for haste.
    Immediate,
    /// Not even asked.
    Kill,
}

impl Stop {
    fn signal(self) -> &'static str {
        match self {
            Self::Fast => "INT",
            Self::Immediate => "QUIT",
            Self::Kill => "KILL",
        }
    }
}

/// Signals through the shell's builtin: `kill` as a program is not installed everywhere.
pub(super) fn signal(pid: u32, stop: Stop) {
    let _ = Command::new("sh")
        .args([
            "-c",
            "kill -s \"$1\" \"$2\"",
            "sh",
            stop.signal(),
            &pid.to_string(),
        ])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Looks every few milliseconds until `done`, or for `limit`; says whether it is done.
pub(super) fn wait_until(limit: Duration, mut done: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    loop {
        if done() {
            return true;
        }
        if start.elapsed() >= limit {
            return false;
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// What the supervisor is told at its start.
pub(super) struct Orders {
    /// `None`: this process.
    pub owner: Option<u32>,
    pub stop: Stop,
    pub delete: Vec<PathBuf>,
    pub lock: File,
}

/// A running PostgreSQL and its supervisor, both collected by a thread when they end.
#[derive(Debug)]
pub(super) struct Supervised {
    pub pid: u32,
    exited: Arc<AtomicBool>,
    collector: JoinHandle<()>,
}

impl Supervised {
    /// Starts the supervisor first, so that there is no moment in which PostgreSQL runs without one.
    pub(super) fn spawn(postgres: &mut Command, orders: Orders) -> io::Result<Self> {
        let mut arguments: Vec<OsString> = vec![
            orders.owner.unwrap_or(0).to_string().into(),
            orders.stop.signal().into(),
        ];
        arguments.extend(orders.delete.into_iter().map(PathBuf::into_os_string));
        let mut supervisor = Command::new("sh")
            .args(["-c", SCRIPT, "chartwell-postgres-supervisor"])
            .args(arguments)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(orders.lock)
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let input = supervisor.stdin.take();
        let postgres = match postgres.spawn() {
            Ok(postgres) => postgres,
            Err(error) => {
                drop(input);
                let _ = supervisor.wait();
                return Err(error);
            }
        };
        let pid = postgres.id();
        let mut input = input.ok_or_else(|| io::Error::other("the supervisor has no input"))?;
        writeln!(input, "{pid}")?;

        let exited = Arc::new(AtomicBool::new(false));
        let collector = collect(postgres, supervisor, input, Arc::clone(&exited))?;
        Ok(Self {
            pid,
            exited,
            collector,
        })
    }

    /// PostgreSQL has ended, of itself or because it was told to.
    pub(super) fn has_exited(&self) -> bool {
        self.exited.load(Ordering::Acquire)
    }

    /// Stops PostgreSQL, waits, and insists; true when it and its supervisor are gone.
    pub(super) fn stop(self, how: Stop) -> bool {
        const PATIENCE: [(Stop, u64); 3] =
            [(Stop::Fast, 60), (Stop::Immediate, 10), (Stop::Kill, 5)];
        for (step, seconds) in PATIENCE {
            if step == Stop::Fast && how != Stop::Fast {
                continue;
            }
            if !self.has_exited() {
                signal(self.pid, step);
            }
            if wait_until(Duration::from_secs(seconds), || self.has_exited()) {
                return self.collector.join().is_ok();
            }
        }
        false
    }
}

/// Waits for both, so that neither becomes a zombie. PostgreSQL's end is passed on at once: the supervisor must not hold
/// on to a process number that the system may give to somebody else.
fn collect(
    mut postgres: Child,
    mut supervisor: Child,
    mut input: ChildStdin,
    exited: Arc<AtomicBool>,
) -> io::Result<JoinHandle<()>> {
    thread::Builder::new()
        .name("postgres-collector".into())
        .spawn(move || {
            let _ = postgres.wait();
            exited.store(true, Ordering::Release);
            let _ = writeln!(input, "stopped");
            drop(input);
            let _ = supervisor.wait();
        })
}

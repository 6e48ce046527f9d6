//! `postmaster.pid`, PostgreSQL's own lock file: who runs on a data folder, and is it ready.
//!
//! Trap: after a crash or a power cut the file stays, and its number may by now belong to another program. A number
//! counts only if that process really is a PostgreSQL working in this folder.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The lines of `postmaster.pid` that matter here.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PidFile {
    pub pid: u32,
    /// The status line says `ready`: recovery is over and connections are accepted.
    pub ready: bool,
}

const STATUS_LINE: usize = 7;

fn path(data: &Path) -> PathBuf {
    data.join("postmaster.pid")
}

impl PidFile {
    /// `None` when there is no such file, or it is still being written.
    pub(super) fn read(data: &Path) -> Option<Self> {
        parse(&fs::read_to_string(path(data)).ok()?)
    }

    /// The process named in the file is alive and is the PostgreSQL of this folder.
    pub(super) fn is_running(&self, data: &Path) -> bool {
        if let Some(state) = linux_state(self.pid) {
            // The postmaster works inside its data folder, and nobody else has reason to.
            return state != Gone
                && fs::read_link(format!("/proc/{}/cwd", self.pid))
                    .is_ok_and(|cwd| fs::canonicalize(data).is_ok_and(|data| data == cwd));
        }
        ps(self.pid, "command=").is_some_and(|command| command.contains("postgres"))
    }

    /// Makes PostgreSQL see the file as stale, whatever its number belongs to by now: another program of the same
    /// account, or a postmaster that is dead but not collected, would pass for a living one.
    ///
    /// Its parent's number is to PostgreSQL a sure sign of staleness. Removing the file instead would also remove the shared memory key with which
    /// it notices backends that outlived their postmaster.
    pub(super) fn disown(data: &Path) -> io::Result<()> {
        let text = match fs::read_to_string(path(data)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            read => read?,
        };
        let rest = text.split_once('\n').map_or("", |(_, rest)| rest);
        fs::write(path(data), format!("{}\n{rest}", std::process::id()))
    }
}

fn parse(text: &str) -> Option<PidFile> {
    let lines: Vec<_> = text.lines().collect();
    Some(PidFile {
        pid: lines.first()?.trim().parse().ok()?,
        ready: lines
            .get(STATUS_LINE)
            .is_some_and(|status| status.trim() == "ready"),
    })
}

/// Whether the process lives. One that has ended but was not yet collected by its parent does not.
pub(super) fn is_alive(pid: u32) -> bool {
    match linux_state(pid) {
        Some(state) => state == Alive,
        None => ps(pid, "stat=").is_some_and(|state| !state.starts_with('Z')),
    }
}

#[derive(PartialEq, Eq)]
enum State {
    Alive,
    Gone,
}
use State::{Alive, Gone};

/// `None` on systems without `/proc`.
fn linux_state(pid: u32) -> Option<State> {
    if !Path::new("/proc/self/stat").exists() {
        return None;
    }
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The program's name stands in parentheses and may itself contain some; the state is the letter behind the last.
    let state = stat
        .rsplit_once(')')
        .map_or("", |(_, rest)| rest.trim_start());
    Some(if state.is_empty() || state.starts_with(['Z', 'X']) {
        Gone
    } else {
        Alive
    })
}

fn ps(pid: u32, column: &str) -> Option<String> {
    let output = Command::new("ps")
        .args(["-o", column, "-p", &pid.to_string()])
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complete_file_is_ready() {
        let text = "4242\n/data\n1700000000\n5432\n/data\n\n  5242   98304\nready   \n";
        assert_eq!(
            parse(text),
            Some(PidFile {
                pid: 4242,
                ready: true
            })
        );
    }

    #[test]
    fn a_file_being_written_is_not() {
        let starting = "4242\n/data\n1700000000\n5432\n/data\n\n  5242   98304\nstarting\n";
        assert_eq!(parse(starting).map(|file| file.ready), Some(false));
        assert_eq!(
            parse("4242\n/data\n1700000000\n").map(|file| file.ready),
            Some(false)
        );
        assert_eq!(parse(""), None);
        assert_eq!(parse("not a number\n"), None);
    }

    #[test]
    fn a_process_that_is_no_postgres_of_this_folder_does_not_count() {
        let own = PidFile {
            pid: std::process::id(),
            ready: true,
        };
        assert!(is_alive(own.pid));
        assert!(!own.is_running(Path::new("/nowhere")));
    }
}

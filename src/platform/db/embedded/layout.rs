//! Where everything of one cluster lies, and who owns it.
//!
//! ```text
//! DIR/lock                 who uses this folder (a file lock; the text is for messages)
//! DIR/data                 PostgreSQL's own folder
//! DIR/superuser.secret     mode 0600
//! DIR/postgres.log         of this run; postgres.log.1 of the one before
//! DIR/.s.PGSQL.5432        the socket, unless DIR is too long or too odd a path: then in a folder named by its hash
//! ```

use std::{
    env, fs, io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    account::{Account, hand_over, running_as_root},
    error::{ClusterError, Doing},
};

/// The port only names the socket file; clusters differ by folder.
pub(super) const PORT: u16 = 5432;

/// The kernel's limit for a socket's path, without its final NUL.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Root's fallback for a folder the unprivileged account cannot reach.
const STATE_FOLDER: &str = "/var/lib/chartwell";

#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub dir: PathBuf,
    pub socket_dir: PathBuf,
    /// `Some` when we are root.
    pub account: Option<Account>,
    /// The folder asked for and the one on its way that is closed to the account, when `dir` is elsewhere for it.
    pub moved: Option<(PathBuf, PathBuf)>,
}

impl Layout {
    /// Decides, touching nothing. The same question always gets the same answer, so processes can meet in a folder.
    pub(super) fn resolve(wanted: &Path) -> Result<Self, ClusterError> {
        let wanted = std::path::absolute(wanted).doing("resolve", wanted)?;
        let wanted = canonical(&wanted);
        let mut layout = Self {
            socket_dir: PathBuf::new(),
            account: None,
            moved: None,
            dir: wanted.clone(),
        };
        if running_as_root() {
            let account = owner_of(&layout.data()).or_else(Account::for_postgres);
            let parent = wanted.parent().unwrap_or(&wanted);
            if let Some(door) = account.and_then(|account| account.closed_door(parent)) {
                layout.dir = Path::new(STATE_FOLDER).join(short_hash(&wanted));
                layout.moved = Some((wanted, door));
            }
            layout.account = owner_of(&layout.data()).or(account);
        }
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let runtime = runtime.filter(|folder| layout.account.is_none() && folder.is_dir());
        layout.socket_dir = socket_dir(&layout.dir, runtime.as_deref());
        Ok(layout)
    }

    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
    pub(super) fn lock(&self) -> PathBuf {
        self.dir.join("lock")
    }
    pub(super) fn secret(&self) -> PathBuf {
        self.dir.join("superuser.secret")
    }
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }
    pub(super) fn socket(&self) -> PathBuf {
        self.socket_dir.join(format!(".s.PGSQL.{PORT}"))
    }

    /// The major version that made the data, `None` while there is none.
    pub(super) fn major(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data().join("PG_VERSION")).ok()?;
        text.trim().parse().ok()
    }

    /// Folders, other than `dir`, that this cluster brings into being.
    pub(super) fn outside(&self) -> Option<&Path> {
        (self.socket_dir != self.dir).then_some(self.socket_dir.as_path())
    }

    /// Makes `dir`, private to the account.
    pub(super) fn create(&self) -> Result<(), ClusterError> {
        if let Some(parent) = self.dir.parent() {
            create_passable(parent).doing("create", parent)?;
        }
        make_private(&self.dir, self.account).doing("create", &self.dir)
    }

    /// Makes the socket's folder and clears away what an earlier run left in it.
    ///
    /// Call it only while holding the lock and after the earlier PostgreSQL is gone.
    pub(super) fn prepare_socket_dir(&self) -> Result<(), ClusterError> {
        if self.outside().is_some() {
            self.claim_socket_dir()?;
        }
        for leftover in [
            self.socket(),
            self.socket().with_extension(format!("{PORT}.lock")),
        ] {
            remove_file(&leftover).doing("remove", &leftover)?;
        }
        Ok(())
    }

    /// The folder may lie in /tmp, where anybody may have been first to take the name.
    fn claim_socket_dir(&self) -> Result<(), ClusterError> {
        let dir = &self.socket_dir;
        match fs::DirBuilder::new().mode(0o700).create(dir) {
            Ok(()) => return hand_over(dir, self.account).doing("hand over", dir),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error).doing("create", dir),
        }
        let found = fs::symlink_metadata(dir).doing("look at", dir)?;
        let owner = fs::metadata(&self.dir).doing("look at", &self.dir)?.uid();
        let refuse = |reason: String| {
            Err(ClusterError::SocketFolder {
                dir: dir.clone(),
                reason,
            })
        };
        if !found.is_dir() {
            return refuse("it is no folder".into());
        }
        if found.uid() != owner {
            return refuse(format!("it belongs to user {}", found.uid()));
        }
        if found.mode() & 0o077 != 0 {
            return refuse("others may enter it".into());
        }
        Ok(())
    }
}

/// Creates the folder and those above it. The account must get through the new ones, whatever root's umask says.
pub(super) fn create_passable(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    if let Some(parent) = dir.parent() {
        create_passable(parent)?;
    }
    match fs::DirBuilder::new().mode(0o755).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        made => made?,
    }
    if running_as_root() {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Creates the folder if need be, and closes it to all but the account.
fn make_private(dir: &Path, account: Option<Account>) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if fs::metadata(dir)?.mode() & 0o777 != 0o700 {
        fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    }
    hand_over(dir, account)
}

/// Like `fs::remove_file`, but content when there is none.
pub(super) fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Data made by an earlier run as somebody else stays his: root runs PostgreSQL as the owner it finds.
fn owner_of(data: &Path) -> Option<Account> {
    let found = fs::metadata(data).ok()?;
    (found.uid() != 0).then(|| Account {
        uid: found.uid(),
        gid: found.gid(),
    })
}

/// Resolves symbolic links in the part of an absolute path that exists.
fn canonical(path: &Path) -> PathBuf {
    for existing in path.ancestors() {
        if let Ok(resolved) = fs::canonicalize(existing) {
            return match path.strip_prefix(existing) {
                Ok(rest) if !rest.as_os_str().is_empty() => resolved.join(rest),
                _ => resolved,
            };
        }
    }
    path.to_owned()
}

fn socket_dir(dir: &Path, runtime: Option<&Path>) -> PathBuf {
    if fits(dir) {
        return dir.to_owned();
    }
    let name = format!("chartwell-{}", short_hash(dir));
    runtime
        .map(|runtime| runtime.join(&name))
        .filter(|candidate| fits(candidate))
        .unwrap_or_else(|| Path::new("/tmp").join(name))
}

/// Short enough for a socket, and nothing in it that PostgreSQL's list of folders or a URL would have to quote.
fn fits(dir: &Path) -> bool {
    let bytes = dir.as_os_str().as_bytes();
    // PostgreSQL puts `/.s.PGSQL.5432` behind it.
    bytes.len() + "/.s.PGSQL.".len() + PORT.to_string().len() <= LONGEST_SOCKET_PATH
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/._-".contains(byte))
}

/// Sixteen hexadecimal digits that stand for a path.
pub(super) fn short_hash(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_bytes());
    hex::encode(digest.get(..8).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_plain_folder_holds_its_own_socket() {
        let dir = Path::new("/srv/chartwell/.chartwell");
        assert_eq!(socket_dir(dir, None), dir);
    }

    #[test]
    fn the_limit_is_exact() {
        let longest = LONGEST_SOCKET_PATH - "/.s.PGSQL.5432".len();
        let dir = |length: usize| PathBuf::from(format!("/{}", "x".repeat(length - 1)));
        assert_eq!(socket_dir(&dir(longest), None), dir(longest));
        assert!(socket_dir(&dir(longest + 1), None).starts_with("/tmp"));
    }

    #[test]
    fn long_or_odd_folders_get_one_named_by_their_hash() {
        let odd = Path::new("/srv/my data, \"quoted\"");
        let other = Path::new("/srv/my data, \"quoted\"2");
        let runtime = Path::new("/run/user/1000");
        assert!(socket_dir(odd, Some(runtime)).starts_with(runtime));
        assert!(socket_dir(odd, None).starts_with("/tmp"));
        assert_ne!(socket_dir(odd, None), socket_dir(other, None));
        let far = PathBuf::from(format!("/{}", "r".repeat(100)));
        assert!(socket_dir(odd, Some(&far)).starts_with("/tmp"));
    }

    #[test]
    fn links_are_resolved_as_far_as_the_path_exists() {
        let root = env::temp_dir().join(format!("chartwell-links-{}", std::process::id()));
        let real = root.join("real");
        fs::create_dir_all(&real).expect("the temporary folder is writable");
        std::os::unix::fs::symlink(&real, root.join("link")).expect("links work here");
        let real = fs::canonicalize(&real).expect("it exists");
        assert_eq!(canonical(&root.join("link/a/b")), real.join("a/b"));
        fs::remove_dir_all(&root).expect("the folder is ours");
    }
}

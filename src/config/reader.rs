//! Reads variables, and gathers what is wrong with them.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use platform::crypto::LocalMasterKeys;
use platform::db::DbOptions;
use platform::http::{Origins, origin};
use secrecy::{ExposeSecret as _, SecretString};

use super::VARIABLES;

/// What the name of a variable ends with that names the file of a secret.
const SECRET_FILE: &str = "_FILE";

/// The `CHARTWELL_*` variables of a process.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Everything that is wrong with the configuration, a line each.
#[derive(Debug, Default, thiserror::Error)]
pub struct Mistakes(Vec<String>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the configuration can't be used:")?;
        self.0
            .iter()
            .try_for_each(|mistake| writeln!(f, "  {mistake}"))
    }
}

impl Environment {
    /// The variables of this process. Empty ones count as unset.
    pub fn of_process() -> Self {
        Self::from_pairs(std::env::vars_os().filter_map(|(name, value)| {
            Some((
                name.into_string().ok()?,
                value
                    .into_string()
                    .unwrap_or_else(|_| "\u{fffd}".to_owned()),
            ))
        }))
    }

    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let ours =
            |(name, value): &(String, String)| name.starts_with("CHARTWELL_") && !value.is_empty();
        Self(pairs.into_iter().filter(ours).collect())
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A misspelt variable, where a command reads too few to build a [`Config`](super::Config).
    pub fn refuse_unknown(&self) -> Result<(), Mistakes> {
        self.reader().finish()
    }

    /// A secret, or the content of its file, where a command reads too few to build a [`Config`](super::Config).
    pub fn secret(&self, name: &str) -> Result<Option<SecretString>, Mistakes> {
        let mut reader = self.reader();
        let secret = reader.secret(name);
        reader.finish()?;
        Ok(secret)
    }

    pub(super) fn reader(&self) -> Reader<'_> {
        let unknown = self
            .0
            .keys()
            .filter(|name| !VARIABLES.iter().any(|variable| variable.name == *name))
            .map(|name| format!("{name}: there is no such variable; .env.example lists them"));
        Reader {
            environment: self,
            mistakes: unknown.collect(),
        }
    }
}

pub(super) struct Reader<'a> {
    environment: &'a Environment,
    mistakes: Vec<String>,
}

impl Reader<'_> {
    pub fn optional(&mut self, name: &str) -> Option<String> {
        self.environment.get(name).map(str::to_owned)
    }

    /// The value, or the default of the table.
    pub fn text(&mut self, name: &str) -> String {
        let default = VARIABLES
            .iter()
            .find(|variable| variable.name == name)
            .and_then(|variable| variable.default);
        self.optional(name)
            .unwrap_or_else(|| default.unwrap_or_default().to_owned())
    }

    pub fn number(&mut self, name: &str, least: u32, most: u32) -> u32 {
        match self.text(name).parse() {
            Ok(number) if (least..=most).contains(&number) => number,
            _ => {
                self.mistake(
                    name,
                    &format!("must be a whole number from {least} to {most}"),
                );
                least
            }
        }
    }

    pub fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_str() {
            "true" => true,
            "false" => false,
            _ => {
                self.mistake(name, "must be true or false");
                false
            }
        }
    }

    pub fn address(&mut self, name: &str) -> Option<SocketAddr> {
        let address = SocketAddr::from_str(&self.text(name)).ok();
        if address.is_none() {
            self.mistake(
                name,
                "must be an address and a port, such as 127.0.0.1:8080",
            );
        }
        address
    }

    /// A place on the disk that does not depend on where the program was started: a command and the server must mean the
    /// same one.
    pub fn folder(&mut self, name: &str) -> PathBuf {
        let folder = PathBuf::from(self.text(name));
        if !folder.is_absolute() {
            self.mistake(name, "must be an absolute path");
        }
        folder
    }

    /// As [`folder`](Self::folder), of a file that need not be named.
    pub fn optional_file(&mut self, name: &str) -> Option<PathBuf> {
        self.optional(name)?;
        Some(self.folder(name))
    }

    pub fn url(&mut self, name: &str) -> String {
        let url = self.text(name);
        if !url.starts_with("http://") && !url.starts_with("https://") {
            self.mistake(name, "must begin with http:// or https://");
        }
        url.trim_end_matches('/').to_owned()
    }

    /// Origins of pages, separated by commas.
    pub fn origins(&mut self, name: &str) -> Origins {
        let listed = self.optional(name).unwrap_or_default();
        let origins: Option<Vec<_>> = listed
            .split(',')
            .map(str::trim)
            .filter(|text| !text.is_empty())
            .map(origin)
            .collect();
        if origins.is_none() {
            self.mistake(
                name,
                "must be origins such as https://portal.example.org, separated by commas",
            );
        }
        Origins::Listed(origins.unwrap_or_default())
    }

    /// An e-mail address.
    pub fn mail_address(&mut self, name: &str) -> String {
        let address = self.text(name);
        if !platform::messages::addressable(platform::messages::Channel::Email, &address) {
            self.mistake(name, "must be an e-mail address");
        }
        address
    }

    pub fn optional_url(&mut self, name: &str) -> Option<String> {
        self.optional(name)?;
        Some(self.url(name))
    }

    /// The value, if there is one and it is of the right form.
    pub fn parsed<T: FromStr>(&mut self, name: &str, rule: &str) -> Option<T> {
        let parsed = self.optional(name)?.parse().ok();
        if parsed.is_none() {
            self.mistake(name, rule);
        }
        parsed
    }

    pub fn database_url(&mut self, name: &str) -> Option<DbOptions> {
        let url = self.required_secret(name)?;
        let options = DbOptions::from_url(url.expose_secret()).ok();
        if options.is_none() {
            self.mistake(
                name,
                "must be a URL such as postgres://user:password@host:5432/database",
            );
        }
        options
    }

    /// A secret: the value, or the content of the file that `<name>_FILE` names.
    pub fn secret(&mut self, name: &str) -> Option<SecretString> {
        let file = &format!("{name}{SECRET_FILE}");
        match (self.optional(name), self.optional(file)) {
            (Some(_), Some(_)) => {
                self.mistake(name, &format!("is set beside {file}; set one of them"));
                None
            }
            (Some(secret), None) => Some(secret.into()),
            (None, Some(path)) => match read_private(Path::new(&path)) {
                Ok(secret) => Some(secret.trim().to_owned().into()),
                Err(reason) => {
                    self.mistake(file, &format!("names a file that {reason}"));
                    None
                }
            },
            (None, None) => None,
        }
    }

    /// As [`secret`](Self::secret), where there must be one.
    pub fn required_secret(&mut self, name: &str) -> Option<SecretString> {
        let file = format!("{name}{SECRET_FILE}");
        if self.optional(name).is_none() && self.optional(&file).is_none() {
            self.mistake(name, &format!("is required, or {file}"));
        }
        self.secret(name)
    }

    /// Whether keys have the form of keys; that they open anything is found when the database is there.
    pub fn check_master_keys(
        &mut self,
        master: Option<&SecretString>,
        previous: Option<&SecretString>,
    ) {
        for (name, key) in [
            ("CHARTWELL_MASTER_KEY", master),
            ("CHARTWELL_MASTER_KEY_PREVIOUS", previous),
        ] {
            let formed = |key: &SecretString| {
                LocalMasterKeys::from_base64(key.expose_secret(), None).is_ok()
            };
            if key.is_some_and(|key| !formed(key)) {
                self.mistake(name, "must be 32 bytes in base64 (openssl rand -base64 32)");
            }
        }
    }

    pub fn mistake(&mut self, name: &str, rule: &str) {
        self.mistakes.push(format!("{name}: {rule}"));
    }

    pub fn finish(self) -> Result<(), Mistakes> {
        if self.mistakes.is_empty() {
            Ok(())
        } else {
            Err(Mistakes(self.mistakes))
        }
    }
}

/// Reads a file that holds a secret. Refused while others than its owner and its group may read it, or others than its owner
/// may write it: a key that anybody could have read, or put there, is none. Says what is wrong, never what it holds.
pub fn read_private(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("can't be read ({})", error.kind());
    let mut file = File::open(path).map_err(unreadable)?;
    // Of the open file, so that nobody can exchange it between the look and the reading.
    let mode = file.metadata().map_err(unreadable)?.permissions().mode() & 0o777;
    if mode & 0o027 != 0 {
        return Err(format!(
            "others can get at (mode {mode:03o}); chmod 600 or 440 it"
        ));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        Environment::from_pairs(
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn every_mistake_is_reported_at_once_and_no_value_is_repeated() {
        let wrong = environment(&[
            ("CHARTWELL_LISTEN", "s3cret"),
            ("CHARTWELL_RATE_USER", "s3cret"),
            ("CHARTWELL_LISTN", "s3cret"),
            ("CHARTWELL_FILES_DIR", "s3cret"),
            ("CHARTWELL_SEAL_FILE", "s3cret"),
            ("CHARTWELL_LOG", "s3cret=s3cret"),
            ("CHARTWELL_LOG_FORMAT", "s3cret"),
            ("CHARTWELL_MASTER_KEY", "s3cret"),
            ("CHARTWELL_MASTER_KEY_PREVIOUS", "s3cret"),
            ("CHARTWELL_CORS_ORIGINS", "https://a.example.org, s3cret"),
        ]);
        let text = Config::from_environment(&wrong)
            .expect_err("it is wrong")
            .to_string();
        for name in [
            "CHARTWELL_LISTEN:",
            "CHARTWELL_RATE_USER:",
            "CHARTWELL_LISTN:",
            "CHARTWELL_DATABASE_URL:",
            "CHARTWELL_FILES_DIR:",
            "CHARTWELL_SEAL_FILE:",
            "CHARTWELL_LOG:",
            "CHARTWELL_LOG_FORMAT:",
            "CHARTWELL_MASTER_KEY:",
            "CHARTWELL_MASTER_KEY_PREVIOUS:",
            "CHARTWELL_CORS_ORIGINS:",
        ] {
            assert!(text.contains(name), "{name} missing in {text}");
        }
        assert!(!text.contains("s3cret"));
    }

    #[test]
    fn a_key_file_that_others_can_get_at_is_refused() {
        let path = std::env::temp_dir().join(format!("chartwell-key-{}", kernel::ids::mint()));
        std::fs::write(&path, "s3cret").expect("written");
        for (mode, good) in [
            (0o600, true),
            (0o400, true),
            (0o440, true),
            (0o640, true),
            (0o644, false),
            (0o660, false),
            (0o604, false),
            (0o602, false),
        ] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode))
                .expect("it is ours");
            let read = read_private(&path);
            assert_eq!(read.is_ok(), good, "{mode:o}");
            let told = read.err().unwrap_or_default();
            assert!(!told.contains("s3cret"), "{told}");
        }
        let wide = environment(&[("CHARTWELL_MASTER_KEY_FILE", &path.to_string_lossy())]);
        let text = Config::from_environment(&wide)
            .expect_err("it is refused")
            .to_string();
        assert!(
            text.contains("CHARTWELL_MASTER_KEY_FILE: names a file that others can get at"),
            "{text}"
        );
        std::fs::remove_file(&path).expect("removed");
    }

    #[test]
    fn every_secret_may_stand_in_a_file() {
        let folder =
            std::env::temp_dir().join(format!("chartwell-secrets-{}", kernel::ids::mint()));
        std::fs::create_dir(&folder).expect("a folder");
        let key = LocalMasterKeys::generate();
        let previous = LocalMasterKeys::generate();
        let mut pairs = vec![("CHARTWELL_FILES_S3_BUCKET".to_owned(), "b".to_owned())];
        for (name, secret) in [
            (
                "CHARTWELL_DATABASE_URL",
                "postgres://chartwell_runtime:s3cret@localhost/chartwell",
            ),
            ("CHARTWELL_MASTER_KEY", key.as_str()),
            ("CHARTWELL_MASTER_KEY_PREVIOUS", previous.as_str()),
            ("CHARTWELL_FILES_S3_SECRET_KEY", "s3cret"),
            (
                "CHARTWELL_ADMIN_DATABASE_URL",
                "postgres://s3cret@localhost/chartwell",
            ),
            ("CHARTWELL_RUNTIME_PASSWORD", "s3cret"),
        ] {
            let path = folder.join(name);
            std::fs::write(&path, format!("{secret}\n")).expect("written");
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .expect("it is ours");
            pairs.push((format!("{name}_FILE"), path.to_string_lossy().into_owned()));
            let read = Environment::from_pairs(pairs.clone())
                .secret(name)
                .expect("it can be read");
            assert_eq!(read.expect("a secret").expose_secret(), secret);
        }
        let config = Config::from_environment(&Environment::from_pairs(pairs.clone()))
            .expect("it is enough");
        assert_eq!(config.keys.master.expose_secret(), key.as_str());
        let kept = config.keys.master_previous.expect("there is one");
        assert_eq!(kept.expose_secret(), previous.as_str());
        assert_eq!(config.database.connect.get_database(), Some("chartwell"));
        // Beside its file a value is one too many, and nobody says which was meant.
        pairs.push((
            "CHARTWELL_DATABASE_URL".to_owned(),
            "postgres://other@localhost/chartwell".to_owned(),
        ));
        let text = Config::from_environment(&Environment::from_pairs(pairs))
            .expect_err("two")
            .to_string();
        assert!(
            text.contains("CHARTWELL_DATABASE_URL: is set beside CHARTWELL_DATABASE_URL_FILE"),
            "{text}"
        );
        std::fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn the_required_variables_suffice() {
        let enough = environment(&[
            (
                "CHARTWELL_DATABASE_URL",
                "postgres://chartwell_runtime:x@localhost/chartwell",
            ),
            ("CHARTWELL_MASTER_KEY", &LocalMasterKeys::generate()),
        ]);
        let config = Config::from_environment(&enough).expect("it is enough");
        assert_eq!(config.http.listen.to_string(), "127.0.0.1:8080");
    }
}

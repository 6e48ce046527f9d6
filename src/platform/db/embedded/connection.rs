//! How to reach a cluster.

use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// How to connect, as superuser.
#[derive(Debug, Clone)]
pub struct ConnectionParameters {
    /// Folder of the Unix socket: the "host".
    pub socket_dir: PathBuf,
    pub port: u16,
    pub user: &'static str,
    pub password: SecretString,
}

impl ConnectionParameters {
    /// A URL with the password in it, as `sqlx` and `psql` read it: the socket's folder is the host, percent-encoded.
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{}:{}@{}:{}/{}",
            self.user,
            encode(self.password.expose_secret()),
            encode(&self.socket_dir.to_string_lossy()),
            self.port,
            encode(database)
        )
    }
}

/// Percent-encodes everything but letters, digits, `-` and `_`.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&hex::encode_upper([byte]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::super::SUPERUSER;
    use super::*;

    #[test]
    fn a_url_carries_the_socket_folder_as_its_host() {
        let parameters = ConnectionParameters {
            socket_dir: "/srv/x.y/.chartwell".into(),
            port: 5432,
            user: SUPERUSER,
            password: "ab12".into(),
        };
        assert_eq!(
            parameters.url("my db/ü"),
            "postgres://chartwell_superuser:ab12@%2Fsrv%2Fx%2Ey%2F%2Echartwell:5432/my%20db%2F%C3%BC"
        );
    }

    #[test]
    fn the_secret_is_not_printed() {
        let parameters = ConnectionParameters {
            socket_dir: "/s".into(),
            port: 5432,
            user: SUPERUSER,
            password: "very-secret".into(),
        };
        assert!(!format!("{parameters:?}").contains("very-secret"));
    }
}

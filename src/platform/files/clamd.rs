//! A client of ClamAV's daemon: `zINSTREAM`, over TCP or a Unix socket.
//!
//! Trap: clamd ends a stream longer than its `StreamMaxLength` (25 MB unless set) with an error; then nothing is known of the
//! content, and it stays in quarantine. The setting must be as large as the largest file.

use std::path::PathBuf;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use kernel::{Error, Result};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

use super::{Finding, Pieces, Scanner};

/// The longest a scan may take.
const DEADLINE: Duration = Duration::from_mins(5);
/// An answer is a line; more is none.
const ANSWER: u64 = 4096;
/// The largest piece sent at once.
const PIECE: usize = 256 << 10;

/// Where clamd listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClamdAddress {
    /// `host:port`
    Tcp(String),
    Unix(PathBuf),
}

impl std::str::FromStr for ClamdAddress {
    type Err = ();

    /// `tcp:host:port` or `unix:/path`.
    fn from_str(text: &str) -> Result<Self, ()> {
        match text.split_once(':') {
            Some(("tcp", address)) if address.contains(':') => Ok(Self::Tcp(address.to_owned())),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            _ => Err(()),
        }
    }
}

/// The client. Each scan is a connection of its own.
#[derive(Clone, Debug)]
pub struct Clamd(pub ClamdAddress);

impl Scanner for Clamd {
    fn scan<'a>(&'a self, content: Pieces<'a>) -> BoxFuture<'a, Result<Finding>> {
        Box::pin(async move {
            let work = async {
                match &self.0 {
                    ClamdAddress::Tcp(address) => {
                        let stream = TcpStream::connect(address)
                            .await
                            .map_err(Error::unavailable)?;
                        converse(stream, content).await
                    }
                    ClamdAddress::Unix(path) => {
                        let stream = UnixStream::connect(path)
                            .await
                            .map_err(Error::unavailable)?;
                        converse(stream, content).await
                    }
                }
            };
            match tokio::time::timeout(DEADLINE, work).await {
                Ok(finding) => finding,
                Err(_) => Err(Error::unavailable("clamd took too long")),
            }
        })
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite, content: Pieces<'_>) -> Result<Finding> {
    let (reader, mut writer) = tokio::io::split(stream);
    // clamd may answer and hang up before the end of what it is sent; then the answer counts, not the broken pipe.
    let sent = send(&mut writer, content).await;
    let mut answer = Vec::new();
    let read = reader.take(ANSWER).read_to_end(&mut answer).await;
    match (sent, read) {
        (Err(Failed::Content(error)), _) => Err(error),
        (Err(Failed::Connection(error)), _) if answer.is_empty() => Err(Error::unavailable(error)),
        (_, Err(error)) if answer.is_empty() => Err(Error::unavailable(error)),
        _ => finding(&answer),
    }
}

enum Failed {
    Content(Error),
    Connection(std::io::Error),
}

impl From<std::io::Error> for Failed {
    fn from(error: std::io::Error) -> Self {
        Self::Connection(error)
    }
}

async fn send(
    writer: &mut (impl AsyncWrite + Unpin),
    mut content: Pieces<'_>,
) -> Result<(), Failed> {
    writer.write_all(b"zINSTREAM\0").await?;
    while let Some(piece) = content.next().await {
        let piece = piece.map_err(Failed::Content)?;
        for piece in piece.chunks(PIECE) {
            let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
            writer.write_all(&length.to_be_bytes()).await?;
            writer.write_all(piece).await?;
        }
    }
    writer.write_all(&0_u32.to_be_bytes()).await?;
    writer.flush().await?;
    Ok(())
}

/// `stream: OK`, `stream: NAME FOUND`, or what went wrong.
fn finding(answer: &[u8]) -> Result<Finding> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_end_matches(['\0', '\n']).trim();
    let said = text.strip_prefix("stream: ").unwrap_or(text);
    if said == "OK" {
        return Ok(Finding::Clean);
    }
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Finding::Infected(
            name.chars().filter(|c| !c.is_control()).take(120).collect(),
        )),
        None => Err(Error::unavailable("clamd did not say what it found")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_understood_and_errors_are_no_answers() {
        assert_eq!(finding(b"stream: OK\0").expect("an answer"), Finding::Clean);
        let found = finding(b"stream: Win.Test.EICAR_HDB-1 FOUND\0").expect("an answer");
        assert_eq!(found, Finding::Infected("Win.Test.EICAR_HDB-1".to_owned()));
        for none in [
            &b""[..],
            b"INSTREAM size limit exceeded. ERROR\0",
            b"stream: OKAY",
        ] {
            assert!(finding(none).is_err());
        }
    }

    #[test]
    fn addresses_are_read() {
        assert_eq!(
            "tcp:localhost:3310".parse(),
            Ok(ClamdAddress::Tcp("localhost:3310".to_owned()))
        );
        assert_eq!(
            "unix:/run/clamd".parse(),
            Ok(ClamdAddress::Unix("/run/clamd".into()))
        );
        for wrong in ["localhost:3310", "tcp:localhost", "unix:clamd", ""] {
            assert!(wrong.parse::<ClamdAddress>().is_err(), "{wrong}");
        }
    }
}

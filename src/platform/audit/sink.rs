//! Where seals go besides the database, so that who can rewrite the database can't rewrite them too.
//!
//! A file gets one line of JSON for each seal: all that was signed, its hash, the signature. A line can be checked with
//! nothing but the public key. Ship the file to another machine, or mount it from one.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures_util::future::BoxFuture;
use kernel::ids::TenantId;
use kernel::{Error, Result};
use serde::Serialize;

use super::log::Log;
use super::seal::SignedSeal;

/// A keeper of seals outside the database.
pub trait SealSink: Send + Sync {
    /// Keeps the seals. Returns when they would survive a crash.
    fn keep(&self, seals: Vec<SignedSeal>) -> BoxFuture<'_, Result<()>>;

    /// The number of the last seal kept of each log of each tenant, so that what a crash held up can be handed over later.
    fn latest(&self) -> BoxFuture<'_, Result<HashMap<(TenantId, Log), i64>>>;
}

/// A file that only ever grows.
#[derive(Clone, Debug)]
pub struct FileSink {
    path: PathBuf,
}

#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    seal: &'a SignedSeal,
    hash: String,
}

impl FileSink {
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Shows every seal in the file, in its order. Returns how many lines can't be read: a crash may tear the last one.
    ///
    /// Blocks on the disk. A file that is not there yet holds nothing.
    pub fn read(path: &Path, mut show: impl FnMut(SignedSeal)) -> std::io::Result<u64> {
        let file = match File::open(path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
            file => file?,
        };
        let mut unreadable = 0;
        for line in BufReader::new(file).split(b'\n') {
            match serde_json::from_slice(&line?) {
                Ok(seal) => show(seal),
                Err(_) => unreadable += 1,
            }
        }
        Ok(unreadable)
    }

    fn append(path: &Path, seals: &[SignedSeal]) -> std::io::Result<()> {
        let mut text = Vec::new();
        let is_new = !path.exists();
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)?;
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            // After a torn line, start a new one.
            if last != *b"\n" {
                text.push(b'\n');
            }
        }
        for seal in seals {
            serde_json::to_writer(
                &mut text,
                &Line {
                    seal,
                    hash: hex::encode(seal.seal.hash()),
                },
            )?;
            text.push(b'\n');
        }
        file.write_all(&text)?;
        file.sync_all()?;
        if is_new
            && let Some(folder) = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
        {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }
}

impl SealSink for FileSink {
    fn keep(&self, seals: Vec<SignedSeal>) -> BoxFuture<'_, Result<()>> {
        let path = self.path.clone();
        Box::pin(blocking(move || Self::append(&path, &seals)))
    }

    fn latest(&self) -> BoxFuture<'_, Result<HashMap<(TenantId, Log), i64>>> {
        let path = self.path.clone();
        Box::pin(blocking(move || {
            let mut latest: HashMap<(TenantId, Log), i64> = HashMap::new();
            Self::read(&path, |SignedSeal { seal, .. }| {
                let last = latest.entry(seal.chain()).or_default();
                *last = seal.sequence.max(*last);
            })?;
            Ok(latest)
        }))
    }
}

/// Runs work on the disk beside the runtime.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?
        .map_err(|error| Error::unavailable(format!("the file of seals: {:?}", error.kind())))
}

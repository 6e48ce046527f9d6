//! The object store: a folder, S3, or memory; sealed on the way in, opened and verified on the way out.

use std::ops::Range;
use std::path::Path as FilePath;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use kernel::ids::TenantId;
use kernel::{Code, Error, Result};
use object_store::aws::AmazonS3Builder;
use object_store::buffered::BufWriter;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::sealed::{CHUNK, Chunks, STORED, chunks_of, stored_size};
use super::{ObjectKey, Pieces};

/// What goes to the store at once; S3 takes no smaller parts. While one is written, the next is sealed.
const PART: usize = 5 << 20;
const PARTS_ON_THE_WAY: usize = 2;
/// Chunks read at once.
const SEGMENT: u64 = 16;

/// The name of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ObjectName {
    pub tenant: TenantId,
    pub id: Uuid,
}

impl ObjectName {
    /// By the last digits of the id, because the first are those of its time: so that a folder does not get too many.
    fn path(&self) -> Path {
        let id = self.id.simple().to_string();
        Path::from(format!("{}/{}/{id}", self.tenant, &id[id.len() - 2..]))
    }

    fn bytes(&self) -> Vec<u8> {
        [self.tenant.0.as_bytes().as_slice(), self.id.as_bytes()].concat()
    }
}

/// Content that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    pub size: u64,
    pub sha256: [u8; 32],
}

/// What of an object to read.
#[derive(Debug)]
pub struct Content {
    pub name: ObjectName,
    pub key: ObjectKey,
    /// Of the whole content.
    pub size: u64,
    /// Of the whole content; compared when all of it is read.
    pub sha256: [u8; 32],
}

/// Where an S3-compatible store is.
#[derive(Clone, Debug, Default)]
pub struct S3 {
    pub bucket: String,
    pub region: String,
    /// Unset: Amazon's.
    pub endpoint: Option<String>,
    /// Unset: from the machine's role.
    pub access_key: Option<String>,
    pub secret_key: Option<secrecy::SecretString>,
}

/// An object store.
#[derive(Clone, Debug)]
pub struct Objects(Arc<dyn ObjectStore>);

impl Objects {
    /// A folder, made if missing. What is written is on the disk before it counts as written.
    pub fn in_folder(folder: &FilePath) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(Error::internal)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
        Ok(Self(Arc::new(store.with_fsync(true))))
    }

    pub fn in_s3(place: &S3) -> Result<Self> {
        use secrecy::ExposeSecret as _;
        // A second call, or another's before, leaves the first in place: it is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(&place.bucket)
            .with_region(&place.region);
        if let Some(endpoint) = &place.endpoint {
            builder = builder
                .with_endpoint(endpoint)
                .with_allow_http(endpoint.starts_with("http://"));
        }
        if let Some(key) = &place.access_key {
            builder = builder.with_access_key_id(key);
        }
        if let Some(secret) = &place.secret_key {
            builder = builder.with_secret_access_key(secret.expose_secret());
        }
        Ok(Self(Arc::new(builder.build().map_err(Error::internal)?)))
    }

    pub fn in_memory() -> Self {
        Self(Arc::new(InMemory::new()))
    }

    /// Writes content to its end and returns what it was. Nothing remains of an object whose content breaks off.
    pub async fn write(
        &self,
        name: ObjectName,
        key: &ObjectKey,
        mut content: Pieces<'_>,
    ) -> Result<Written> {
        let mut writer = self.writer(name, key);
        while let Some(piece) = content.next().await {
            match piece {
                Ok(piece) => writer.push(&piece).await?,
                Err(error) => {
                    writer.abort().await;
                    return Err(error);
                }
            }
        }
        writer.finish().await
    }

    /// Writes content piece by piece. Dropping it before its end leaves nothing that can be read.
    pub fn writer(&self, name: ObjectName, key: &ObjectKey) -> Writer {
        Writer {
            out: BufWriter::with_capacity(self.0.clone(), name.path(), PART)
                .with_max_concurrency(PARTS_ON_THE_WAY),
            chunks: key.chunks(&name.bytes()),
            pending: Vec::with_capacity(STORED),
            number: 0,
            hash: Sha256::new(),
            size: 0,
        }
    }

    /// The whole content. Its last piece is held back until the hash of all of it is found right.
    pub fn read(&self, content: Content) -> Pieces<'static> {
        let expected = content.sha256;
        let whole = 0..content.size;
        let mut hash = Some(Sha256::new());
        let mut held: Option<Bytes> = None;
        self.read_range(content, whole)
            .map(Some)
            .chain(stream::once(async { None }))
            .filter_map(move |piece| {
                let next = match piece {
                    Some(Ok(piece)) => {
                        if let Some(hash) = &mut hash {
                            hash.update(&piece);
                        }
                        held.replace(piece).map(Ok)
                    }
                    Some(Err(error)) => {
                        hash = None;
                        Some(Err(error))
                    }
                    None => match hash.take() {
                        Some(hash) => {
                            if hash.finalize()[..] == expected {
                                held.take().map(Ok)
                            } else {
                                Some(Err(damaged("its hash is another")))
                            }
                        }
                        None => None,
                    },
                };
                std::future::ready(next)
            })
            .boxed()
    }

    /// A part of the content, which must lie in it. Only the chunks it touches are fetched.
    pub fn read_range(&self, content: Content, range: Range<u64>) -> Pieces<'static> {
        let Content {
            name, key, size, ..
        } = content;
        let (store, path) = (self.0.clone(), name.path());
        let chunks = Arc::new(key.chunks(&name.bytes()));
        let chunk = CHUNK as u64;
        let (first, after) = (range.start / chunk, range.end.max(1).div_ceil(chunk));
        let after = after.min(chunks_of(size)).max(first + 1);
        let segments = (first..after).step_by(usize::try_from(SEGMENT).unwrap_or(1));
        stream::iter(segments)
            .map(move |start| {
                let (store, path, chunks) = (store.clone(), path.clone(), chunks.clone());
                let range = range.clone();
                async move {
                    let end = (start + SEGMENT).min(after);
                    let from = start * STORED as u64;
                    let until = (end * STORED as u64).min(stored_size(size));
                    let sealed = store
                        .get_range(&path, from..until)
                        .await
                        .map_err(unreachable)?;
                    open_segment(&chunks, &sealed, start, chunks_of(size), &range)
                }
            })
            .buffered(2)
            .boxed()
    }

    /// Removes an object; one that is not there is removed already.
    pub async fn remove(&self, name: ObjectName) -> Result<()> {
        match self.0.delete(&name.path()).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(unreachable(error)),
        }
    }

    /// Whether there is such an object.
    pub async fn exists(&self, name: ObjectName) -> Result<bool> {
        match self.0.head(&name.path()).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(unreachable(error)),
        }
    }
}

/// The content of a run of chunks, cut to the range.
fn open_segment(
    chunks: &Chunks,
    sealed: &[u8],
    start: u64,
    all: u64,
    range: &Range<u64>,
) -> Result<Bytes> {
    let mut content = Vec::with_capacity(sealed.len());
    for (place, sealed) in sealed.chunks(STORED).enumerate() {
        let number = start + place as u64;
        let mut chunk = sealed.to_vec();
        let short = u32::try_from(number).map_err(Error::internal)?;
        if !chunks.open(short, number + 1 == all, &mut chunk) {
            return Err(damaged("a chunk does not open"));
        }
        content.append(&mut chunk);
    }
    let origin = start * CHUNK as u64;
    let cut = |at: u64| usize::try_from(at.saturating_sub(origin)).unwrap_or(usize::MAX);
    let content = Bytes::from(content);
    let from = cut(range.start).min(content.len());
    let until = cut(range.end).min(content.len());
    Ok(content.slice(from..until))
}

/// Content on its way into the store.
pub struct Writer {
    out: BufWriter,
    chunks: Chunks,
    pending: Vec<u8>,
    number: u32,
    hash: Sha256,
    size: u64,
}

impl Writer {
    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn push(&mut self, mut piece: &[u8]) -> Result<()> {
        self.hash.update(piece);
        self.size += piece.len() as u64;
        while !piece.is_empty() {
            // A full chunk is sealed only when more follows: the last one must say that it is the last.
            if self.pending.len() == CHUNK {
                self.seal(false).await?;
            }
            let (now, later) = piece.split_at(piece.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            piece = later;
        }
        Ok(())
    }

    pub async fn finish(mut self) -> Result<Written> {
        use tokio::io::AsyncWriteExt as _;
        self.seal(true).await?;
        self.out.shutdown().await.map_err(unreachable)?;
        Ok(Written {
            size: self.size,
            sha256: self.hash.finalize().into(),
        })
    }

    /// Leaves nothing behind, as far as the store can be reached.
    pub async fn abort(mut self) {
        let _ = self.out.abort().await;
    }

    async fn seal(&mut self, last: bool) -> Result<()> {
        let mut chunk = std::mem::replace(&mut self.pending, Vec::with_capacity(STORED));
        self.chunks.seal(self.number, last, &mut chunk);
        self.number = self
            .number
            .checked_add(1)
            .ok_or_else(|| Error::new(Code::BodyTooLarge))?;
        self.out.put(chunk.into()).await.map_err(unreachable)
    }
}

fn unreachable(cause: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::unavailable(cause)
}

fn damaged(how: &'static str) -> Error {
    Error::internal(format!("an object in the file store is damaged: {how}"))
}

#[cfg(test)]
#[path = "objects_tests.rs"]
mod tests;

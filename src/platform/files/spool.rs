//! What is made faster than it is read: kept meanwhile in a file that has no name, sealed with a key that is only in memory.
//!
//! The file is in the system's folder for temporary files (`TMPDIR`) and is unlinked as soon as it is open: it ends with its
//! spool, or with the process. Not for what must be found again.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use kernel::{Error, Result};
use tokio::fs::{File, OpenOptions};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use super::sealed::{CHUNK, Chunks, STORED, chunks_of};
use super::{ObjectKey, Pieces};
use crate::crypto::random;

/// A spool that is written.
pub struct Spool {
    file: File,
    chunks: Chunks,
    pending: Vec<u8>,
    number: u32,
    size: u64,
}

impl Spool {
    pub async fn new() -> Result<Self> {
        let name = format!("chartwell-{}", hex::encode(random::secret::<16>()));
        let path = std::env::temp_dir().join(name);
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        let file = options.open(&path).await.map_err(Error::unavailable)?;
        tokio::fs::remove_file(&path)
            .await
            .map_err(Error::unavailable)?;
        Ok(Self {
            file,
            chunks: ObjectKey::new().chunks(b"spool"),
            pending: Vec::with_capacity(STORED),
            number: 0,
            size: 0,
        })
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    pub async fn push(&mut self, mut piece: &[u8]) -> Result<()> {
        self.size += piece.len() as u64;
        while !piece.is_empty() {
            if self.pending.len() == CHUNK {
                self.seal(false).await?;
            }
            let (now, later) = piece.split_at(piece.len().min(CHUNK - self.pending.len()));
            self.pending.extend_from_slice(now);
            piece = later;
        }
        Ok(())
    }

    /// Ends the writing.
    pub async fn finish(mut self) -> Result<Spooled> {
        self.seal(true).await?;
        self.file.flush().await.map_err(Error::unavailable)?;
        self.file.rewind().await.map_err(Error::unavailable)?;
        Ok(Spooled {
            file: self.file,
            chunks: Arc::new(self.chunks),
            size: self.size,
        })
    }

    async fn seal(&mut self, last: bool) -> Result<()> {
        let mut chunk = std::mem::replace(&mut self.pending, Vec::with_capacity(STORED));
        self.chunks.seal(self.number, last, &mut chunk);
        self.number = self
            .number
            .checked_add(1)
            .ok_or_else(|| Error::internal("a spool beyond 256 TiB"))?;
        self.file
            .write_all(&chunk)
            .await
            .map_err(Error::unavailable)
    }
}

/// A spool to be read, once and from its beginning.
pub struct Spooled {
    file: File,
    chunks: Arc<Chunks>,
    size: u64,
}

impl Spooled {
    pub fn read(self) -> Pieces<'static> {
        let all = chunks_of(self.size);
        let state = (self, 0_u64);
        stream::try_unfold(state, move |(mut spool, number)| async move {
            if number == all {
                return Ok(None);
            }
            let mut chunk = Vec::with_capacity(STORED);
            (&mut spool.file)
                .take(STORED as u64)
                .read_to_end(&mut chunk)
                .await
                .map_err(Error::unavailable)?;
            let short = u32::try_from(number).map_err(Error::internal)?;
            if !spool.chunks.open(short, number + 1 == all, &mut chunk) {
                return Err(Error::internal("a chunk of a spool does not open"));
            }
            Ok(Some((Bytes::from(chunk), (spool, number + 1))))
        })
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_spooled_is_what_is_read() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let content: Vec<u8> = (0..=250).cycle().take(size).collect();
            let mut spool = Spool::new().await.expect("a spool");
            for piece in content.chunks(1000) {
                spool.push(piece).await.expect("taken");
            }
            assert_eq!(spool.size(), size as u64);
            let mut pieces = spool.finish().await.expect("its end").read();
            let mut read = Vec::new();
            while let Some(piece) = pieces.next().await {
                read.extend_from_slice(&piece.expect("a piece"));
            }
            assert_eq!(read, content, "{size} bytes");
        }
    }
}

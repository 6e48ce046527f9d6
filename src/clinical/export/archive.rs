//! A zip that is written while it is read: entries go in at one end, pieces come out at the other.
//!
//! The writer is a thread of its own between two short channels, so that whoever fills the archive waits for whoever reads it.
//! What breaks off leaves no central directory, and so no zip.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream;
use kernel::{Error, Result};
use platform::files::Pieces;
use tokio::sync::mpsc;
use zip::write::{SimpleFileOptions, StreamWriter};
use zip::{CompressionMethod, ZipWriter};

/// Bytes of a piece on its way out.
const PIECE: usize = 64 << 10;
/// Pieces that wait, at either end.
const WAITING: usize = 4;

enum Step {
    Entry(String),
    Content(Bytes),
    End,
}

/// The end at which an archive is filled.
pub(super) struct Archive(mpsc::Sender<Step>);

impl Archive {
    /// Begins an entry; the one before is ended by it.
    pub async fn entry(&self, name: String) -> Result<()> {
        self.step(Step::Entry(name)).await
    }

    pub async fn content(&self, content: Bytes) -> Result<()> {
        self.step(Step::Content(content)).await
    }

    async fn step(&self, step: Step) -> Result<()> {
        let gone = |_| Error::unavailable(io::Error::from(io::ErrorKind::BrokenPipe));
        self.0.send(step).await.map_err(gone)
    }
}

/// The archive that `fill` fills, begun when its first piece is asked for. An error of it breaks the archive off.
pub(super) fn archive<F, Fut>(fill: F) -> Pieces<'static>
where
    F: FnOnce(Archive) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    stream::once(async move { begun(fill) }).flatten().boxed()
}

fn begun<F, Fut>(fill: F) -> Pieces<'static>
where
    F: FnOnce(Archive) -> Fut + Send + 'static,
    Fut: Future<Output = Result<()>> + Send + 'static,
{
    let (steps, todo) = mpsc::channel(WAITING);
    let (out, pieces) = mpsc::channel(WAITING);
    let broken = out.clone();
    tokio::task::spawn_blocking(move || {
        if let Err(error) = write(todo, out.clone()) {
            let _ = out.blocking_send(Err(Error::internal(error)));
        }
    });
    tokio::spawn(async move {
        let end = steps.clone();
        match fill(Archive(steps)).await {
            Ok(()) => {
                let _ = end.send(Step::End).await;
            }
            Err(error) => {
                let _ = broken.send(Err(error)).await;
            }
        }
    });
    stream::unfold(pieces, |mut pieces| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    })
    .boxed()
}

/// Writes what is to be done until its end; without one the archive stays open, and so broken.
fn write(
    mut todo: mpsc::Receiver<Step>,
    out: mpsc::Sender<Result<Bytes>>,
) -> zip::result::ZipResult<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .large_file(true);
    let out = Out {
        out,
        pending: Vec::with_capacity(PIECE),
    };
    let mut zip: ZipWriter<StreamWriter<Out>> = ZipWriter::new_stream(out);
    while let Some(step) = todo.blocking_recv() {
        match step {
            Step::Entry(name) => zip.start_file(name, options)?,
            Step::Content(content) => zip.write_all(&content)?,
            Step::End => {
                zip.finish()?.flush()?;
                return Ok(());
            }
        }
    }
    Err(io::Error::from(io::ErrorKind::UnexpectedEof).into())
}

/// Where the zip goes: gathered to pieces, handed on when the reader has room.
struct Out {
    out: mpsc::Sender<Result<Bytes>>,
    pending: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.pending.extend_from_slice(bytes);
        if self.pending.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.pending, Vec::with_capacity(PIECE));
        self.out
            .blocking_send(Ok(piece.into()))
            .map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(mut pieces: Pieces<'static>) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await {
            bytes.extend_from_slice(&piece?);
        }
        Ok(bytes)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_goes_in_comes_out() {
        let zipped = read(archive(|archive| async move {
            archive.entry("a.txt".to_owned()).await?;
            for _ in 0..1_000 {
                archive.content(Bytes::from_static(b"line\n")).await?;
            }
            archive.entry("b/c.txt".to_owned()).await?;
            archive.content(Bytes::from_static(b"other")).await
        }))
        .await
        .expect("an archive");
        let mut zip = zip::ZipArchive::new(io::Cursor::new(zipped)).expect("a zip");
        let text = |zip: &mut zip::ZipArchive<_>, name| {
            io::read_to_string(zip.by_name(name).expect("an entry")).expect("a text")
        };
        assert_eq!(text(&mut zip, "a.txt"), "line\n".repeat(1_000));
        assert_eq!(text(&mut zip, "b/c.txt"), "other");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_breaks_off_is_an_error_and_no_zip() {
        let broken = archive(|archive| async move {
            archive.entry("a.txt".to_owned()).await?;
            Err(Error::internal("broken"))
        });
        assert!(read(broken).await.is_err());
    }
}

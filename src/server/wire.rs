//! What HTTP itself refuses is a problem document like any other.
//!
//! A head that can't be read (two lengths, no HTTP at all, too long) never becomes a request: hyper answers it with a bare
//! status and closes, and one that never comes to an end it does not answer at all. So the connection knows whose turn it is.
//! Bytes that hyper writes while no request is owed an answer are its own refusal, and the document goes out in their place.
//!
//! Invariants: an answer of ours is never touched; whether one is owed is known exactly, not read out of what is written: from
//! the call of the service until hyper has let go of the body and then found its buffer empty (it flushes the stream only then).
//! A connection costs one small allocation, a request two relaxed stores.
//!
//! Traps: who closes with bytes unread takes the answer away from the client, so the rest is read for a moment; a head that begins
//! behind an earlier request in the same packet and never ends is not seen here, and its connection is closed without a word.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::HttpBody;
use hyper::body::{Frame, SizeHint};
use kernel::ids::RequestId;
use kernel::{Code, Error};
use platform::http::problem_document;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_io_timeout::TimeoutStream;

/// How long, and how much, is read from a client who was refused, so that he gets to read why.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1 << 20;

const NOTHING_OWED: u8 = 0;
const OWED: u8 = 1;
/// hyper has the whole answer, and may not have written it yet.
const HANDED_OVER: u8 = 2;

/// Whose turn it is on a connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Turn(Arc<AtomicU8>);

impl Turn {
    /// A request has been understood: an answer is owed until the returned mark is dropped, with its body.
    pub fn answer(&self) -> Owed {
        self.0.store(OWED, Ordering::Relaxed);
        Owed(self.clone())
    }

    /// hyper's buffer is empty.
    /// Answers whether that was the end of an answer.
    fn written(&self) -> bool {
        let last = self.0.load(Ordering::Relaxed) == HANDED_OVER;
        if last {
            self.0.store(NOTHING_OWED, Ordering::Relaxed);
        }
        last
    }

    fn is_free(&self) -> bool {
        self.0.load(Ordering::Relaxed) == NOTHING_OWED
    }
}

/// Lives as long as hyper still asks for more of the answer.
#[derive(Debug)]
pub(super) struct Owed(Turn);

impl Drop for Owed {
    fn drop(&mut self) {
        self.0.0.store(HANDED_OVER, Ordering::Relaxed);
    }
}

/// The body of an answer that is owed.
pub(super) struct OwedBody {
    body: axum::body::Body,
    _owed: Owed,
}

impl OwedBody {
    pub fn new(body: axum::body::Body, owed: Owed) -> Self {
        Self { body, _owed: owed }
    }
}

impl HttpBody for OwedBody {
    type Data = axum::body::Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A connection that says in a document what hyper says with a status.
pub(super) struct Wire {
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    turn: Turn,
    refusal: Option<Refusal>,
    /// Something came that is no request yet.
    begun: bool,
    /// The client has said all he will.
    ended: bool,
    closed: bool,
}

/// A refusal on its way out, and what follows.
struct Refusal {
    bytes: Vec<u8>,
    sent: usize,
    read: usize,
    linger: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub fn new(stream: TimeoutStream<TcpStream>, turn: Turn) -> Self {
        Self {
            stream: Box::pin(stream),
            turn,
            refusal: None,
            begun: false,
            ended: false,
            closed: false,
        }
    }

    /// Writes the document in the place of `words`, hyper's refusal. Says that these were written when the document is.
    fn refuse(
        &mut self,
        cx: &mut Context<'_>,
        words: &[u8],
        length: usize,
    ) -> Poll<io::Result<usize>> {
        let refusal = self.refusal.get_or_insert_with(|| Refusal {
            bytes: instead_of(words),
            sent: 0,
            read: 0,
            linger: None,
        });
        while refusal.sent < refusal.bytes.len() {
            let rest = refusal.bytes.get(refusal.sent..).unwrap_or_default();
            match ready!(self.stream.as_mut().poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                written => refusal.sent += written,
            }
        }
        Poll::Ready(Ok(length))
    }

    /// Reads on for a moment, until the client has hung up.
    fn linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(refusal) = self.refusal.as_mut() else {
            return Poll::Ready(());
        };
        let sleep = refusal
            .linger
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(LINGER)));
        while !self.ended && refusal.read < LINGER_BYTES {
            if sleep.as_mut().poll(cx).is_ready() {
                break;
            }
            let mut space = [0; 4096];
            let mut space = ReadBuf::new(&mut space);
            match ready!(self.stream.as_mut().poll_read(cx, &mut space)) {
                Ok(()) if !space.filled().is_empty() => refusal.read += space.filled().len(),
                _ => self.ended = true,
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(self.stream.as_mut().poll_read(cx, buffer))?;
        if buffer.filled().len() == before {
            self.ended = true;
        } else {
            self.begun = self.turn.is_free();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.turn.is_free() {
            return self.refuse(cx, bytes, bytes.len());
        }
        self.stream.as_mut().poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.turn.is_free() {
            let words = pieces.first().map_or(&[][..], |piece| piece);
            return self.refuse(cx, words, pieces.iter().map(|piece| piece.len()).sum());
        }
        self.stream.as_mut().poll_write_vectored(cx, pieces)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        // Between two requests nothing has begun: an idle connection ends without a word.
        if self.turn.written() {
            self.begun = false;
        }
        self.stream.as_mut().poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.closed {
            ready!(self.stream.as_mut().poll_shutdown(cx))?;
            self.closed = true;
        }
        ready!(self.linger(cx));
        Poll::Ready(Ok(()))
    }
}

/// hyper drops a connection whose head did not end in time, or at all, without a word.
impl Drop for Wire {
    fn drop(&mut self) {
        if self.closed || self.refusal.is_some() || !self.begun || !self.turn.is_free() {
            return;
        }
        let code = if self.ended {
            Code::MalformedRequest
        } else {
            Code::HeadersTimeout
        };
        // Nothing was written before, so that it fits the socket's buffer; if not, nobody is there to read it.
        let _ = self.stream.get_ref().try_write(&answer(code, None));
    }
}

/// The answer in the place of hyper's.
fn instead_of(words: &[u8]) -> Vec<u8> {
    let head = String::from_utf8_lossy(words);
    let code = match head.get(9..12) {
        Some("414") => Code::UriTooLong,
        Some("431") => Code::HeadersTooLarge,
        _ => Code::MalformedRequest,
    };
    let date = head
        .lines()
        .find(|line| line.len() > 5 && line.as_bytes()[..5].eq_ignore_ascii_case(b"date:"));
    answer(code, date)
}

fn answer(code: Code, date: Option<&str>) -> Vec<u8> {
    let id = RequestId::new();
    let (status, document) = problem_document(&Error::new(code), id);
    tracing::info!(request = %id, status = status.as_u16(), code = code.as_str(), "request refused");
    let date = date.map(|line| format!("{line}\r\n")).unwrap_or_default();
    let mut bytes = format!(
        "HTTP/1.1 {} {}\r\n{date}connection: close\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         x-request-id: {id}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
        document.len()
    )
    .into_bytes();
    bytes.extend_from_slice(&document);
    bytes
}

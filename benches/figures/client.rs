//! A small HTTP/1.1 client: one connection kept alive, a request at a time, bodies by Content-Length.
//!
//! It shares the machine with what it measures, so it does as little as it can.

use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What every request of the bench says about itself.
pub const USER_AGENT: &str = "chartwell-figures";

/// How much of a file is read or written at once.
const PIECE: usize = 256 << 10;

pub struct Client {
    stream: TcpStream,
    answer: Vec<u8>,
}

pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
}

struct Head {
    status: u16,
    /// Where the body begins.
    length: usize,
    body: usize,
}

impl Client {
    pub async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(1 << 16),
        })
    }

    /// Sends a request, head and body, and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = parse(&self.answer)? {
                break head;
            }
        };
        while self.answer.len() < head.length + head.body {
            self.more().await?;
        }
        Ok(Answer {
            status: head.status,
            body: &self.answer[head.length..head.length + head.body],
        })
    }

    /// Sends what stands before a file, the file and what stands after it, and reads the answer.
    pub async fn send_file(
        &mut self,
        head: &[u8],
        file: &Path,
        tail: &[u8],
    ) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(head).await?;
        let mut file = std::fs::File::open(file)?;
        let mut piece = vec![0; PIECE];
        loop {
            let read = file.read(&mut piece)?;
            if read == 0 {
                break;
            }
            self.stream.write_all(&piece[..read]).await?;
        }
        self.exchange(tail).await
    }

    /// Sends a request and writes the body of its answer to a file. Returns its length.
    pub async fn fetch_file(&mut self, request: &[u8], into: &Path) -> anyhow::Result<usize> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        let head = loop {
            self.more().await?;
            if let Some(head) = parse(&self.answer)? {
                break head;
            }
        };
        ensure!(head.status == 200, "the answer is {}", head.status);
        let mut file = std::fs::File::create(into)?;
        file.write_all(&self.answer[head.length..])?;
        let mut received = self.answer.len() - head.length;
        let mut piece = vec![0; PIECE];
        while received < head.body {
            let read = self.stream.read(&mut piece).await?;
            ensure!(read > 0, "the server hung up");
            file.write_all(&piece[..read])?;
            received += read;
        }
        Ok(received)
    }

    async fn more(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.answer).await? == 0 {
            bail!("the server hung up");
        }
        Ok(())
    }
}

/// The head, once it is whole.
fn parse(answer: &[u8]) -> anyhow::Result<Option<Head>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&answer[..end])?;
    let status = text.get(9..12).context("no status line")?.parse()?;
    let body = text
        .split("\r\n")
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map(|(_, value)| value.trim().parse())
        .context("an answer without Content-Length")??;
    Ok(Some(Head {
        status,
        length: end + 4,
        body,
    }))
}

/// The bytes of a GET.
pub fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: {USER_AGENT}\r\nauthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// The bytes of a POST of JSON, without a token.
pub fn post(path: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: {USER_AGENT}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// The bytes of a POST of JSON.
pub fn post_as(path: &str, token: &str, body: &serde_json::Value) -> Vec<u8> {
    let body = body.to_string();
    let mut request = post_head(path, token, "application/json", body.len());
    request.extend_from_slice(body.as_bytes());
    request
}

/// The head of a POST with a body of this length.
pub fn post_head(path: &str, token: &str, content_type: &str, length: usize) -> Vec<u8> {
    format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nuser-agent: {USER_AGENT}\r\nauthorization: Bearer {token}\r\n\
         content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    )
    .into_bytes()
}

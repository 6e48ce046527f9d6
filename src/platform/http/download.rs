//! Content as an answer: streamed, in ranges, and never as a page of ours.
//!
//! A [`Download`] is made by [`CallerTx::finish_file`](crate::db::CallerTx::finish_file) alone, after the access record is
//! durable. Content is somebody else's: it goes out as an attachment, unless the caller asks to see it and its type can hold
//! no script, with a policy that lets it run nothing and load nothing.

use std::ops::Range;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kernel::{Code, Error, Result};

use super::Problem;
use crate::app::App;
use crate::files::{self, Pieces};

/// Content to give out.
pub struct FileContent {
    pub filename: String,
    pub content_type: String,
    /// Of the whole content.
    pub size: u64,
    /// Of the whole content.
    pub sha256: [u8; 32],
    /// The part that `pieces` is; `None`: the whole.
    pub range: Option<Range<u64>>,
    /// Whether the caller wants to see it instead of keeping it.
    pub inline: bool,
    pub pieces: Pieces<'static>,
}

impl std::fmt::Debug for FileContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileContent")
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

/// Content that is made while it goes out: nobody knows its size before its end.
pub struct MadeContent {
    pub filename: String,
    pub content_type: &'static str,
    /// Begins to be made when it is first asked for a piece. One that breaks off breaks the answer off.
    pub pieces: Pieces<'static>,
}

impl std::fmt::Debug for MadeContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MadeContent").finish_non_exhaustive()
    }
}

/// Content with its receipt.
#[derive(Debug)]
pub struct Download(Given);

#[derive(Debug)]
enum Given {
    Kept(FileContent),
    Made(MadeContent),
}

impl Download {
    pub(crate) fn new(content: FileContent) -> Self {
        Self(Given::Kept(content))
    }

    pub(crate) fn made(content: MadeContent) -> Self {
        Self(Given::Made(content))
    }
}

impl IntoResponse for MadeContent {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from_stream(self.pieces));
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static(self.content_type),
        );
        if let Ok(value) = HeaderValue::from_str(&disposition(false, &self.filename)) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

impl IntoResponse for Download {
    fn into_response(self) -> Response {
        let content = match self.0 {
            Given::Kept(content) => content,
            Given::Made(content) => return content.into_response(),
        };
        let length = content
            .range
            .as_ref()
            .map_or(content.size, |range| range.end - range.start);
        let shown = content.inline && files::shown_inline(&content.content_type);
        let mut response = Response::new(Body::from_stream(content.pieces));
        if content.range.is_some() {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        let headers = response.headers_mut();
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        set(header::CONTENT_TYPE, content.content_type);
        set(header::CONTENT_LENGTH, length.to_string());
        set(header::ACCEPT_RANGES, "bytes".to_owned());
        set(header::ETAG, etag(&content.sha256));
        set(
            HeaderName::from_static("repr-digest"),
            format!("sha-256=:{}:", STANDARD.encode(content.sha256)),
        );
        set(
            header::CONTENT_DISPOSITION,
            disposition(shown, &content.filename),
        );
        set(
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'".to_owned(),
        );
        set(
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin".to_owned(),
        );
        if let Some(range) = content.range {
            set(
                header::CONTENT_RANGE,
                format!("bytes {}-{}/{}", range.start, range.end - 1, content.size),
            );
        }
        response
    }
}

fn etag(sha256: &[u8; 32]) -> String {
    format!("\"{}\"", hex::encode(&sha256[..16]))
}

/// RFC 6266: the plain name for old clients, the whole one for the others.
fn disposition(inline: bool, filename: &str) -> String {
    let kind = if inline { "inline" } else { "attachment" };
    let plain: String = filename
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || " ._-()".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut whole = String::new();
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(whole, "%{byte:02X}");
        }
    }
    format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

/// What of the content the caller wants: `Range`, and `If-Range`.
#[derive(Clone, Debug, Default)]
pub struct RangeHeader {
    range: Option<String>,
    if_range: Option<String>,
}

impl FromRequestParts<App> for RangeHeader {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let text = |name| {
            let value = parts
                .headers
                .get(name)
                .and_then(|value: &HeaderValue| value.to_str().ok());
            value.map(str::to_owned)
        };
        Ok(Self {
            range: text(header::RANGE),
            if_range: text(header::IF_RANGE),
        })
    }
}

impl RangeHeader {
    /// The range in content of this size and hash; `None`: all of it, as for several ranges at once, or another content than
    /// the caller has the beginning of.
    ///
    /// # Errors
    /// `range_not_satisfiable` if the content has none of it.
    pub fn within(&self, size: u64, sha256: &[u8; 32]) -> Result<Option<Range<u64>>> {
        let Some(text) = self
            .range
            .as_deref()
            .and_then(|text| text.strip_prefix("bytes="))
        else {
            return Ok(None);
        };
        if self
            .if_range
            .as_ref()
            .is_some_and(|wanted| *wanted != etag(sha256))
        {
            return Ok(None);
        }
        let Some((first, last)) = text.trim().split_once('-') else {
            return Ok(None);
        };
        let range = match (first.parse::<u64>(), last.parse::<u64>()) {
            (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(size),
            (Ok(first), Err(_)) if last.is_empty() => first..size,
            (Err(_), Ok(count)) if first.is_empty() => size.saturating_sub(count)..size,
            // Of a form that is none, or several: as if none were asked for (RFC 9110, 14.2).
            _ => return Ok(None),
        };
        if range.is_empty() {
            return Err(Error::new(Code::RangeNotSatisfiable).with("size", size.into()));
        }
        Ok(Some(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(range: &str) -> Result<Option<Range<u64>>> {
        RangeHeader {
            range: Some(range.to_owned()),
            if_range: None,
        }
        .within(100, &[0; 32])
    }

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        for (text, range) in [
            ("bytes=0-0", Some(0..1)),
            ("bytes=10-19", Some(10..20)),
            ("bytes=90-", Some(90..100)),
            ("bytes=90-1000", Some(90..100)),
            ("bytes=-5", Some(95..100)),
            ("bytes=-500", Some(0..100)),
            ("bytes=5-4", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
            ("bytes=x-", None),
        ] {
            assert_eq!(asked(text).expect(text), range, "{text}");
        }
        for none in ["bytes=100-", "bytes=100-200", "bytes=-0"] {
            assert!(asked(none).is_err(), "{none}");
        }
        let other = RangeHeader {
            range: Some("bytes=0-1".to_owned()),
            if_range: Some("\"other\"".to_owned()),
        };
        assert_eq!(other.within(100, &[0; 32]).expect("whole"), None);
    }

    #[test]
    fn a_name_can_not_break_out_of_its_header() {
        let header = disposition(false, "Bericht \"2\"\r\nX: ü.pdf");
        assert_eq!(
            header,
            "attachment; filename=\"Bericht _2___X_ _.pdf\"; filename*=UTF-8''Bericht%20%222%22%0D%0AX%3A%20%C3%BC.pdf"
        );
    }
}

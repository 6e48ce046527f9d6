//! Bodies too long to hold: streamed, counted, and given more time than others.
//!
//! Extracting one is the exception from the house's limit on bodies (1 MiB) and on time; an operation that does not extract
//! one keeps both. The body is not touched until the handler reads it, so permission and sight are checked first, and a
//! stranger's body is never read.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{BodyDataStream, HttpBody as _};
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures_util::StreamExt;
use kernel::{Code, Error, Result, Validate};
use multer::Multipart;
use serde::de::DeserializeOwned;

use super::body::{self, When};
use crate::app::App;
use crate::files::Pieces;
use crate::http::{Problem, RequestInfo};

/// The longest a client may be silent.
const SILENCE: Duration = Duration::from_secs(30);
/// What a form may have besides its file.
const FORM: u64 = 256 << 10;

/// A body that is read as it comes.
pub struct Streamed {
    headers: HeaderMap,
    length: Option<u64>,
    body: BodyDataStream,
    when: When,
}

impl FromRequest<App> for Streamed {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        if let Some(info) = request.extensions().get::<Arc<RequestInfo>>() {
            info.allow(app.files.options.upload_deadline);
        }
        let when = When::of(&request, app);
        let (parts, body) = request.into_parts();
        Ok(Self {
            headers: parts.headers,
            length: body.size_hint().exact(),
            body: body.into_data_stream(),
            when,
        })
    }
}

impl Streamed {
    /// A header as a number.
    pub fn number(&self, name: &str) -> Result<Option<u64>> {
        let Some(value) = self.headers.get(name) else {
            return Ok(None);
        };
        let number = value.to_str().ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| {
            Error::new(Code::InvalidHeader).detail(format!("{name} must be a whole number."))
        })
    }

    /// How many bytes the body has, if the client told.
    pub fn length(&self) -> Option<u64> {
        self.length
    }

    /// The body itself, `application/octet-stream`, of at most so many bytes.
    ///
    /// # Errors
    /// `unsupported_media_type`; `body_too_large`, at once where the length was told, else where it is passed.
    pub fn bytes(self, most: u64) -> Result<Pieces<'static>> {
        if !self.kind().eq_ignore_ascii_case("application/octet-stream") {
            return Err(Error::new(Code::UnsupportedMediaType)
                .detail("Send the bytes as application/octet-stream."));
        }
        self.require_length(most)?;
        Ok(limited(self.body, most))
    }

    /// The body as a form (`multipart/form-data`) with one file of at most so many bytes.
    pub fn form(self, most: u64) -> Result<FileForm> {
        let kind = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let boundary = multer::parse_boundary(kind).map_err(|_| {
            Error::new(Code::UnsupportedMediaType).detail("Send the body as multipart/form-data.")
        })?;
        self.require_length(most + FORM)?;
        let body = limited(self.body, most + FORM);
        Ok(FileForm {
            parts: Multipart::new(body, boundary),
            when: self.when,
            most,
        })
    }

    /// That nothing comes, as [`NoBody`](super::NoBody) has it: for who has no body and needs the time of one.
    pub async fn nothing(self) -> Result<()> {
        let mut pieces = limited(self.body, FORM);
        let mut bytes = Vec::new();
        while let Some(piece) = pieces.next().await.transpose()? {
            bytes.extend_from_slice(&piece);
        }
        body::require_nothing(&self.headers, &bytes.into(), self.when).map_err(|problem| problem.0)
    }

    fn kind(&self) -> &str {
        let kind = self
            .headers
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok());
        kind.unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim()
    }

    fn require_length(&self, most: u64) -> Result<()> {
        if self
            .number("content-length")?
            .is_some_and(|length| length > most)
        {
            return Err(Error::new(Code::BodyTooLarge).with("most", most.into()));
        }
        Ok(())
    }
}

/// A body that ends with an error where it passes its limit, or falls silent.
fn limited(body: BodyDataStream, most: u64) -> Pieces<'static> {
    futures_util::stream::try_unfold((body, 0), move |(mut body, seen)| async move {
        let next = tokio::time::timeout(SILENCE, body.next()).await;
        match next.map_err(|_| Error::new(Code::DeadlineExceeded))? {
            None => Ok(None),
            Some(Err(_)) => Err(Error::new(Code::MalformedRequest).detail("The body broke off.")),
            Some(Ok(piece)) => {
                let seen = seen + piece.len() as u64;
                if seen > most {
                    return Err(Error::new(Code::BodyTooLarge).with("most", most.into()));
                }
                Ok(Some((piece, (body, seen))))
            }
        }
    })
    .boxed()
}

/// A form as it comes: its parts in the order in which they were sent.
pub struct FileForm {
    parts: Multipart<'static>,
    when: When,
    most: u64,
}

impl FileForm {
    /// The next part, which must have this name.
    pub async fn expect(&mut self, name: &'static str) -> Result<FilePart> {
        let field = self.parts.next_field().await.map_err(form_error)?;
        match field {
            Some(field) if field.name() == Some(name) => Ok(FilePart {
                field,
                most: self.most,
                seen: 0,
            }),
            _ => Err(Error::field(
                format!("/{name}"),
                "missing",
                "must come next in the form",
            )),
        }
    }

    /// The next part as JSON whose rules hold.
    pub async fn json<T: DeserializeOwned + Validate>(&mut self, name: &'static str) -> Result<T> {
        let mut part = self.expect(name).await?;
        let mut text = Vec::new();
        while let Some(piece) = part.piece().await? {
            text.extend_from_slice(&piece);
            if text.len() as u64 > FORM {
                return Err(Error::new(Code::BodyTooLarge).with("most", FORM.into()));
            }
        }
        body::read_json(&text.into(), self.when).map_err(|problem| problem.0)
    }

    /// Nothing may follow.
    pub async fn end(mut self) -> Result<()> {
        match self.parts.next_field().await.map_err(form_error)? {
            None => Ok(()),
            Some(_) => {
                Err(Error::new(Code::MalformedRequest).detail("The form has a part too many."))
            }
        }
    }
}

/// A part of a form.
pub struct FilePart {
    field: multer::Field<'static>,
    most: u64,
    seen: u64,
}

impl FilePart {
    pub fn filename(&self) -> Option<&str> {
        self.field.file_name()
    }

    pub fn content_type(&self) -> Option<String> {
        self.field.content_type().map(ToString::to_string)
    }

    pub async fn piece(&mut self) -> Result<Option<Bytes>> {
        let piece = self.field.chunk().await.map_err(form_error)?;
        self.seen += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.seen > self.most {
            return Err(Error::new(Code::BodyTooLarge).with("most", self.most.into()));
        }
        Ok(piece)
    }
}

/// What the body's own stream says (too large, broken off) comes through as it is; the rest is a form nobody can read.
fn form_error(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamReadFailed(cause) => match cause.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::new(Code::MalformedRequest).detail("The body broke off."),
        },
        _ => Error::new(Code::MalformedRequest).detail("The form can't be read."),
    }
}

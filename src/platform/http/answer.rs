//! The only way a body leaves a handler.
//!
//! An [`Answer`] is made by committing or finishing a transaction, which has then written the access records: that an
//! endpoint can't disclose without its receipt is this type, not a habit. Its bytes are rendered once, so that a repeated
//! request gets the very same.

use std::marker::PhantomData;

use axum::body::{Body, Bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::error::StoredAnswer;
use kernel::{Error, Result};
use serde::Serialize;

use crate::access::{Disclosure, Form, NoPhi, Tag};
use crate::audit::Subject;
use crate::crypto::random;

/// A rendered answer of type `T`, with its receipt.
#[derive(Debug)]
pub struct Answer<T> {
    pub(crate) stored: StoredAnswer,
    body: PhantomData<fn() -> T>,
}

impl<T: Serialize> Answer<T> {
    pub(crate) fn prepare(disclosure: &Disclosure<T>) -> Result<(Self, Vec<Subject>)> {
        let (status, location, body) = match &disclosure.form {
            Form::Ok => (StatusCode::OK, None, render(&disclosure.body)?),
            Form::Created { location } => (
                StatusCode::CREATED,
                Some(location.clone()),
                render(&disclosure.body)?,
            ),
            Form::NoContent => (StatusCode::NO_CONTENT, None, Vec::new()),
        };
        let etag = disclosure.tag.map(|tag| match tag {
            Tag::Version(version) => format!("\"{version}\""),
            Tag::Content => format!("\"{}\"", hex::encode(&random::digest(&body)[..16])),
        });
        let stored = StoredAnswer {
            status: status.as_u16(),
            location,
            etag,
            body,
        };
        Ok((
            Self {
                stored,
                body: PhantomData,
            },
            disclosure.subjects.clone(),
        ))
    }
}

impl<T: NoPhi> Answer<T> {
    /// An answer from outside any transaction of a caller, such as a login's. Only for bodies without health information.
    pub fn plain(body: &T) -> Result<Self> {
        let stored = StoredAnswer {
            status: StatusCode::OK.as_u16(),
            location: None,
            etag: None,
            body: render(body)?,
        };
        Ok(Self {
            stored,
            body: PhantomData,
        })
    }

    /// The same answer with another body, which a repeated request does not get: for a secret that is shown once and that
    /// the database must not hold.
    pub fn reveal(mut self, body: &T) -> Result<Self> {
        self.stored.body = render(body)?;
        Ok(self)
    }

    /// `204`, from outside any transaction of a caller.
    pub fn nothing() -> Self {
        let stored = StoredAnswer {
            status: StatusCode::NO_CONTENT.as_u16(),
            location: None,
            etag: None,
            body: Vec::new(),
        };
        Self {
            stored,
            body: PhantomData,
        }
    }
}

fn render(body: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(body).map_err(Error::internal)
}

impl<T> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        respond(self.stored)
    }
}

/// An answer as it goes over the wire; also one kept for a repeated request.
pub(crate) fn respond(stored: StoredAnswer) -> Response {
    let mut response = Response::new(Body::from(Bytes::from(stored.body)));
    *response.status_mut() = StatusCode::from_u16(stored.status).unwrap_or(StatusCode::OK);
    let headers = response.headers_mut();
    if stored.status != 204 {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    for (name, value) in [
        (header::LOCATION, stored.location),
        (header::ETAG, stored.etag),
    ] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    response
}

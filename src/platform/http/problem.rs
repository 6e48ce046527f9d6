//! Problems, as RFC 9457 has them.
//!
//! A handler's error travels to the envelope inside the response and is rendered there, where the request's id is known.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::ids::RequestId;
use kernel::{Error, FieldError, Kind};
use serde::Serialize;
use utoipa::ToSchema;

/// An error on its way to the client.
#[derive(Debug)]
pub struct Problem(pub Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

/// Carries the error from the handler to the envelope.
#[derive(Clone)]
pub(crate) struct Carried(pub Arc<Error>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if let Some(answer) = self.0.stored_answer() {
            let mut response = super::answer::respond(answer.clone());
            response
                .headers_mut()
                .insert("idempotent-replay", HeaderValue::from_static("true"));
            return response;
        }
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status(self.0.kind());
        response.extensions_mut().insert(Carried(Arc::new(self.0)));
        response
    }
}

/// The document a client gets for whatever went wrong (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct ProblemDocument {
    /// A URI naming the kind of problem: `urn:chartwell:problem:<code>`.
    #[schema(example = "urn:chartwell:problem:validation_failed")]
    pub r#type: String,
    /// The HTTP status in words.
    #[schema(example = "Unprocessable Entity")]
    pub title: String,
    #[schema(example = 422)]
    pub status: u16,
    /// Stable; branch on this.
    #[schema(example = "validation_failed")]
    pub code: String,
    /// For people: the rule that was broken. Never a value that was sent.
    #[schema(example = "Some fields break a rule; see errors.")]
    pub detail: String,
    /// Quote it when asking the operator.
    #[schema(value_type = String, format = Uuid)]
    pub request_id: RequestId,
    /// The fields that broke a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    /// What helps to go on: the legal next steps, or the candidates of a possible duplicate. The server that knows every area
    /// tells the document of them.
    #[serde(flatten, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(ignore)]
    pub extensions: serde_json::Map<String, serde_json::Value>,
}

/// The status and the document of a problem.
pub fn problem_document(error: &Error, request: RequestId) -> (StatusCode, Vec<u8>) {
    let status = status(error.kind());
    let mut extensions = serde_json::Map::new();
    if let Some((name, value)) = error.extension() {
        extensions.insert((*name).to_owned(), value.clone());
    }
    let document = ProblemDocument {
        r#type: format!("urn:chartwell:problem:{}", error.code().as_str()),
        title: status.canonical_reason().unwrap_or_default().to_owned(),
        status: status.as_u16(),
        code: error.code().as_str().to_owned(),
        detail: error.explanation().to_owned(),
        request_id: request,
        errors: error.fields().to_vec(),
        extensions,
    };
    (status, serde_json::to_vec(&document).unwrap_or_default())
}

/// Renders a problem.
pub(crate) fn render(error: &Error, request: RequestId) -> Response {
    let (status, body) = problem_document(error, request);
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    let passing = (error.kind() == Kind::Unavailable).then_some(1);
    if let Some(seconds) = error.retry_after_seconds().or(passing) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.kind() == Kind::Unauthenticated {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::Malformed => StatusCode::BAD_REQUEST,
        Kind::Unauthenticated => StatusCode::UNAUTHORIZED,
        Kind::Forbidden => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Kind::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
        Kind::Conflict => StatusCode::CONFLICT,
        Kind::Stale => StatusCode::PRECONDITION_FAILED,
        Kind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Kind::UriTooLong => StatusCode::URI_TOO_LONG,
        Kind::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Kind::TooSlow => StatusCode::REQUEST_TIMEOUT,
        Kind::OutOfRange => StatusCode::RANGE_NOT_SATISFIABLE,
        Kind::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Kind::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
        Kind::Throttled => StatusCode::TOO_MANY_REQUESTS,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
    }
}

//! The middleware around every route: one layer, because each costs.
//!
//! On the way in: request id, address and its rate limit, purpose of use, idempotency key. On the way out: problems
//! rendered, refusals written to the access log before the caller learns of them, metrics, log line, headers.
//!
//! Invariants: a success of an operation on health information leaves only with its receipt; no panic reaches a client;
//! no request outlives its deadline.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use kernel::ids::RequestId;
use kernel::{Code, Error, Kind, Result};
use sha2::{Digest, Sha256};
use tokio::time::Instant;

use super::peer::Peer;
use super::problem::{self, Carried};
use super::{IdempotencyKey, Problem, RequestInfo, limits, refusal};
use crate::access::{Permission, Purpose};
use crate::app::App;
use crate::audit::Subject;

/// Wraps a request.
pub async fn envelope(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let info = match describe(&app, &request) {
        Ok(info) => info,
        Err((info, error)) => {
            return close(&app, &info, Problem(error).into_response(), started).await;
        }
    };
    let response = run(&app, &info, async {
        match admit(&app, &info, request).await {
            Ok(request) => next.run(request).await,
            Err(error) => Problem(error).into_response(),
        }
    })
    .await;
    close(&app, &info, response, started).await
}

/// The answer for a path nobody serves.
pub async fn not_found() -> Problem {
    Problem(Error::new(Code::RouteNotFound))
}

/// The answer for a path served, but not with this method.
pub async fn method_not_allowed() -> Problem {
    Problem(Error::new(Code::MethodNotAllowed))
}

fn describe(app: &App, request: &Request) -> Result<Arc<RequestInfo>, (Arc<RequestInfo>, Error)> {
    let headers = request.headers();
    let route: Arc<str> = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("none", MatchedPath::as_str)
        .into();
    let purpose = headers
        .get("x-purpose-of-use")
        .map(|value| Purpose::parse(value.to_str().unwrap_or_default()));
    let (purpose, refused) = match purpose.transpose() {
        Ok(purpose) => (purpose, None),
        Err(error) => (None, Some(error)),
    };
    let info = Arc::new(RequestInfo::new(
        RequestId::new(),
        request.method().clone(),
        route.clone(),
        in_path(&route, request.uri().path()),
        Peer::of(request, app.settings.trust_forwarded_for),
        headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default(),
        purpose,
    ));
    match refused {
        Some(error) => Err((info, error)),
        None => Ok(info),
    }
}

/// What the path names: the patient, where the template says `{patient_id}`, and the last thing beside him.
fn in_path(route: &str, path: &str) -> Subject {
    let mut subject = Subject::default();
    for (name, value) in route.split('/').zip(path.split('/')) {
        match name {
            "{patient_id}" => subject.patient = value.parse().ok(),
            // A number, such as a version's, names nothing by itself.
            name if name.starts_with('{') => {
                subject.resource = value.parse().ok().or(subject.resource);
            }
            _ => {}
        }
    }
    subject
}

async fn admit(app: &App, info: &Arc<RequestInfo>, mut request: Request) -> Result<Request> {
    info.count(app.limits.address(&info.network))?;
    request.extensions_mut().insert(info.clone());
    if request.method() == Method::POST && request.headers().contains_key("idempotency-key") {
        request = with_idempotency_key(request, limits::body_of(&info.route)).await?;
    }
    Ok(request)
}

/// The key is bound to what was sent with it, so the body is read here and handed on.
async fn with_idempotency_key(request: Request, largest: usize) -> Result<Request> {
    let (mut parts, body) = request.into_parts();
    let key = idempotency_key(&parts.headers)?;
    // A file is streamed, not held: whoever receives it binds the key to its content.
    if streamed(&parts.headers) {
        let request_hash = Sha256::new()
            .chain_update(parts.method.as_str())
            .chain_update([0])
            .chain_update(parts.uri.to_string())
            .finalize()
            .into();
        parts
            .extensions
            .insert(IdempotencyKey { key, request_hash });
        return Ok(Request::from_parts(parts, body));
    }
    let body = to_bytes(body, largest)
        .await
        .map_err(|_| Error::new(Code::BodyTooLarge))?;
    let request_hash = Sha256::new()
        .chain_update(parts.method.as_str())
        .chain_update([0])
        .chain_update(parts.uri.to_string())
        .chain_update([0])
        .chain_update(&body)
        .finalize()
        .into();
    parts
        .extensions
        .insert(IdempotencyKey { key, request_hash });
    Ok(Request::from_parts(parts, Body::from(body)))
}

/// Whether the body is a file. Such a type is refused by every operation that does not stream.
fn streamed(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.starts_with("multipart/form-data") || kind.starts_with("application/octet-stream")
}

fn idempotency_key(headers: &HeaderMap) -> Result<String> {
    let text = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if text.is_empty() || text.len() > 128 || !text.chars().all(|c| c.is_ascii_graphic()) {
        return Err(Error::new(Code::InvalidHeader)
            .detail("Idempotency-Key must have 1 to 128 printable characters and no spaces."));
    }
    Ok(text.to_owned())
}

async fn run(app: &App, info: &RequestInfo, work: impl Future<Output = Response>) -> Response {
    let work = AssertUnwindSafe(work).catch_unwind();
    tokio::pin!(work);
    let usual = app.settings.request_deadline;
    let mut outcome = tokio::time::timeout(usual, &mut work).await;
    // Whoever streams a body has said by now that it takes longer.
    let more = info.patience().saturating_sub(usual);
    if outcome.is_err() && !more.is_zero() {
        outcome = tokio::time::timeout(more, work).await;
    }
    match outcome {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            Problem(Error::internal("a panic; its place is in the log above")).into_response()
        }
        Err(_) => Problem(Error::new(Code::DeadlineExceeded).retry_after(1)).into_response(),
    }
}

/// Finishes a response: the refusal is recorded, the problem rendered, the outcome counted.
async fn close(
    app: &App,
    info: &Arc<RequestInfo>,
    response: Response,
    started: Instant,
) -> Response {
    let mut response = require_receipt(info, response);
    let mut error = response
        .extensions_mut()
        .remove::<Carried>()
        .map(|Carried(error)| error);
    if let Some(refused) = &error
        && let Err(unrecorded) = refusal::record(app, info, refused).await
    {
        error = Some(Arc::new(unrecorded));
    }
    let mut response = match &error {
        Some(error) => {
            let allow = response.headers_mut().remove(header::ALLOW);
            let mut rendered = problem::render(error, info.id);
            if let Some(allow) = allow {
                rendered.headers_mut().insert(header::ALLOW, allow);
            }
            rendered
        }
        None => response,
    };
    finish_headers(info, response.headers_mut());
    observe(info, &response, error.as_deref(), started.elapsed());
    response
}

/// Belt to the braces of [`Answer`](super::Answer): if a success that should have left records has none, it stays here.
fn require_receipt(info: &RequestInfo, response: Response) -> Response {
    let discloses = info.permission().is_some_and(Permission::touches_phi);
    if response.status().is_success() && discloses && !info.has_receipt() {
        return Problem(Error::internal("a disclosure without a receipt")).into_response();
    }
    response
}

fn finish_headers(info: &RequestInfo, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(&info.id.to_string()) {
        headers.insert("x-request-id", id);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Some(left) = info.left() {
        let policy = format!("\"{}\";q={};w=60", left.name, left.quota);
        let state = format!(
            "\"{}\";r={};t={}",
            left.name,
            left.remaining,
            60 / left.quota.clamp(1, 60)
        );
        for (name, value) in [("ratelimit-policy", policy), ("ratelimit", state)] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
    }
}

fn observe(info: &RequestInfo, response: &Response, error: Option<&Error>, took: Duration) {
    let status = response.status();
    let labels = [
        ("method", info.method_name().to_owned()),
        ("route", info.route.to_string()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::histogram!("chartwell_http_request_duration_seconds", &labels)
        .record(took.as_secs_f64());
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match error {
        Some(error) if matches!(error.kind(), Kind::Internal | Kind::Unavailable) => {
            tracing::error!(
                request = %info.id, method = info.method_name(), route = %info.route, status = status.as_u16(), millis,
                code = error.code().as_str(), cause = error.cause_for_log(), "request failed"
            );
        }
        Some(error) => tracing::info!(
            request = %info.id, method = info.method_name(), route = %info.route, status = status.as_u16(), millis,
            code = error.code().as_str(), "request refused"
        ),
        None if took > Duration::from_secs(1) => tracing::warn!(
            request = %info.id, method = info.method_name(), route = %info.route, status = status.as_u16(), millis, "request slow"
        ),
        // The access log has every one of them; this is for who debugs.
        None => tracing::debug!(
            request = %info.id, method = info.method_name(), route = %info.route, status = status.as_u16(), millis, "request"
        ),
    }
}

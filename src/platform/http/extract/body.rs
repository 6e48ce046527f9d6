//! JSON bodies, and JSON merge patches (RFC 7396).

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, header};
use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::{Checks, Code, Error, FieldError, Result, Validate};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::merge::Node;
use super::strict::Strict;
use super::{named, numbers, pointer, rule_in};
use crate::app::App;
use crate::http::{Problem, RequestInfo};

/// By what time rules are checked.
#[derive(Clone, Copy, Debug)]
pub(super) struct When {
    now: Instant,
    /// The last day it is where the caller's organisation is, once it is known who calls.
    today: Option<NaiveDate>,
}

impl When {
    pub(super) fn of(request: &Request, app: &App) -> Self {
        let now = app.clock.now();
        let info = request.extensions().get::<Arc<RequestInfo>>();
        let caller = info.and_then(|info| info.caller.get());
        Self {
            now,
            today: caller.and_then(|caller| caller.days_of(now).max()),
        }
    }

    fn checks(self) -> Checks {
        match self.today {
            Some(today) => Checks::until(self.now, today),
            None => Checks::at(self.now),
        }
    }
}

/// A body whose rules hold.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned + Validate> FromRequest<App> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let when = When::of(&request, app);
        let info = request.extensions().get::<Arc<RequestInfo>>().cloned();
        let bytes = json_bytes(request, app, &["application/json"]).await?;
        let value = parse(&bytes)?;
        let body = checked(&value, when)?;
        if let Some(info) = info {
            info.note_asked_about(named::in_body(&value));
        }
        Ok(Self(body))
    }
}

/// No body, or an empty object. Whoever says more means something that would not happen.
#[derive(Debug)]
pub struct NoBody;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl Validate for Nothing {
    fn check(&self, _checks: &mut Checks) {}
}

impl FromRequest<App> for NoBody {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let when = When::of(&request, app);
        let headers = request.headers().clone();
        let bytes = whole(request, app).await?;
        require_nothing(&headers, &bytes, when).map(|()| Self)
    }
}

/// Refuses bytes that say anything.
pub(super) fn require_nothing(
    headers: &HeaderMap,
    bytes: &Bytes,
    when: When,
) -> Result<(), Problem> {
    if bytes.is_empty() {
        return Ok(());
    }
    require_content_type(headers, &["application/json"])?;
    checked::<Nothing>(&parse(bytes)?, when).map(|_| ())
}

/// A partial change: a member that is absent stays, `null` clears, anything else replaces.
#[derive(Debug)]
pub struct MergePatch {
    changes: Map<String, Value>,
    /// The same as it was written.
    written: Node,
    when: When,
}

impl FromRequest<App> for MergePatch {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let when = When::of(&request, app);
        let bytes = json_bytes(
            request,
            app,
            &["application/merge-patch+json", "application/json"],
        )
        .await?;
        let bytes = parse(&bytes)?;
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(Value::Object(changes)) if changes.is_empty() => {
                Err(Error::field("", "empty", "must name something to change").into())
            }
            Ok(Value::Object(changes)) => {
                let text = std::str::from_utf8(&bytes).map_err(Error::internal)?;
                Ok(Self {
                    changes,
                    written: Node::read(text).map_err(|error| syntax(&error))?,
                    when,
                })
            }
            Ok(_) => Err(Error::field("", "wrong_type", "must be an object").into()),
            Err(error) => Err(syntax(&error).into()),
        }
    }
}

impl MergePatch {
    /// The present state with the changes laid over it, its rules checked.
    ///
    /// `present` is the writable part of a resource: a member it does not have is an unknown field.
    pub fn apply<T: Serialize + DeserializeOwned + Validate>(&self, present: &T) -> Result<T> {
        let state = serde_json::to_string(present).map_err(Error::internal)?;
        let mut state = Node::read(&state).map_err(Error::internal)?;
        state.merge(&self.written);
        let text = serde_json::to_vec(&state).map_err(Error::internal)?;
        checked(&text.into(), self.when).map_err(|problem| problem.0)
    }

    /// Whether the patch touches the member.
    pub fn touches(&self, member: &str) -> bool {
        self.changes.contains_key(member)
    }
}

async fn json_bytes(request: Request, app: &App, accepted: &[&str]) -> Result<Bytes, Problem> {
    require_content_type(request.headers(), accepted)?;
    if request.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Error::new(Code::UnsupportedMediaType)
            .detail("A body comes as it is, without Content-Encoding.")
            .into());
    }
    whole(request, app).await
}

async fn whole(request: Request, app: &App) -> Result<Bytes, Problem> {
    Bytes::from_request(request, app)
        .await
        .map_err(|rejection| {
            let code = if rejection.status() == axum::http::StatusCode::PAYLOAD_TOO_LARGE {
                Code::BodyTooLarge
            } else {
                Code::MalformedRequest
            };
            Problem(Error::new(code))
        })
}

fn require_content_type(headers: &HeaderMap, accepted: &[&str]) -> Result<(), Problem> {
    let mut all = headers.get_all(header::CONTENT_TYPE).iter();
    let given = all
        .next()
        .filter(|_| all.next().is_none())
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = given.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    // JSON is UTF-8. Whoever says otherwise would have his names read as something else.
    let is_utf8 = parts.all(|parameter| {
        parameter.split_once('=').is_none_or(|(name, value)| {
            !name.trim().eq_ignore_ascii_case("charset")
                || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    });
    if is_utf8
        && accepted
            .iter()
            .any(|accepted| kind.eq_ignore_ascii_case(accepted))
    {
        Ok(())
    } else {
        Err(Error::new(Code::UnsupportedMediaType).into())
    }
}

/// Checks that the bytes are JSON with no NUL in any text (PostgreSQL can't hold one, and nobody means it) and with no number that
/// would be rounded.
fn parse(bytes: &Bytes) -> Result<Bytes, Problem> {
    if let Some(place) = numbers::lossy(bytes) {
        let rule = "has more digits than can be kept: at most fifteen";
        return Err(Error::field(place, "too_many_digits", rule).into());
    }
    if bytes.windows(6).any(|six| six == b"\\u0000") {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| syntax(&error))?;
        if let Some(place) = nul_in(&value, String::new()) {
            return Err(
                Error::field(place, "nul_character", "must not contain the NUL character").into(),
            );
        }
    }
    Ok(bytes.clone())
}

fn nul_in(value: &Value, at: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(at),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(place, item)| nul_in(item, format!("{at}/{place}"))),
        Value::Object(members) => members.iter().find_map(|(name, member)| {
            if name.contains('\0') {
                Some(at.clone())
            } else {
                nul_in(member, format!("{at}/{name}"))
            }
        }),
        _ => None,
    }
}

/// Reads JSON that did not come as a body of its own, such as a part of a form.
pub(super) fn read_json<T: DeserializeOwned + Validate>(
    bytes: &Bytes,
    when: When,
) -> Result<T, Problem> {
    checked(&parse(bytes)?, when)
}

fn checked<T: DeserializeOwned + Validate>(bytes: &Bytes, when: When) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let body: T = serde_path_to_error::deserialize(Strict(&mut reader)).map_err(|error| {
        if error.inner().is_data() {
            let (code, rule) = rule_in(&error.inner().to_string());
            Error::invalid(vec![FieldError::new(pointer(error.path()), code, rule)])
        } else {
            syntax(error.inner())
        }
    })?;
    reader.end().map_err(|error| syntax(&error))?;
    let mut checks = when.checks();
    body.check(&mut checks);
    checks.finish()?;
    Ok(body)
}

/// A part of a body, read and checked by itself: an element of a list whose elements are refused one by one.
///
/// # Errors
/// `validation_failed`, with pointers into the part.
pub fn part<T: DeserializeOwned + Validate>(value: Value, now: Instant) -> Result<T> {
    let part: T = serde_path_to_error::deserialize(Strict(value)).map_err(|error| {
        let (code, rule) = rule_in(&error.inner().to_string());
        Error::invalid(vec![FieldError::new(pointer(error.path()), code, rule)])
    })?;
    let mut checks = Checks::at(now);
    part.check(&mut checks);
    checks.finish()?;
    Ok(part)
}

fn syntax(error: &serde_json::Error) -> Error {
    Error::new(Code::MalformedJson).detail(format!(
        "The body is not valid JSON: see line {}, column {}.",
        error.line(),
        error.column()
    ))
}

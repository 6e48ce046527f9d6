//! Query parameters. An unknown one is an error that names it: a misspelt filter must not become no filter.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use chrono::Datelike as _;
use kernel::clock::Instant;
use kernel::{Code, Error, FieldError, Result};
use serde::de::DeserializeOwned;

use super::strict::Strict;
use super::{named, rule_in};
use crate::app::App;
use crate::http::{Problem, RequestInfo};

/// The query's parameters. `T` denies unknown fields.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(text.as_bytes());
        if let Some((name, code, rule)) = pairs.clone().find_map(unreadable) {
            let field = FieldError::new(format!("?{name}"), code, rule);
            return Err(Error::new(Code::InvalidParameter)
                .with_fields(vec![field])
                .into());
        }
        let read = serde_urlencoded::Deserializer::new(pairs);
        match serde_path_to_error::deserialize::<_, T>(Strict(read)) {
            Ok(query) => {
                if let Some(info) = parts.extensions.get::<Arc<RequestInfo>>() {
                    info.note_asked_about(named::in_parameters(pairs));
                }
                Ok(Self(query))
            }
            Err(error) => {
                let (code, rule) = rule_in(&error.inner().to_string());
                let path = error.path().to_string();
                let name = if path == "." { String::new() } else { path };
                let unknown = code == "unknown_field";
                let field = FieldError::new(
                    format!("?{name}"),
                    if unknown { "unknown_parameter" } else { code },
                    rule,
                );
                Err(Error::new(if unknown {
                    Code::UnknownParameter
                } else {
                    Code::InvalidParameter
                })
                .with_fields(vec![field])
                .into())
            }
        }
    }
}

/// That there are no parameters, of an operation that anybody may do. One that needs a permission is asked by its context.
#[derive(Clone, Copy, Debug)]
pub struct NoQuery;

impl FromRequestParts<App> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Ok(require_none(&parts.uri).map(|()| Self)?)
    }
}

/// Refuses any parameter: of an operation that takes none, whoever sends one means something else.
pub(super) fn require_none(uri: &Uri) -> Result<()> {
    let query = uri.query().unwrap_or_default();
    match form_urlencoded::parse(query.as_bytes()).next() {
        None => Ok(()),
        Some((name, _)) => {
            let pointer = format!("?{}", name.replace(['\0', '\u{fffd}'], ""));
            let rule = "is not a parameter here; there is none";
            let field = FieldError::new(pointer, "unknown_parameter", rule);
            Err(Error::new(Code::UnknownParameter).with_fields(vec![field]))
        }
    }
}

/// What no text of ours can hold. Bytes that are not UTF-8 arrive as the replacement character, which nobody searches for:
/// `Garc%EDa`, the name in another encoding, would find nobody, and that would read as "there is no such patient".
fn unreadable(
    (name, value): (Cow<'_, str>, Cow<'_, str>),
) -> Option<(String, &'static str, &'static str)> {
    let holds = |c| name.contains(c) || value.contains(c);
    if holds('\u{fffd}') {
        Some((
            name.replace('\u{fffd}', ""),
            "wrong_encoding",
            "must be UTF-8",
        ))
    } else if holds('\0') {
        Some((
            name.replace('\0', ""),
            "nul_character",
            "must not contain the NUL character",
        ))
    } else {
        None
    }
}

/// Refuses a period that ends before it begins: an empty list would read as "there is nothing". Years a calendar of ours
/// can't hold are refused, too.
pub fn require_order(from: Option<Instant>, to: Option<Instant>) -> Result<(), Error> {
    let invalid = |name: &str, code, rule: &'static str| {
        Err(Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(name, code, rule)]))
    };
    for (name, at) in [("?from", from), ("?to", to)] {
        if at.is_some_and(|at| !(1850..2200).contains(&at.year())) {
            return invalid(
                name,
                "out_of_range",
                "must lie between the years 1850 and 2200",
            );
        }
    }
    if from.zip(to).is_some_and(|(from, to)| to < from) {
        return invalid("?to", "before_from", "must not lie before from");
    }
    Ok(())
}

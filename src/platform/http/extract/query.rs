//! Query parameters. An unknown one is an error that names it: a misspelt filter must not become no filter.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use chrono::Datelike as _;
use kernel::clock::Instant;
use kernel::{Code, Error, FieldError, Result};
use serde::de::DeserializeOwned;

use super::rule_in;
use super::strict::Strict;
use crate::app::App;
use crate::http::Problem;

/// The query's parameters. `T` denies unknown fields.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let text = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
        match serde_path_to_error::deserialize::<_, T>(Strict(pairs)) {
            Ok(query) if !text.contains("%00") => Ok(Self(query)),
            Ok(_) => Err(Error::new(Code::InvalidParameter)
                .detail("A parameter contains the NUL character.")
                .into()),
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

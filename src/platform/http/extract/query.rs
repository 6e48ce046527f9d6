//! Query parameters. An unknown one is an error that names it: a misspelt filter must not become no filter.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kernel::{Code, Error, FieldError, Result};
use serde::de::DeserializeOwned;

use super::rule_in;
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
        match serde_path_to_error::deserialize::<_, T>(pairs) {
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

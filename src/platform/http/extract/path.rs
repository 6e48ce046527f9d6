//! Identifiers in a path. One that is not a UUID can't name anything: `404`, as for one that names nothing.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use kernel::{Code, Error, Result};
use serde::de::DeserializeOwned;

use crate::app::App;
use crate::http::Problem;

/// The path's parameters.
#[derive(Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        axum::extract::Path::<T>::from_request_parts(parts, app)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|_| Error::new(Code::NotFound).into())
    }
}

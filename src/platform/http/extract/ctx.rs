//! The context of a request, from its token.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use kernel::{Code, Error, Result};

use crate::access::Ctx;
use crate::app::App;
use crate::http::{IdempotencyKey, Problem, RequestInfo};

impl FromRequestParts<App> for Ctx {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let request = parts
            .extensions
            .get::<Arc<RequestInfo>>()
            .cloned()
            .ok_or_else(|| Error::internal("a route outside the envelope"))?;
        let token = bearer(parts)?;
        let principal = match app.authenticator.remembered(token) {
            Some(principal) => principal,
            None => app.authenticator.authenticate(token).await?,
        };
        let left = app.limits.caller(principal.tenant, principal.user)?;
        let _ = request.caller.set(principal.clone());
        let _ = request.left.set(left);
        let idempotency = parts.extensions.get::<IdempotencyKey>().cloned();
        Ok(Self::new(app.clone(), principal, request, idempotency))
    }
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let header = parts
        .headers
        .get(header::AUTHORIZATION)
        .ok_or_else(|| Error::new(Code::TokenMissing))?;
    let text = header
        .to_str()
        .map_err(|_| Error::new(Code::TokenInvalid))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Error::new(Code::TokenMissing).into()),
    }
}

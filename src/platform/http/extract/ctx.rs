//! The context of a request, from its token. Every handler takes it first: who may not do what he asks for learns that
//! before anything else of his request is looked at.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use kernel::{Code, Error, Result};

use super::query::require_none;
use crate::access::Ctx;
use crate::app::App;
use crate::http::{IdempotencyKey, Needed, Problem, RequestInfo};

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
        request.count(app.limits.caller(principal.tenant, principal.user))?;
        let _ = request.caller.set(principal.clone());
        let needed = parts.extensions.get::<Needed>();
        if let Some(need) = needed.and_then(|table| table.by(&request.route, &request.method)) {
            let _ = request.declared.set(need.permission);
            if !need.permission.allows(principal.role) {
                return Err(Error::new(Code::Forbidden).into());
            }
            if !need.takes_query {
                require_none(&parts.uri)?;
            }
        }
        if let Some(purpose) = request.purpose {
            purpose.require_of(principal.role)?;
        }
        let idempotency = parts.extensions.get::<IdempotencyKey>().cloned();
        Ok(Self::new(app.clone(), principal, request, idempotency))
    }
}

fn bearer(parts: &Parts) -> Result<&str, Problem> {
    let mut all = parts.headers.get_all(header::AUTHORIZATION).iter();
    let header = all.next().ok_or_else(|| Error::new(Code::TokenMissing))?;
    // Of two, a proxy may have looked at the other one.
    if all.next().is_some() {
        return Err(Error::new(Code::TokenInvalid).into());
    }
    let text = header
        .to_str()
        .map_err(|_| Error::new(Code::TokenInvalid))?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
        _ => Err(Error::new(Code::TokenMissing).into()),
    }
}

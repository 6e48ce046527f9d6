//! `If-Match`: the version a change was made from.

use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use kernel::{Code, Error, Result};

use crate::app::App;
use crate::http::Problem;

/// The version named by the caller; `428` if he names none.
#[derive(Clone, Copy, Debug)]
pub struct IfMatch(pub i64);

impl FromRequestParts<App> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else {
            return Err(Error::new(Code::IfMatchRequired).into());
        };
        let text = value.to_str().unwrap_or_default().trim();
        let version = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
            .unwrap_or(text);
        let digits = !version.starts_with('0') && version.bytes().all(|b| b.is_ascii_digit());
        let version = if digits { version } else { "" };
        version.parse().map(Self).map_err(|_| {
            Error::new(Code::InvalidHeader)
                .detail("If-Match must hold the ETag of the resource, such as \"3\".")
                .into()
        })
    }
}

impl IfMatch {
    /// Refuses a change made from an older version.
    pub fn require(self, present: i64) -> Result<(), Error> {
        if self.0 == present {
            Ok(())
        } else {
            Err(Code::VersionStale.into())
        }
    }
}

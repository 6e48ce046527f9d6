//! Pages of other origins: which of them may call the API from a browser.
//!
//! Tokens travel in a header the page sets, never in a cookie the browser adds: a page that is not allowed can't act for
//! anybody, and none is allowed credentials. What is decided here is which pages may read an answer.

use std::time::Duration;

use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, Method, Uri, header};
use tower_http::cors::{AllowOrigin, CorsLayer};

/// How long a browser need not ask again.
const REMEMBERED: Duration = Duration::from_hours(1);

/// Whose pages may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origins {
    /// These; none at all if there are none.
    Listed(Vec<HeaderValue>),
    /// Any page that this machine serves: what is being written against `dev`.
    Loopback,
}

impl Default for Origins {
    fn default() -> Self {
        Self::Listed(Vec::new())
    }
}

/// An origin as a browser writes it: scheme, host, a port where it is not the scheme's own, and nothing after it.
pub fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme_str().filter(|s| ["http", "https"].contains(s))?;
    let authority = uri.authority()?.as_str();
    let written = format!("{scheme}://{authority}");
    let usual = match scheme {
        "http" => ":80",
        _ => ":443",
    };
    let plain = !authority.contains('@')
        && !authority.ends_with(usual)
        && authority == authority.to_ascii_lowercase();
    (plain && written == text)
        .then(|| HeaderValue::from_str(text).ok())
        .flatten()
}

fn is_loopback(origin: &HeaderValue) -> bool {
    let uri = origin
        .to_str()
        .ok()
        .and_then(|text| text.parse::<Uri>().ok());
    uri.as_ref()
        .and_then(Uri::host)
        .is_some_and(|host| ["localhost", "127.0.0.1", "[::1]"].contains(&host))
}

/// The layer that answers for them, if there are any.
pub fn cross_origin(origins: &Origins) -> Option<CorsLayer> {
    let allowed = match origins {
        Origins::Listed(listed) if listed.is_empty() => return None,
        Origins::Listed(listed) => AllowOrigin::list(listed.clone()),
        Origins::Loopback => AllowOrigin::predicate(|origin, _: &Parts| is_loopback(origin)),
    };
    Some(
        CorsLayer::new()
            .allow_origin(allowed)
            .allow_methods([
                Method::GET,
                Method::POST,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
            ])
            .allow_headers([
                header::AUTHORIZATION,
                header::CONTENT_TYPE,
                header::IF_MATCH,
                header::IF_RANGE,
                header::RANGE,
                HeaderName::from_static("idempotency-key"),
                HeaderName::from_static("last-event-id"),
                HeaderName::from_static("upload-offset"),
                HeaderName::from_static("x-purpose-of-use"),
            ])
            .expose_headers([
                header::ALLOW,
                header::ACCEPT_RANGES,
                header::CONTENT_DISPOSITION,
                header::CONTENT_RANGE,
                header::ETAG,
                header::LOCATION,
                header::RETRY_AFTER,
                header::WWW_AUTHENTICATE,
                HeaderName::from_static("idempotent-replay"),
                HeaderName::from_static("ratelimit"),
                HeaderName::from_static("ratelimit-policy"),
                HeaderName::from_static("repr-digest"),
                HeaderName::from_static("x-request-id"),
            ])
            .max_age(REMEMBERED),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for good in [
            "https://portal.example.org",
            "http://localhost:5173",
            "https://[2001:db8::1]:8443",
        ] {
            assert!(origin(good).is_some(), "{good}");
        }
        for bad in [
            "",
            "*",
            "null",
            "portal.example.org",
            "https://portal.example.org/",
            "https://portal.example.org/app",
            "https://Portal.example.org",
            "https://portal.example.org:443",
            "https://me@portal.example.org",
            "ftp://portal.example.org",
        ] {
            assert!(origin(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_page_of_this_machine_is_known_by_its_host_alone() {
        let is = |text: &'static str| is_loopback(&HeaderValue::from_static(text));
        assert!(is("http://localhost:5173") && is("https://127.0.0.1") && is("http://[::1]:3000"));
        assert!(!is("https://localhost.example.org") && !is("null") && !is("http://10.0.0.1"));
    }
}

//! The few pages the server has besides the explorer, for people who come by a link in a message.
//!
//! What a link proves stands behind the `#`: the browser sends it nowhere but in the body or path of a request of the page's
//! own. The script runs because its hash is in the page's policy; nothing else does.

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::crypto::random::digest;

/// A page: a heading, what stands under it, and the one script that may run.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    pub title: &'static str,
    pub body: &'static str,
    pub script: &'static str,
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let Self {
            title,
            body,
            script,
        } = self;
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{title}</title>\n<h1>{title}</h1>\n\
             {body}<p role=\"status\"></p>\n<script>{script}</script>\n</html>\n"
        );
        let hash = STANDARD.encode(digest(script.as_bytes()));
        let policy = format!(
            "default-src 'none'; script-src 'sha256-{hash}'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
        );
        let headers = [
            (header::CONTENT_SECURITY_POLICY, policy),
            (header::REFERRER_POLICY, "no-referrer".to_owned()),
        ];
        (headers, Html(html)).into_response()
    }
}

//! The page behind a one-time link: the only page the server has besides the explorer, so that a first admin can begin.
//!
//! The token stands behind the `#` and never leaves the browser but in the body of the request. The script runs because
//! its hash is in the page's policy; nothing else does.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use platform::crypto::random::digest;

const SCRIPT: &str = include_str!("set_password.js");

pub(super) const HTML: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Set your password</title>
<h1>Set your password</h1>
<form>
  <p><label>New password<br><input name="password" type="password" autocomplete="new-password" required></label></p>
  <p><label>Once more<br><input name="again" type="password" autocomplete="new-password" required></label></p>
  <p><button>Set password</button></p>
</form>
<p role="status"></p>
<script>"#,
    include_str!("set_password.js"),
    "</script>\n</html>\n"
);

/// The Content-Security-Policy: this script and requests to this server, nothing else.
pub(super) fn policy() -> String {
    let hash = STANDARD.encode(digest(SCRIPT.as_bytes()));
    format!(
        "default-src 'none'; script-src 'sha256-{hash}'; connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    )
}

//! The page behind the link in a message: it shows when and where, and asks. It has buttons, so that whoever fetches links
//! ahead, such as a mail server, answers nothing.

use platform::App;
use platform::http::Page;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_visit_page))
}

/// The link to put into a message; `secret` says what it is about.
pub(super) fn link(home: &str, secret: &str) -> String {
    format!("{home}/visit#{secret}")
}

/// The page behind the link of a reminder or an offer
///
/// Reads and answers `/api/v1/appointment-links/{token}` or `/api/v1/offer-links/{token}`, with the token behind the `#`.
#[utoipa::path(get, path = "/visit", tag = "reminders",
    responses((status = 200, body = String, content_type = "text/html", description = "A page for people")))]
async fn get_visit_page() -> Page {
    Page {
        title: "Your appointment",
        body: "<p data-when></p>\n<p data-where></p>\n<p data-until></p>\n<p data-actions></p>\n",
        script: include_str!("visit.js"),
    }
}

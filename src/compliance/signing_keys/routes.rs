//! HTTP of signing keys.

use platform::App;
use platform::access::Ctx;
use platform::http::Reply;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::SigningKeySet;
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_signing_keys))
}

/// List the public keys records are signed with
///
/// A JSON Web Key Set: present and retired keys, and which of them were in other hands from when on. Keep the answer, and
/// `chartwell notes verify FILE --keys LIST` checks exported notes against it anywhere.
#[utoipa::path(get, path = "/api/v1/signing-keys", tag = "tenant",
    responses((status = 200, body = SigningKeySet, description = "All there have been, the oldest first")),
    extensions(("x-permission" = json!("signing_key.read"))))]
async fn list_signing_keys(ctx: Ctx) -> Reply<SigningKeySet> {
    Ok(service::list(&ctx).await?)
}

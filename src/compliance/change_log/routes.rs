//! HTTP of the change log.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Change, ListChanges};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_changes))
}

/// Read what was changed
///
/// Field by field, before and after, by whom and in which request; the newest first.
#[utoipa::path(get, path = "/api/v1/audit/changes", tag = "audit", params(ListChanges),
    responses((status = 200, body = Page<Change>, description = "A page, the newest first")),
    extensions(("x-permission" = json!("change_log.read"))))]
async fn list_changes(ctx: Ctx, Query(query): Query<ListChanges>) -> Reply<Page<Change>> {
    Ok(service::list(&ctx, query).await?)
}

//! HTTP of the access log.

use kernel::Page;
use kernel::ids::PatientId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AccessEntry, ListAccesses, ListChartAccesses, ListOwnAccesses, OwnAccessEntry};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_accesses))
        .routes(routes!(list_chart_accesses))
        .routes(routes!(list_own_accesses))
}

/// Read the access log
///
/// Every access and every refusal, the newest first. Reading it is recorded against every patient it names.
#[utoipa::path(get, path = "/api/v1/audit/access", tag = "audit", params(ListAccesses),
    responses((status = 200, body = Page<AccessEntry>, description = "A page, the newest first")),
    extensions(("x-permission" = json!("access_log.read"))))]
async fn list_accesses(ctx: Ctx, Query(query): Query<ListAccesses>) -> Reply<Page<AccessEntry>> {
    Ok(service::of_organization(&ctx, query).await?)
}

/// Read the access log of a chart
///
/// Who opened this patient's chart or was refused it, the newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/access-log", tag = "audit",
    params(("patient_id" = PatientId, Path, description = "The patient"), ListChartAccesses),
    responses((status = 200, body = Page<AccessEntry>, description = "A page, the newest first")),
    extensions(("x-permission" = json!("access_log.read"))))]
async fn list_chart_accesses(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListChartAccesses>,
) -> Reply<Page<AccessEntry>> {
    Ok(service::of_chart(&ctx, patient, query).await?)
}

/// See who opened my chart
///
/// When, who, in which role, what and why; the newest first. Your own openings are among them.
#[utoipa::path(get, path = "/api/v1/me/access-log", tag = "audit", params(ListOwnAccesses),
    responses((status = 200, body = Page<OwnAccessEntry>, description = "A page, the newest first")),
    extensions(("x-permission" = json!("access_log.read_own"))))]
async fn list_own_accesses(
    ctx: Ctx,
    Query(query): Query<ListOwnAccesses>,
) -> Reply<Page<OwnAccessEntry>> {
    Ok(service::of_own_chart(&ctx, query).await?)
}

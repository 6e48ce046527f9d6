//! The settings over HTTP.

use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, MergePatch, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FlowSettings, NewFlowSettings};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_flow_settings, update_flow_settings))
}

/// Read the rules of reminders, calendars and the waitlist
#[utoipa::path(get, path = "/api/v1/scheduling/flow-settings", tag = "reminders",
    responses((status = 200, body = FlowSettings, description = "The rules")),
    extensions(("x-permission" = json!("flow_settings.read"))))]
async fn get_flow_settings(ctx: Ctx) -> Reply<FlowSettings> {
    Ok(service::read(&ctx).await?)
}

/// Change the rules of reminders, calendars and the waitlist
///
/// Reminders planned before keep their times.
#[utoipa::path(patch, path = "/api/v1/scheduling/flow-settings", tag = "reminders",
    request_body(content = NewFlowSettings, content_type = "application/merge-patch+json"),
    responses((status = 200, body = FlowSettings, description = "Changed")),
    extensions(("x-permission" = json!("flow_settings.manage"))))]
async fn update_flow_settings(
    ctx: Ctx,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<FlowSettings> {
    Ok(service::change(&ctx, if_match, &patch).await?)
}

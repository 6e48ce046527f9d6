//! Booking rules over HTTP.

use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, MergePatch, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{BookingRules, RulesInForce};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_booking_rules, update_booking_rules))
}

/// Read what patients may do themselves
#[utoipa::path(get, path = "/api/v1/scheduling/booking-rules", tag = "appointments",
    responses((status = 200, body = RulesInForce, description = "The rules in force")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn get_booking_rules(ctx: Ctx) -> Reply<RulesInForce> {
    Ok(service::read(&ctx).await?)
}

/// Say what patients may do themselves
#[utoipa::path(patch, path = "/api/v1/scheduling/booking-rules", tag = "appointments",
    request_body(content = BookingRules, content_type = "application/merge-patch+json"),
    responses((status = 200, body = RulesInForce, description = "Changed")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn update_booking_rules(
    ctx: Ctx,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<RulesInForce> {
    Ok(service::change(&ctx, if_match, &patch).await?)
}

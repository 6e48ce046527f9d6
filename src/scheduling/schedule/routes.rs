//! Schedules over HTTP.

use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{OfDays, Schedule};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_schedule))
}

/// Look at the days of a provider, a room or a facility
///
/// Appointments with their patients, where the caller may see them; what else occupies is a busy block. Around them, in `blocks`,
/// stand the hours that are worked, time off, extra time and holidays.
#[utoipa::path(get, path = "/api/v1/scheduling/schedule", tag = "appointments", params(OfDays),
    responses((status = 200, body = Schedule, description = "The days")),
    extensions(("x-problems" = json!(["404"])), ("x-permission" = json!("schedule.read"))))]
async fn get_schedule(ctx: Ctx, Query(query): Query<OfDays>) -> Reply<Schedule> {
    Ok(service::look(&ctx, query).await?)
}

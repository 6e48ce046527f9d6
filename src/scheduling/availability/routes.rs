//! HTTP of free time.

use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FindFreeTimes, FreeTimes};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find_free_times))
}

/// Find free times
///
/// The first times at which all that a service needs is free: somebody with its skills who works then, a room and devices of
/// its kinds. Patients find those of services they book themselves.
#[utoipa::path(get, path = "/api/v1/scheduling/availability", tag = "availability", params(FindFreeTimes),
    responses((status = 200, body = FreeTimes, description = "Free times, by time")),
    extensions(("x-permission" = json!("availability.read"))))]
async fn find_free_times(ctx: Ctx, Query(query): Query<FindFreeTimes>) -> Reply<FreeTimes> {
    Ok(service::find(&ctx, query).await?)
}

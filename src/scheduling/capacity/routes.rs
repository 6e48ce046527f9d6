//! HTTP of capacity.

use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Capacity, ReadCapacity};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_capacity))
}

/// Read the capacity of a facility
///
/// How far providers, rooms and equipment are used, the third next free time of every service and provider (but for emergencies and
/// groups), and how long patients waited for their appointments. Numbers only.
#[utoipa::path(get, path = "/api/v1/scheduling/capacity", tag = "forecasts", params(ReadCapacity),
    responses((status = 200, body = Capacity, description = "What there is and what is used")),
    extensions(("x-permission" = json!("capacity.read"))))]
async fn get_capacity(ctx: Ctx, Query(query): Query<ReadCapacity>) -> Reply<Capacity> {
    Ok(service::read(&ctx, query).await?)
}

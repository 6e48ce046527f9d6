//! Forecasts over HTTP.

use kernel::Page;
use kernel::ids::ForecastId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Forecast, ForecastSummary, ListForecasts, NewForecast};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_forecasts, make_forecast))
        .routes(routes!(get_forecast))
}

/// List forecasts
///
/// The newest first; one is made of each facility and of each department every night, where there is enough to go on.
#[utoipa::path(get, path = "/api/v1/scheduling/forecasts", tag = "forecasts", params(ListForecasts),
    responses((status = 200, body = Page<ForecastSummary>, description = "A page of forecasts")),
    extensions(("x-permission" = json!("forecast.read"))))]
async fn list_forecasts(
    ctx: Ctx,
    Query(query): Query<ListForecasts>,
) -> Reply<Page<ForecastSummary>> {
    Ok(service::list(&ctx, query).await?)
}

/// Forecast demand
///
/// Daily visits of a facility, one of its departments or a service, with intervals, the test the method stood and what "as a
/// week ago" says beside it. Days with more visits than there is room for carry an alert. Fewer than 42 days of history are
/// refused with `too_little_history`.
#[utoipa::path(post, path = "/api/v1/scheduling/forecasts", tag = "forecasts", request_body = NewForecast,
    responses((status = 201, body = Forecast, description = "Made")),
    extensions(("x-permission" = json!("forecast.make"))))]
async fn make_forecast(ctx: Ctx, Json(new): Json<NewForecast>) -> Reply<Forecast> {
    Ok(service::make(&ctx, new).await?)
}

/// Read a forecast
#[utoipa::path(get, path = "/api/v1/scheduling/forecasts/{forecast_id}", tag = "forecasts",
    params(("forecast_id" = ForecastId, Path, description = "The forecast")),
    responses((status = 200, body = Forecast, description = "The forecast")),
    extensions(("x-permission" = json!("forecast.read"))))]
async fn get_forecast(ctx: Ctx, Path(id): Path<ForecastId>) -> Reply<Forecast> {
    Ok(service::read(&ctx, id).await?)
}

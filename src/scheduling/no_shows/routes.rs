//! No-shows over HTTP.

use kernel::Page;
use kernel::ids::AppointmentId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    ListNoShowScores, NoShowModel, NoShowScore, OverbookingSuggestion, SuggestOverbooking,
};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_no_show_model))
        .routes(routes!(list_no_show_scores))
        .routes(routes!(get_no_show_score))
        .routes(routes!(list_overbooking_suggestions))
}

/// Read how no-shows are predicted
///
/// What the model looks at, and how well it does on visits it has not seen. `not_found` until a night has had 200 visits to
/// learn from.
#[utoipa::path(get, path = "/api/v1/scheduling/no-show-model", tag = "forecasts",
    responses((status = 200, body = NoShowModel, description = "The model in use")),
    extensions(("x-problems" = json!(["404"])), ("x-permission" = json!("forecast.read"))))]
async fn get_no_show_model(ctx: Ctx) -> Reply<NoShowModel> {
    Ok(service::model(&ctx).await?)
}

/// List how likely it is that people do not come
///
/// Of one day's appointments, the likeliest first. Never shown to patients.
#[utoipa::path(get, path = "/api/v1/scheduling/no-show-scores", tag = "forecasts", params(ListNoShowScores),
    responses((status = 200, body = Page<NoShowScore>, description = "A page of appointments")),
    extensions(("x-permission" = json!("no_show.read"))))]
async fn list_no_show_scores(
    ctx: Ctx,
    Query(query): Query<ListNoShowScores>,
) -> Reply<Page<NoShowScore>> {
    Ok(service::scores(&ctx, query).await?)
}

/// Read how likely it is that somebody does not come
///
/// As of the last night; `not_found` for an appointment booked since.
#[utoipa::path(get, path = "/api/v1/scheduling/no-show-scores/{appointment_id}", tag = "forecasts",
    params(("appointment_id" = AppointmentId, Path, description = "The appointment")),
    responses((status = 200, body = NoShowScore, description = "The score")),
    extensions(("x-permission" = json!("no_show.read"))))]
async fn get_no_show_score(ctx: Ctx, Path(id): Path<AppointmentId>) -> Reply<NoShowScore> {
    Ok(service::score(&ctx, id).await?)
}

/// Suggest overbooking
///
/// For each provider's morning and afternoon of a day: how many will probably not come, and how many more can be booked so that
/// with four chances of five all who come can be seen, within what the services allow.
#[utoipa::path(get, path = "/api/v1/scheduling/overbooking-suggestions", tag = "forecasts", params(SuggestOverbooking),
    responses((status = 200, body = Page<OverbookingSuggestion>, description = "Half days with appointments")),
    extensions(("x-permission" = json!("forecast.read"))))]
async fn list_overbooking_suggestions(
    ctx: Ctx,
    Query(query): Query<SuggestOverbooking>,
) -> Reply<Page<OverbookingSuggestion>> {
    Ok(service::overbooking(&ctx, query).await?)
}

//! Series over HTTP.

use kernel::ids::SeriesId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{NewSeries, Series, SeriesCancellation, SeriesChange, SeriesPreview};
use super::{changes, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(preview_appointment_series))
        .routes(routes!(book_appointment_series))
        .routes(routes!(get_appointment_series))
        .routes(routes!(cancel_appointment_series))
        .routes(routes!(change_appointment_series))
}

/// See what a series would book
///
/// Takes what booking takes and answers with every occurrence and what conflicts. Books nothing, keeps nothing.
#[utoipa::path(post, path = "/api/v1/appointment-series/preview", tag = "appointments", request_body = NewSeries,
    responses((status = 200, body = SeriesPreview, description = "The occurrences")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn preview_appointment_series(ctx: Ctx, Json(new): Json<NewSeries>) -> Reply<SeriesPreview> {
    Ok(service::preview(&ctx, new).await?)
}

/// Book a series
///
/// All of it or nothing; with `skip_conflicts` what can be booked of it.
#[utoipa::path(post, path = "/api/v1/appointment-series", tag = "appointments", request_body = NewSeries,
    responses((status = 201, body = Series, description = "Booked")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn book_appointment_series(ctx: Ctx, Json(new): Json<NewSeries>) -> Reply<Series> {
    Ok(service::book(&ctx, new).await?)
}

/// Open a series with its appointments
#[utoipa::path(get, path = "/api/v1/appointment-series/{series_id}", tag = "appointments",
    params(("series_id" = SeriesId, Path, description = "Which series")),
    responses((status = 200, body = Series, description = "The series")),
    extensions(("x-permission" = json!("appointment.read"))))]
async fn get_appointment_series(ctx: Ctx, Path(id): Path<SeriesId>) -> Reply<Series> {
    Ok(service::read(&ctx, id).await?)
}

/// Cancel one of a series, it and those after it, or all
///
/// Only what is still to come. With `following` the series ends before the first of them; one that was moved alone is called
/// off, too.
#[utoipa::path(post, path = "/api/v1/appointment-series/{series_id}/cancel", tag = "appointments",
    params(("series_id" = SeriesId, Path, description = "Which series")),
    request_body = SeriesCancellation,
    responses((status = 200, body = Series, description = "Cancelled")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn cancel_appointment_series(
    ctx: Ctx,
    Path(id): Path<SeriesId>,
    Json(why): Json<SeriesCancellation>,
) -> Reply<Series> {
    Ok(changes::cancel(&ctx, id, why).await?)
}

/// Move one of a series, it and those after it, or all
///
/// To another time of the wall, other days, another provider, room or device: all that is meant, or nothing. Each goes on in a
/// new appointment that says whose place it took. With `following` the series ends before the first of them and a new one goes
/// on (`split_from`), which is the answer. An occurrence that was moved alone keeps its manner, and so do days left out.
#[utoipa::path(post, path = "/api/v1/appointment-series/{series_id}/change", tag = "appointments",
    params(("series_id" = SeriesId, Path, description = "Which series")),
    request_body = SeriesChange,
    responses((status = 200, body = Series, description = "The series that goes on")),
    extensions(("x-permission" = json!("appointment.manage"))))]
async fn change_appointment_series(
    ctx: Ctx,
    Path(id): Path<SeriesId>,
    Json(wanted): Json<SeriesChange>,
) -> Reply<Series> {
    Ok(changes::change(&ctx, id, wanted).await?)
}

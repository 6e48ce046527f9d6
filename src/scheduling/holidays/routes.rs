//! HTTP of scheduling holidays.

use kernel::Page;
use kernel::ids::HolidayId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Holiday, ListHolidays, NewHoliday};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_holidays, create_holiday))
        .routes(routes!(get_holiday, update_holiday))
}

/// List holidays
#[utoipa::path(get, path = "/api/v1/scheduling/holidays", tag = "availability", params(ListHolidays),
    responses((status = 200, body = Page<Holiday>, description = "A page. By day.")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn list_holidays(ctx: Ctx, Query(query): Query<ListHolidays>) -> Reply<Page<Holiday>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a holiday
///
/// A day, or some hours of one, on which a facility is closed; without a facility, all of them, each by its own clock. Extra time and
/// on-call shifts count on a holiday, too.
#[utoipa::path(post, path = "/api/v1/scheduling/holidays", tag = "availability", request_body = NewHoliday,
    responses((status = 201, body = Holiday, description = "Added")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn create_holiday(ctx: Ctx, Json(new): Json<NewHoliday>) -> Reply<Holiday> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a holiday
#[utoipa::path(get, path = "/api/v1/scheduling/holidays/{holiday_id}", tag = "availability",
    params(("holiday_id" = HolidayId, Path, description = "The holiday")),
    responses((status = 200, body = Holiday, description = "The holiday")),
    extensions(("x-permission" = json!("working_time.read"))))]
async fn get_holiday(ctx: Ctx, Path(id): Path<HolidayId>) -> Reply<Holiday> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a holiday
///
/// Where it is does not change; a mistake becomes `withdrawn`.
#[utoipa::path(patch, path = "/api/v1/scheduling/holidays/{holiday_id}", tag = "availability",
    params(("holiday_id" = HolidayId, Path, description = "The holiday")),
    request_body(content = NewHoliday, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Holiday, description = "Changed")),
    extensions(("x-permission" = json!("availability.manage"))))]
async fn update_holiday(
    ctx: Ctx,
    Path(id): Path<HolidayId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Holiday> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

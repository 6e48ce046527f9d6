//! Holds over HTTP.

use kernel::ids::HoldId;
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::holds;
use super::model::{Hold, NewHold};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(hold_time))
        .routes(routes!(get_hold))
        .routes(routes!(release_hold))
}

/// Keep a time free for a short while
///
/// Book it with `POST /api/v1/appointments` and its `hold_id`, or release it; else it runs out.
#[utoipa::path(post, path = "/api/v1/holds", tag = "appointments", request_body = NewHold,
    responses((status = 201, body = Hold, description = "Kept free")),
    extensions(("x-permission" = json!("appointment.book"))))]
async fn hold_time(ctx: Ctx, Json(new): Json<NewHold>) -> Reply<Hold> {
    Ok(holds::hold(&ctx, new).await?)
}

/// Look at a hold
#[utoipa::path(get, path = "/api/v1/holds/{hold_id}", tag = "appointments",
    params(("hold_id" = HoldId, Path, description = "Which hold")),
    responses((status = 200, body = Hold, description = "The hold")),
    extensions(("x-permission" = json!("appointment.read"))))]
async fn get_hold(ctx: Ctx, Path(id): Path<HoldId>) -> Reply<Hold> {
    Ok(holds::read(&ctx, id).await?)
}

/// Release a hold
///
/// What it kept is free at once.
#[utoipa::path(post, path = "/api/v1/holds/{hold_id}/release", tag = "appointments",
    params(("hold_id" = HoldId, Path, description = "Which hold")),
    responses((status = 200, body = Hold, description = "Released")),
    extensions(("x-permission" = json!("appointment.book"))))]
async fn release_hold(ctx: Ctx, Path(id): Path<HoldId>, _: NoBody) -> Reply<Hold> {
    Ok(holds::release(&ctx, id).await?)
}

//! HTTP of affected appointments.

use platform::App;
use platform::access::Ctx;
use platform::http::{Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AffectedAppointments, ListAffected};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_affected_appointments))
}

/// List appointments that lie outside of what is available now
///
/// Those that stand and are still to come, whose provider is off or does not work then any more, whose room is closed, and so on, with
/// the reasons. They stay until somebody moves or cancels them.
#[utoipa::path(get, path = "/api/v1/scheduling/affected-appointments", tag = "appointments", params(ListAffected),
    responses((status = 200, body = AffectedAppointments, description = "A page. By the time they begin.")),
    extensions(("x-permission" = json!("schedule.read"))))]
async fn list_affected_appointments(
    ctx: Ctx,
    Query(query): Query<ListAffected>,
) -> Reply<AffectedAppointments> {
    Ok(service::list(&ctx, query).await?)
}

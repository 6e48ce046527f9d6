//! Is it alive, is it ready, how is it doing.
//!
//! Alive: the process answers. Ready: the database answers and the access log can be written, without which no chart may
//! be shown. Metrics have routes as templates and no one's data in any label.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use platform::App;
use platform::http::Problem;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_liveness))
        .routes(routes!(get_readiness))
        .routes(routes!(get_metrics))
}

/// The server's state.
#[derive(Serialize, ToSchema)]
struct Health {
    #[schema(example = "ok")]
    status: &'static str,
}

/// Is the process alive
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, body = Health, description = "It is.")))]
async fn get_liveness() -> Response {
    axum::Json(Health { status: "ok" }).into_response()
}

/// Can it serve
///
/// `503` while the database can't be reached or the access log can't be written.
#[utoipa::path(get, path = "/readyz", tag = "operations", responses((status = 200, body = Health, description = "It can.")))]
async fn get_readiness(State(app): State<App>) -> Result<Response, Problem> {
    platform::db::health::ready(&app.db).await?;
    Ok(axum::Json(Health { status: "ok" }).into_response())
}

/// Metrics for Prometheus
#[utoipa::path(get, path = "/metrics", tag = "operations", responses((status = 200, body = String, content_type = "text/plain", description = "In the text format.")))]
async fn get_metrics(State(app): State<App>) -> Response {
    let (size, idle) = app.db.usage();
    metrics::gauge!("chartwell_db_connections").set(size);
    metrics::gauge!("chartwell_db_connections_idle")
        .set(f64::from(u32::try_from(idle).unwrap_or(u32::MAX)));
    metrics::gauge!("chartwell_access_log_queue").set(f64::from(
        u32::try_from(app.access_log.queued()).unwrap_or(u32::MAX),
    ));
    metrics::gauge!("chartwell_event_streams").set(f64::from(
        u32::try_from(app.events.receivers()).unwrap_or(u32::MAX),
    ));
    let text = super::metrics_text();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}

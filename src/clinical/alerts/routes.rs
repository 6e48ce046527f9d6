//! Clinical alerts over HTTP.

use kernel::Page;
use kernel::ids::{ClinicalAlertId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AlertAcknowledgement, ClinicalAlert, OfPatient, WorkList};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_clinical_alerts))
        .routes(routes!(list_patient_alerts))
        .routes(routes!(acknowledge_alert))
}

/// List open alerts
///
/// Newest first, of the patients the caller may see.
#[utoipa::path(get, path = "/api/v1/clinical-alerts", tag = "vital signs",
    params(WorkList),
    responses((status = 200, body = Page<ClinicalAlert>, description = "A page of open alerts")),
    extensions(("x-permission" = json!("alert.read"))))]
async fn list_clinical_alerts(
    ctx: Ctx,
    Query(query): Query<WorkList>,
) -> Reply<Page<ClinicalAlert>> {
    Ok(service::work_list(&ctx, query).await?)
}

/// List a patient's alerts
///
/// Newest first.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/clinical-alerts", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose alerts"), OfPatient),
    responses((status = 200, body = Page<ClinicalAlert>, description = "A page of alerts")),
    extensions(("x-permission" = json!("alert.read"))))]
async fn list_patient_alerts(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<OfPatient>,
) -> Reply<Page<ClinicalAlert>> {
    Ok(service::of_patient(&ctx, patient, query).await?)
}

/// Acknowledge an alert
///
/// Somebody has looked. `alert_closed` where somebody had before, or where it was withdrawn.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/clinical-alerts/{alert_id}/acknowledge", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose alert"),
           ("alert_id" = ClinicalAlertId, Path, description = "Which alert")),
    request_body = AlertAcknowledgement,
    responses((status = 200, body = ClinicalAlert, description = "Acknowledged")),
    extensions(("x-permission" = json!("alert.acknowledge"))))]
async fn acknowledge_alert(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ClinicalAlertId)>,
    Json(how): Json<AlertAcknowledgement>,
) -> Reply<ClinicalAlert> {
    Ok(service::acknowledge(&ctx, patient, id, how).await?)
}

//! Vital signs over HTTP.

use axum::extract::DefaultBodyLimit;
use kernel::Page;
use kernel::ids::{PatientId, VitalSetId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, LARGE_BODY, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::batch::{self, BatchOutcome, BatchRow, NewBatch};
use super::model::{Confirm, Correction, NewVitals, Withdrawal};
use super::reference::VitalKinds;
use super::view::{LatestQuery, LatestVitals, ListVitals, TrendQuery, Vitals, VitalsTrend};
use super::{reading, service};
use crate::entries::AsOfQuery;

pub fn router() -> OpenApiRouter<App> {
    #[derive(utoipa::OpenApi)]
    #[openapi(components(schemas(BatchRow)))]
    struct Rows;
    let batch = OpenApiRouter::with_openapi(<Rows as utoipa::OpenApi>::openapi())
        .routes(routes!(record_vitals_batch))
        .layer(DefaultBodyLimit::max(LARGE_BODY));
    OpenApiRouter::new()
        .routes(routes!(list_vitals, record_vitals))
        .routes(routes!(get_latest_vitals))
        .routes(routes!(get_vitals_trend))
        .routes(routes!(get_vitals))
        .routes(routes!(correct_vitals))
        .routes(routes!(withdraw_vitals))
        .routes(routes!(list_vital_kinds))
        .merge(batch)
}

/// Record vital signs
///
/// What was measured at one time. What can't be true is refused with the range, and with another unit where the number would
/// be plausible in it. What is unusual at the patient's age is refused with `unusual_value` until it is sent again with
/// `confirm=true`. A NEWS2 or qSOFA out of range, measured in the last 24 hours, raises a clinical alert.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/vitals", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Who was measured"), Confirm),
    request_body = NewVitals,
    responses((status = 201, body = Vitals, description = "Recorded")),
    extensions(("x-permission" = json!("vitals.record"))))]
async fn record_vitals(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<Confirm>,
    Json(new): Json<NewVitals>,
) -> Reply<Vitals> {
    Ok(service::record(&ctx, patient, query.confirm, new).await?)
}

/// List vital signs
///
/// Sets, newest first, each with what follows from it.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/vitals", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"), ListVitals),
    responses((status = 200, body = Page<Vitals>, description = "A page of sets")),
    extensions(("x-permission" = json!("vitals.read"))))]
async fn list_vitals(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListVitals>,
) -> Reply<Page<Vitals>> {
    Ok(reading::list(&ctx, patient, query).await?)
}

/// Read the latest of each vital sign
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/vitals/latest", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"), LatestQuery),
    responses((status = 200, body = LatestVitals, description = "The latest reading of each kind")),
    extensions(("x-permission" = json!("vitals.read"))))]
async fn get_latest_vitals(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<LatestQuery>,
) -> Reply<LatestVitals> {
    Ok(reading::latest(&ctx, patient, query).await?)
}

/// Read trends
///
/// Extremes, mean and slope of each series, and points to plot. The slope is Theil and Sen's, with Mann and Kendall's test,
/// from four values on.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/vitals/trend", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"), TrendQuery),
    responses((status = 200, body = VitalsTrend, description = "What was measured, over time")),
    extensions(("x-permission" = json!("vitals.read"))))]
async fn get_vitals_trend(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<TrendQuery>,
) -> Reply<VitalsTrend> {
    Ok(reading::trend(&ctx, patient, query).await?)
}

/// Read what was measured at one time
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/vitals/{vitals_id}", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"),
           ("vitals_id" = VitalSetId, Path, description = "Which set"), AsOfQuery),
    responses((status = 200, body = Vitals, description = "The set, with readings that were an error")),
    extensions(("x-permission" = json!("vitals.read"))))]
async fn get_vitals(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, VitalSetId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<Vitals> {
    Ok(reading::get(&ctx, patient, id, query.as_of).await?)
}

/// Correct vital signs
///
/// The set is marked as an error, and another takes its place; each names the other. Answers with the new one.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/vitals/{vitals_id}/correct", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"),
           ("vitals_id" = VitalSetId, Path, description = "Which set was wrong"), Confirm),
    request_body = Correction,
    responses((status = 200, body = Vitals, description = "What stands in its place")),
    extensions(("x-permission" = json!("vitals.record"))))]
async fn correct_vitals(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, VitalSetId)>,
    Query(query): Query<Confirm>,
    Json(correction): Json<Correction>,
) -> Reply<Vitals> {
    Ok(service::correct(&ctx, patient, id, query.confirm, correction).await?)
}

/// Withdraw vital signs
///
/// Marks readings, or the whole set, as an error. They stay readable as such; open alerts they no longer call for are withdrawn.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/vitals/{vitals_id}/withdraw", tag = "vital signs",
    params(("patient_id" = PatientId, Path, description = "Whose vital signs"),
           ("vitals_id" = VitalSetId, Path, description = "Which set")),
    request_body = Withdrawal,
    responses((status = 200, body = Vitals, description = "The set as it now stands")),
    extensions(("x-permission" = json!("vitals.record"))))]
async fn withdraw_vitals(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, VitalSetId)>,
    Json(why): Json<Withdrawal>,
) -> Reply<Vitals> {
    Ok(service::withdraw(&ctx, patient, id, why).await?)
}

/// Record readings of devices
///
/// Up to 10,000 rows, 8 MiB. Each row has an outcome of its own: `created`, `duplicate` (the device sent this reading before)
/// or `refused` with its problem. Unusual values need `confirm=true`, as always.
#[utoipa::path(post, path = "/api/v1/vitals/batch", tag = "vital signs",
    params(Confirm),
    request_body = NewBatch,
    responses((status = 200, body = BatchOutcome, description = "What became of each row")),
    extensions(("x-permission" = json!("vitals.record"))))]
async fn record_vitals_batch(
    ctx: Ctx,
    Query(query): Query<Confirm>,
    Json(rows): Json<NewBatch>,
) -> Reply<BatchOutcome> {
    Ok(batch::record(&ctx, query.confirm, rows).await?)
}

/// List what can be measured
///
/// Kinds and quantities with units, codes and ranges by age. Starter knowledge: a clinician must review it before clinical use.
#[utoipa::path(get, path = "/api/v1/vitals/kinds", tag = "vital signs",
    responses((status = 200, body = VitalKinds, description = "Kinds and quantities")),
    extensions(("x-permission" = json!("vitals.reference"))))]
async fn list_vital_kinds(ctx: Ctx) -> Reply<VitalKinds> {
    Ok(reading::kinds(&ctx).await?)
}

//! Duplicates over HTTP: the work list, merging, and how it is tuned.

use kernel::Page;
use kernel::ids::{DuplicatePairId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::merging::{self, MergeQuery, MergeReport, MergeRequest, UnmergeRequest};
use super::tuning::{self, MatchingSettings, MatchingThresholds};
use super::worklist::{self, Dismissal, DuplicatePair, ListDuplicates, ScanReport};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_duplicates))
        .routes(routes!(scan_duplicates))
        .routes(routes!(dismiss_duplicate))
        .routes(routes!(merge_patient))
        .routes(routes!(unmerge_patient))
        .routes(routes!(get_matching, update_matching))
        .routes(routes!(learn_matching))
}

/// List probable duplicates
///
/// Pairs of registrations that are probably one person's, the likeliest first, with what they agree on. Nothing is ever merged
/// but by a person.
#[utoipa::path(get, path = "/api/v1/patients/duplicates", tag = "duplicates", params(ListDuplicates),
    responses((status = 200, body = Page<DuplicatePair>, description = "A page of pairs")),
    extensions(("x-permission" = json!("patient.duplicates"))))]
async fn list_duplicates(
    ctx: Ctx,
    Query(query): Query<ListDuplicates>,
) -> Reply<Page<DuplicatePair>> {
    Ok(worklist::list(&ctx, query).await?)
}

/// Look for duplicates now
///
/// Compares up to 200 patients who have changed since the last look with those they share a key with. The server does the same
/// each minute.
#[utoipa::path(post, path = "/api/v1/patients/duplicates/scan", tag = "duplicates",
    responses((status = 200, body = ScanReport, description = "What was compared, and whether there is more")),
    extensions(("x-permission" = json!("patient.review_duplicates"))))]
async fn scan_duplicates(ctx: Ctx, _: NoBody) -> Reply<ScanReport> {
    Ok(worklist::scan(&ctx).await?)
}

/// Dismiss a pair
///
/// Not the same person. Remembered: the pair is not listed as open again.
#[utoipa::path(post, path = "/api/v1/patients/duplicates/{pair_id}/dismiss", tag = "duplicates",
    params(("pair_id" = DuplicatePairId, Path, description = "The pair")), request_body = Dismissal,
    responses((status = 200, body = DuplicatePair, description = "Dismissed")),
    extensions(("x-permission" = json!("patient.review_duplicates"))))]
async fn dismiss_duplicate(
    ctx: Ctx,
    Path(id): Path<DuplicatePairId>,
    Json(dismissal): Json<Dismissal>,
) -> Reply<DuplicatePair> {
    Ok(worklist::dismiss(&ctx, id, dismissal).await?)
}

/// Merge a duplicate into this patient
///
/// Everything that belongs to the duplicate becomes this patient's; the duplicate's registration stays readable with the
/// status `merged`, and whoever reads or writes a record under it is sent here (409 `patient_merged`). With `preview=true`: what would move and what would conflict, and nothing is done.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/merge", tag = "duplicates",
    params(("patient_id" = PatientId, Path, description = "The registration that goes on"), MergeQuery),
    request_body = MergeRequest,
    responses((status = 200, body = MergeReport, description = "What was moved, or would be")),
    extensions(("x-permission" = json!("patient.merge"))))]
async fn merge_patient(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    Query(query): Query<MergeQuery>,
    Json(request): Json<MergeRequest>,
) -> Reply<MergeReport> {
    Ok(merging::merge(&ctx, id, query, request).await?)
}

/// Take a merge back
///
/// From its journal: what was moved returns, with what has been written into it since, and what an import has entered for this
/// registration. What else is new in the other chart stays there, and is named (`added`). A preview shows the same, and changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/unmerge", tag = "duplicates",
    params(("patient_id" = PatientId, Path, description = "The registration that was merged away"), MergeQuery),
    request_body = UnmergeRequest,
    responses((status = 200, body = MergeReport, description = "What was moved back")),
    extensions(("x-permission" = json!("patient.merge"))))]
async fn unmerge_patient(
    ctx: Ctx,
    Path(id): Path<PatientId>,
    Query(query): Query<MergeQuery>,
    Json(request): Json<UnmergeRequest>,
) -> Reply<MergeReport> {
    Ok(merging::unmerge(&ctx, id, query, request).await?)
}

/// Read how duplicates are found
#[utoipa::path(get, path = "/api/v1/patients/matching", tag = "duplicates",
    responses((status = 200, body = MatchingSettings, description = "Thresholds, and what was learned")),
    extensions(("x-permission" = json!("patient.duplicates"))))]
async fn get_matching(ctx: Ctx) -> Reply<MatchingSettings> {
    Ok(tuning::get(&ctx).await?)
}

/// Change from which probability on
#[utoipa::path(patch, path = "/api/v1/patients/matching", tag = "duplicates",
    request_body(content = MatchingThresholds, content_type = "application/merge-patch+json"),
    responses((status = 200, body = MatchingSettings, description = "Changed")),
    extensions(("x-permission" = json!("patient.merge"))))]
async fn update_matching(
    ctx: Ctx,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<MatchingSettings> {
    Ok(tuning::amend(&ctx, if_match, &patch).await?)
}

/// Learn the weights from the organisation's own patients
///
/// Without knowing who is whom. Needs 500 patients; everybody is compared anew afterwards.
#[utoipa::path(post, path = "/api/v1/patients/matching/learn", tag = "duplicates",
    responses((status = 200, body = MatchingSettings, description = "Learned")),
    extensions(("x-permission" = json!("patient.merge"))))]
async fn learn_matching(ctx: Ctx, _: NoBody) -> Reply<MatchingSettings> {
    Ok(tuning::learn(&ctx).await?)
}

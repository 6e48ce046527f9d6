//! Problem lists over HTTP.

use kernel::Page;
use kernel::ids::{PatientId, ProblemId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ListProblems, NewProblem, Problem, Reactivation, Resolution};
use super::service;
use crate::entries::{self, Amended, AsOfQuery, Entry, EntryChange, EntryHistoryQuery, Mistake};

type AmendedProblem = Amended<Problem>;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_problems, add_problem))
        .routes(routes!(get_problem, update_problem))
        .routes(routes!(resolve_problem))
        .routes(routes!(reactivate_problem))
        .routes(routes!(mark_problem_entered_in_error))
        .routes(routes!(list_problem_changes))
}

/// Read a patient's problem list
///
/// Newest entry first; without those entered in error unless asked for.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/problems", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"), ListProblems),
    responses((status = 200, body = Page<AmendedProblem>, description = "A page of problems")),
    extensions(("x-permission" = json!("problem.read"))))]
async fn list_problems(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListProblems>,
) -> Reply<Page<AmendedProblem>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Put a problem on the list
///
/// With an ICD-10-CM code, a SNOMED CT code or both. While a problem with the code is open, a second one is refused with
/// `problem_already_open`, naming the first as `problem_id`.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/problems", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list")), request_body = NewProblem,
    responses((status = 201, body = Problem, description = "Added")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn add_problem(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewProblem>,
) -> Reply<Problem> {
    Ok(service::add(&ctx, patient, new).await?)
}

/// Read a problem
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/problems/{problem_id}", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem"), AsOfQuery),
    responses((status = 200, body = AmendedProblem, description = "The problem")),
    extensions(("x-permission" = json!("problem.read"))))]
async fn get_problem(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AmendedProblem> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_amended_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// Amend a problem
///
/// Its status may change among the open ones. With another code and no name, it is named after the code.
#[utoipa::path(patch, path = "/api/v1/patients/{patient_id}/problems/{problem_id}", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem")),
    request_body(content = NewProblem, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Problem, description = "Amended")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn update_problem(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Problem> {
    Ok(service::amend(&ctx, patient, id, if_match, &patch).await?)
}

/// Resolve a problem
///
/// It leaves the open list and stays in the record.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/problems/{problem_id}/resolve", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem")),
    request_body = Resolution,
    responses((status = 200, body = Problem, description = "Resolved")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn resolve_problem(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    Json(how): Json<Resolution>,
) -> Reply<Problem> {
    Ok(service::resolve(&ctx, patient, id, how.abatement).await?)
}

/// Reactivate a problem that came back
///
/// From `resolved`, to `active` or `chronic`.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/problems/{problem_id}/reactivate", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem")),
    request_body = Reactivation,
    responses((status = 200, body = Problem, description = "Open again")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn reactivate_problem(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    Json(how): Json<Reactivation>,
) -> Reply<Problem> {
    Ok(service::reactivate(&ctx, patient, id, how.status).await?)
}

/// Take back a problem entered in error
///
/// It stays in the record, with the reason, and does not change any more.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/problems/{problem_id}/entered-in-error", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem")),
    request_body = Mistake,
    responses((status = 200, body = Problem, description = "Taken back")),
    extensions(("x-permission" = json!("problem.write"))))]
async fn mark_problem_entered_in_error(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    Json(mistake): Json<Mistake>,
) -> Reply<Problem> {
    Ok(service::take_back(&ctx, patient, id, mistake).await?)
}

/// Read how a problem changed
///
/// Newest first: who, when, and each field before and after.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/problems/{problem_id}/history", tag = "problems",
    params(("patient_id" = PatientId, Path, description = "Whose list"),
           ("problem_id" = ProblemId, Path, description = "Which problem"), EntryHistoryQuery),
    responses((status = 200, body = Page<EntryChange>, description = "A page of changes")),
    extensions(("x-permission" = json!("entry.history"))))]
async fn list_problem_changes(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, ProblemId)>,
    Query(query): Query<EntryHistoryQuery>,
) -> Reply<Page<EntryChange>> {
    let entry = Entry {
        resource: "problem",
        table: "problems",
        patient,
        id: id.0,
    };
    Ok(entries::history(&ctx, entry, query).await?)
}

//! Statements that no allergies are known, and the summary, over HTTP.

use kernel::Page;
use kernel::ids::{AllergyStatementId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{AllergyStatement, AllergySummary, ListStatements, NewStatement};
use super::statements;
use crate::entries::{self, AsOfQuery, Mistake};

pub(super) fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_allergy_statements, state_no_known_allergies))
        .routes(routes!(get_allergy_statement))
        .routes(routes!(withdraw_allergy_statement))
        .routes(routes!(get_allergy_summary))
}

/// List statements that no allergies are known
///
/// Those that stand, newest first; with `include_withdrawn=true` the others, too.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergy-statements", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Of whom"), ListStatements),
    responses((status = 200, body = Page<AllergyStatement>, description = "All of them")),
    extensions(("x-permission" = json!("allergy.read"))))]
async fn list_allergy_statements(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListStatements>,
) -> Reply<Page<AllergyStatement>> {
    Ok(statements::list(&ctx, patient, query).await?)
}

/// State that no allergies are known
///
/// None at all, no drug allergies or no food allergies. Refused with `statement_contradicts_allergy` while the patient has an
/// active allergy that it denies.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/allergy-statements", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Of whom")), request_body = NewStatement,
    responses((status = 201, body = AllergyStatement, description = "Stated")),
    extensions(("x-permission" = json!("allergy.write"))))]
async fn state_no_known_allergies(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewStatement>,
) -> Reply<AllergyStatement> {
    Ok(statements::state(&ctx, patient, new).await?)
}

/// Read a statement
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergy-statements/{statement_id}", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Of whom"),
           ("statement_id" = AllergyStatementId, Path, description = "Which statement"), AsOfQuery),
    responses((status = 200, body = AllergyStatement, description = "The statement")),
    extensions(("x-permission" = json!("allergy.read"))))]
async fn get_allergy_statement(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyStatementId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AllergyStatement> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(statements::read(&ctx, patient, id).await?)
}

/// Withdraw a statement
///
/// Because it was wrong, or an allergy has shown itself. It stays in the record.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/allergy-statements/{statement_id}/withdraw", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Of whom"),
           ("statement_id" = AllergyStatementId, Path, description = "Which statement")),
    request_body = Mistake,
    responses((status = 200, body = AllergyStatement, description = "Withdrawn")),
    extensions(("x-permission" = json!("allergy.write"))))]
async fn withdraw_allergy_statement(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, AllergyStatementId)>,
    Json(why): Json<Mistake>,
) -> Reply<AllergyStatement> {
    Ok(statements::withdraw(&ctx, patient, id, why).await?)
}

/// Read what is known of a patient's allergies
///
/// The active allergies, those of high criticality first; the statements that stand; and in a word whether there are some,
/// none are known, or nobody has asked.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/allergy-summary", tag = "allergies",
    params(("patient_id" = PatientId, Path, description = "Of whom"), AsOfQuery),
    responses((status = 200, body = AllergySummary, description = "What the bedside must see")),
    extensions(("x-permission" = json!("allergy.read"))))]
async fn get_allergy_summary(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<AsOfQuery>,
) -> Reply<AllergySummary> {
    if let Some(then) = query.as_of {
        return Ok(statements::summary_as_of(&ctx, patient, then).await?);
    }
    Ok(statements::summary(&ctx, patient).await?)
}

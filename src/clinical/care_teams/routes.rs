//! Care teams over HTTP.

use kernel::Page;
use kernel::ids::{CareTeamMemberId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{Json, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{CareTeamMember, ListCareTeam, NewCareTeamMember};
use super::service;
use crate::entries::{self, AsOfQuery};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_care_team, add_care_team_member))
        .routes(routes!(get_care_team_member))
        .routes(routes!(end_care_team_membership))
}

/// List a patient's care team
///
/// Who is on it now, or was `at` an instant.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/care-team", tag = "care teams",
    params(("patient_id" = PatientId, Path, description = "Whose team"), ListCareTeam),
    responses((status = 200, body = Page<CareTeamMember>, description = "A page of members, by their beginning")),
    extensions(("x-permission" = json!("care_team.read"))))]
async fn list_care_team(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Query(query): Query<ListCareTeam>,
) -> Reply<Page<CareTeamMember>> {
    Ok(service::list(&ctx, patient, query).await?)
}

/// Put somebody on a care team
///
/// He may open the chart from then on. Refused with `already_member` while he has the role without an end.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/care-team", tag = "care teams",
    params(("patient_id" = PatientId, Path, description = "Whose team")), request_body = NewCareTeamMember,
    responses((status = 201, body = CareTeamMember, description = "Added")),
    extensions(("x-permission" = json!("care_team.manage"))))]
async fn add_care_team_member(
    ctx: Ctx,
    Path(patient): Path<PatientId>,
    Json(new): Json<NewCareTeamMember>,
) -> Reply<CareTeamMember> {
    Ok(service::add(&ctx, patient, &new).await?)
}

/// Read a membership
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/care-team/{member_id}", tag = "care teams",
    params(("patient_id" = PatientId, Path, description = "Whose team"),
           ("member_id" = CareTeamMemberId, Path, description = "Which membership"), AsOfQuery),
    responses((status = 200, body = CareTeamMember, description = "The membership")),
    extensions(("x-permission" = json!("care_team.read"))))]
async fn get_care_team_member(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CareTeamMemberId)>,
    Query(query): Query<AsOfQuery>,
) -> Reply<CareTeamMember> {
    if let Some(then) = query.as_of {
        return Ok(entries::read_as_of(&ctx, patient, id.0, then).await?);
    }
    Ok(service::read(&ctx, patient, id).await?)
}

/// End a membership
///
/// At once: a provider or nurse who sees only his own patients can't open the chart any more. One that has ended stays ended.
#[utoipa::path(post, path = "/api/v1/patients/{patient_id}/care-team/{member_id}/end", tag = "care teams",
    params(("patient_id" = PatientId, Path, description = "Whose team"),
           ("member_id" = CareTeamMemberId, Path, description = "Which membership")),
    responses((status = 200, body = CareTeamMember, description = "Ended")),
    extensions(("x-permission" = json!("care_team.manage"))))]
async fn end_care_team_membership(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, CareTeamMemberId)>,
    _: NoBody,
) -> Reply<CareTeamMember> {
    Ok(service::end(&ctx, patient, id).await?)
}

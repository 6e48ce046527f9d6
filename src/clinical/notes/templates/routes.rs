//! Templates over HTTP.

use kernel::Page;
use kernel::ids::{NoteTemplateId, PatientId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{FillTemplate, FilledTemplate, ListTemplates, NewTemplate, NoteTemplate};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_note_templates, create_note_template))
        .routes(routes!(get_note_template, update_note_template))
        .routes(routes!(retire_note_template))
        .routes(routes!(fill_note_template))
}

/// Add a template
#[utoipa::path(post, path = "/api/v1/note-templates", tag = "note templates",
    request_body = NewTemplate,
    responses((status = 201, body = NoteTemplate, description = "Added")),
    extensions(("x-permission" = json!("note_template.manage"))))]
async fn create_note_template(ctx: Ctx, Json(new): Json<NewTemplate>) -> Reply<NoteTemplate> {
    Ok(service::add(&ctx, new).await?)
}

/// List templates
///
/// By name.
#[utoipa::path(get, path = "/api/v1/note-templates", tag = "note templates",
    params(ListTemplates),
    responses((status = 200, body = Page<NoteTemplate>, description = "A page of templates")),
    extensions(("x-permission" = json!("note_template.read"))))]
async fn list_note_templates(
    ctx: Ctx,
    Query(query): Query<ListTemplates>,
) -> Reply<Page<NoteTemplate>> {
    Ok(service::list(&ctx, query).await?)
}

/// Read a template
#[utoipa::path(get, path = "/api/v1/note-templates/{template_id}", tag = "note templates",
    params(("template_id" = NoteTemplateId, Path, description = "Which template")),
    responses((status = 200, body = NoteTemplate, description = "The template")),
    extensions(("x-permission" = json!("note_template.read"))))]
async fn get_note_template(ctx: Ctx, Path(id): Path<NoteTemplateId>) -> Reply<NoteTemplate> {
    Ok(service::get(&ctx, id).await?)
}

/// Change a template
///
/// Notes that began from it stay as they are.
#[utoipa::path(patch, path = "/api/v1/note-templates/{template_id}", tag = "note templates",
    params(("template_id" = NoteTemplateId, Path, description = "Which template")),
    request_body(content = NewTemplate, content_type = "application/merge-patch+json"),
    responses((status = 200, body = NoteTemplate, description = "Changed")),
    extensions(("x-permission" = json!("note_template.manage"))))]
async fn update_note_template(
    ctx: Ctx,
    Path(id): Path<NoteTemplateId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<NoteTemplate> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

/// Retire a template
///
/// It is not offered any more.
#[utoipa::path(post, path = "/api/v1/note-templates/{template_id}/retire", tag = "note templates",
    params(("template_id" = NoteTemplateId, Path, description = "Which template")),
    responses((status = 200, body = NoteTemplate, description = "Retired")),
    extensions(("x-permission" = json!("note_template.manage"))))]
async fn retire_note_template(
    ctx: Ctx,
    Path(id): Path<NoteTemplateId>,
    _: NoBody,
) -> Reply<NoteTemplate> {
    Ok(service::retire(&ctx, id).await?)
}

/// Fill a template from a patient's chart
///
/// To be looked at; `POST …/notes` with `template_id` fills it again.
#[utoipa::path(get, path = "/api/v1/patients/{patient_id}/note-templates/{template_id}", tag = "note templates",
    params(("patient_id" = PatientId, Path, description = "Whose chart"),
           ("template_id" = NoteTemplateId, Path, description = "Which template"), FillTemplate),
    responses((status = 200, body = FilledTemplate, description = "Filled")),
    extensions(("x-permission" = json!("note.read"))))]
async fn fill_note_template(
    ctx: Ctx,
    Path((patient, id)): Path<(PatientId, NoteTemplateId)>,
    Query(query): Query<FillTemplate>,
) -> Reply<FilledTemplate> {
    Ok(service::preview(&ctx, patient, id, &query).await?)
}

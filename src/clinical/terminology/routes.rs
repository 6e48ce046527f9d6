//! Terminology over HTTP.

use kernel::Page;
use platform::App;
use platform::access::Ctx;
use platform::http::{Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{ConceptMatch, FindConcepts, OnDay, SystemSummary};
use super::service;
use super::system::System;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_code_systems))
        .routes(routes!(find_concepts))
        .routes(routes!(get_concept))
}

/// List the code systems
///
/// Which there are, whose they are, and which versions are loaded.
#[utoipa::path(get, path = "/api/v1/terminology", tag = "terminology",
    responses((status = 200, body = Page<SystemSummary>, description = "All code systems")),
    extensions(("x-permission" = json!("terminology.read"))))]
async fn list_code_systems(ctx: Ctx) -> Reply<Page<SystemSummary>> {
    Ok(service::systems(&ctx).await?)
}

/// Find concepts while typing
///
/// By the beginnings of words in any order (`typ 2 diab`), or by the beginning of a code. The best few, not a page of many:
/// there is no next one.
#[utoipa::path(get, path = "/api/v1/terminology/{system}", tag = "terminology",
    params(("system" = System, Path, description = "The code system"), FindConcepts),
    responses((status = 200, body = Page<ConceptMatch>, description = "The best matches")),
    extensions(("x-permission" = json!("terminology.read"))))]
async fn find_concepts(
    ctx: Ctx,
    Path(system): Path<System>,
    Query(query): Query<FindConcepts>,
) -> Reply<Page<ConceptMatch>> {
    Ok(service::search(&ctx, system, query).await?)
}

/// Look up a code
///
/// In the version in force on the day. `valid` tells whether it may be used then.
#[utoipa::path(get, path = "/api/v1/terminology/{system}/{code}", tag = "terminology",
    params(("system" = System, Path, description = "The code system"),
           ("code" = String, Path, description = "The code", example = "E11.9"), OnDay),
    responses((status = 200, body = ConceptMatch, description = "The concept")),
    extensions(("x-permission" = json!("terminology.read"))))]
async fn get_concept(
    ctx: Ctx,
    Path((system, code)): Path<(System, String)>,
    Query(query): Query<OnDay>,
) -> Reply<ConceptMatch> {
    Ok(service::look_up(&ctx, system, &code, &query).await?)
}

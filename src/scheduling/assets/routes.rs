//! HTTP of rooms and devices.

use kernel::Page;
use kernel::ids::AssetId;
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{Asset, ListAssets, NewAsset};
use super::service;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_assets, create_asset))
        .routes(routes!(get_asset, update_asset))
}

/// List rooms and equipment
#[utoipa::path(get, path = "/api/v1/scheduling/assets", tag = "services and rooms", params(ListAssets),
    responses((status = 200, body = Page<Asset>, description = "A page, by name")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn list_assets(ctx: Ctx, Query(query): Query<ListAssets>) -> Reply<Page<Asset>> {
    Ok(service::list(&ctx, query).await?)
}

/// Add a room or a device
///
/// Refused with `slug_taken` while another one of the facility has the code.
#[utoipa::path(post, path = "/api/v1/scheduling/assets", tag = "services and rooms", request_body = NewAsset,
    responses((status = 201, body = Asset, description = "Added")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn create_asset(ctx: Ctx, Json(new): Json<NewAsset>) -> Reply<Asset> {
    Ok(service::add(&ctx, new).await?)
}

/// Read a room or a device
#[utoipa::path(get, path = "/api/v1/scheduling/assets/{asset_id}", tag = "services and rooms",
    params(("asset_id" = AssetId, Path, description = "The room or device")),
    responses((status = 200, body = Asset, description = "The room or device")),
    extensions(("x-permission" = json!("scheduling.catalogue"))))]
async fn get_asset(ctx: Ctx, Path(id): Path<AssetId>) -> Reply<Asset> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a room or a device
///
/// It stays what it is where it is; one that is gone becomes `inactive`. What is booked in it stays booked.
#[utoipa::path(patch, path = "/api/v1/scheduling/assets/{asset_id}", tag = "services and rooms",
    params(("asset_id" = AssetId, Path, description = "The room or device")),
    request_body(content = NewAsset, content_type = "application/merge-patch+json"),
    responses((status = 200, body = Asset, description = "Changed")),
    extensions(("x-permission" = json!("scheduling.manage"))))]
async fn update_asset(
    ctx: Ctx,
    Path(id): Path<AssetId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<Asset> {
    Ok(service::change(&ctx, id, if_match, &patch).await?)
}

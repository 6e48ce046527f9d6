//! The waitlist over HTTP.

use kernel::Page;
use kernel::ids::{WaitlistEntryId, WaitlistOfferId};
use platform::App;
use platform::access::Ctx;
use platform::http::{IfMatch, Json, MergePatch, NoBody, Path, Query, Reply};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::model::{
    ListWaitlist, NewWaitlistEntry, WaitlistEntry, WaitlistOffer, WaitlistWish, Withdrawal,
};
use super::{answering, service};

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_waitlist, join_waitlist))
        .routes(routes!(get_waitlist_entry, update_waitlist_entry))
        .routes(routes!(withdraw_waitlist_entry))
        .routes(routes!(list_waitlist_offers))
        .routes(routes!(get_waitlist_offer))
        .routes(routes!(accept_waitlist_offer))
        .routes(routes!(decline_waitlist_offer))
}

/// List who waits
///
/// Who waits longest first; of the patients the caller may see. Staff see the points by which offers are made.
#[utoipa::path(get, path = "/api/v1/waitlist", tag = "waitlist", params(ListWaitlist),
    responses((status = 200, body = Page<WaitlistEntry>, description = "A page of requests")),
    extensions(("x-permission" = json!("waitlist.read"))))]
async fn list_waitlist(ctx: Ctx, Query(query): Query<ListWaitlist>) -> Reply<Page<WaitlistEntry>> {
    Ok(service::list(&ctx, query).await?)
}

/// Put a patient on the waitlist
///
/// Once for a service. A patient asks for himself, for services patients book themselves; priority and flags are the
/// organisation's to say.
#[utoipa::path(post, path = "/api/v1/waitlist", tag = "waitlist", request_body = NewWaitlistEntry,
    responses((status = 201, body = WaitlistEntry, description = "Waiting")),
    extensions(("x-permission" = json!("waitlist.request"))))]
async fn join_waitlist(ctx: Ctx, Json(new): Json<NewWaitlistEntry>) -> Reply<WaitlistEntry> {
    Ok(service::request(&ctx, new).await?)
}

/// Read a request
#[utoipa::path(get, path = "/api/v1/waitlist/{waitlist_entry_id}", tag = "waitlist",
    params(("waitlist_entry_id" = WaitlistEntryId, Path, description = "Which request")),
    responses((status = 200, body = WaitlistEntry, description = "The request")),
    extensions(("x-permission" = json!("waitlist.read"))))]
async fn get_waitlist_entry(ctx: Ctx, Path(id): Path<WaitlistEntryId>) -> Reply<WaitlistEntry> {
    Ok(service::read(&ctx, id).await?)
}

/// Change a request
#[utoipa::path(patch, path = "/api/v1/waitlist/{waitlist_entry_id}", tag = "waitlist",
    params(("waitlist_entry_id" = WaitlistEntryId, Path, description = "Which request")),
    request_body(content = WaitlistWish, content_type = "application/merge-patch+json"),
    responses((status = 200, body = WaitlistEntry, description = "Changed")),
    extensions(("x-permission" = json!("waitlist.request"))))]
async fn update_waitlist_entry(
    ctx: Ctx,
    Path(id): Path<WaitlistEntryId>,
    if_match: IfMatch,
    patch: MergePatch,
) -> Reply<WaitlistEntry> {
    Ok(service::amend(&ctx, id, if_match, &patch).await?)
}

/// Withdraw a request
///
/// A place held for it goes to the next one.
#[utoipa::path(post, path = "/api/v1/waitlist/{waitlist_entry_id}/withdraw", tag = "waitlist",
    params(("waitlist_entry_id" = WaitlistEntryId, Path, description = "Which request")), request_body = Withdrawal,
    responses((status = 200, body = WaitlistEntry, description = "Withdrawn")),
    extensions(("x-permission" = json!("waitlist.request"))))]
async fn withdraw_waitlist_entry(
    ctx: Ctx,
    Path(id): Path<WaitlistEntryId>,
    Json(why): Json<Withdrawal>,
) -> Reply<WaitlistEntry> {
    Ok(service::withdraw(&ctx, id, why).await?)
}

/// List the offers made to a request
#[utoipa::path(get, path = "/api/v1/waitlist/{waitlist_entry_id}/offers", tag = "waitlist",
    params(("waitlist_entry_id" = WaitlistEntryId, Path, description = "Which request")),
    responses((status = 200, body = Page<WaitlistOffer>, description = "All of them, newest first")),
    extensions(("x-permission" = json!("waitlist.read"))))]
async fn list_waitlist_offers(
    ctx: Ctx,
    Path(id): Path<WaitlistEntryId>,
) -> Reply<Page<WaitlistOffer>> {
    Ok(answering::of_entry(&ctx, id).await?)
}

/// Read an offer
#[utoipa::path(get, path = "/api/v1/waitlist-offers/{offer_id}", tag = "waitlist",
    params(("offer_id" = WaitlistOfferId, Path, description = "Which offer")),
    responses((status = 200, body = WaitlistOffer, description = "The offer")),
    extensions(("x-permission" = json!("waitlist.read"))))]
async fn get_waitlist_offer(ctx: Ctx, Path(id): Path<WaitlistOfferId>) -> Reply<WaitlistOffer> {
    Ok(answering::read(&ctx, id).await?)
}

/// Accept an offer
///
/// Books the place that is held. Until the deadline.
#[utoipa::path(post, path = "/api/v1/waitlist-offers/{offer_id}/accept", tag = "waitlist",
    params(("offer_id" = WaitlistOfferId, Path, description = "Which offer")),
    responses((status = 200, body = WaitlistOffer, description = "Accepted, with the appointment")),
    extensions(("x-permission" = json!("waitlist.respond"))))]
async fn accept_waitlist_offer(
    ctx: Ctx,
    Path(id): Path<WaitlistOfferId>,
    _: NoBody,
) -> Reply<WaitlistOffer> {
    Ok(answering::accept(&ctx, id).await?)
}

/// Decline an offer
///
/// The patient waits on; the place is offered to the next one.
#[utoipa::path(post, path = "/api/v1/waitlist-offers/{offer_id}/decline", tag = "waitlist",
    params(("offer_id" = WaitlistOfferId, Path, description = "Which offer")),
    responses((status = 200, body = WaitlistOffer, description = "Declined")),
    extensions(("x-permission" = json!("waitlist.respond"))))]
async fn decline_waitlist_offer(
    ctx: Ctx,
    Path(id): Path<WaitlistOfferId>,
    _: NoBody,
) -> Reply<WaitlistOffer> {
    Ok(answering::decline(&ctx, id).await?)
}

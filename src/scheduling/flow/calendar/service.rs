//! Opening, listing and revoking feeds. A provider does so with his own; an admin with anybody's.

use kernel::ids::{CalendarFeedId, ProviderId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::crypto::LinkSecret;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{CalendarFeed, ListCalendarFeeds, NewCalendarFeed};
use super::store;

/// How a feed's secret begins.
pub(super) const KIND: &str = "cal";

/// The provider the caller is, where he may see no other's feeds: `Some(None)` is one who is none.
async fn only(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<Option<ProviderId>>> {
    if ctx.principal().role == Role::Admin {
        return Ok(None);
    }
    Ok(Some(store::provider_of(tx, ctx.user()).await?))
}

pub(super) async fn list(
    ctx: &Ctx,
    query: ListCalendarFeeds,
) -> Result<Answer<Page<CalendarFeed>>> {
    let paging = Paging::new(ctx, &query.provider_id, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::CalendarFeedRead).await?;
    let own = only(ctx, &mut tx).await?;
    let rows = match own {
        Some(None) => Vec::new(),
        Some(own) if query.provider_id.is_some() && query.provider_id != own => Vec::new(),
        Some(own) => store::page(&mut tx, own, paging.after()?, paging.fetch()).await?,
        None => store::page(&mut tx, query.provider_id, paging.after()?, paging.fetch()).await?,
    };
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn open(ctx: &Ctx, new: NewCalendarFeed) -> Result<Answer<CalendarFeed>> {
    let mut tx = ctx.begin(Permission::CalendarFeedManage).await?;
    let own = only(ctx, &mut tx).await?;
    let known = match own {
        Some(own) => own == Some(new.provider_id),
        None => store::is_active_provider(&mut tx, new.provider_id).await?,
    };
    if !known {
        return Err(Error::field(
            "/provider_id",
            "no_such_provider",
            "must name an active provider; a provider can name only himself",
        ));
    }
    let secret = LinkSecret::new(ctx.tenant());
    let feed = CalendarFeed {
        id: CalendarFeedId::new(),
        data: new,
        url: None,
        revoked_at: None,
        last_read_at: None,
        version: 1,
        created_at: ctx.now(),
        updated_at: ctx.now(),
    };
    store::insert(&mut tx, &feed, &secret.digest(), ctx.user()).await?;
    let url = format!(
        "{}/calendar/{}.ics",
        ctx.app().settings.public_url,
        secret.render(KIND)
    );
    let shown = CalendarFeed {
        url: Some(url),
        ..feed.clone()
    };
    let answer = tx
        .commit(
            Disclosure::plain(feed)
                .created_at("/api/v1/calendar-feeds".to_owned())
                .version(1),
        )
        .await?;
    answer.reveal(&shown)
}

pub(super) async fn revoke(ctx: &Ctx, id: CalendarFeedId) -> Result<Answer<CalendarFeed>> {
    let mut tx = ctx.begin(Permission::CalendarFeedManage).await?;
    let own = only(ctx, &mut tx).await?;
    let feed = store::lock(&mut tx, id)
        .await?
        .filter(|feed| own.is_none_or(|own| own == Some(feed.data.provider_id)))
        .ok_or_else(Error::not_found)?;
    let feed = if feed.revoked_at.is_some() {
        feed
    } else {
        store::revoke(&mut tx, id, ctx.now()).await?;
        CalendarFeed {
            revoked_at: Some(ctx.now()),
            version: feed.version + 1,
            updated_at: ctx.now(),
            ..feed
        }
    };
    let version = feed.version;
    tx.commit(Disclosure::plain(feed).version(version)).await
}

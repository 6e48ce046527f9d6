//! Reading security events.

use kernel::{Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::{Answer, Paging, require_order};

use super::model::{Filter, ListSecurityEvents, SecurityEntry, SecuritySummary};
use super::store;

pub(super) async fn summary(ctx: &Ctx) -> Result<Answer<SecuritySummary>> {
    let mut tx = ctx.begin(Permission::SecurityRead).await?;
    let summary = store::summary(&mut tx).await?;
    tx.finish(Disclosure::plain(summary)).await
}

pub(super) async fn events(
    ctx: &Ctx,
    query: ListSecurityEvents,
) -> Result<Answer<Page<SecurityEntry>>> {
    let ListSecurityEvents {
        kind,
        outcome,
        user_id,
        from,
        to,
        limit,
        cursor,
    } = query;
    let filter = Filter {
        kind,
        outcome,
        user: user_id,
        from,
        to,
    };
    require_order(from, to)?;
    let paging = Paging::new(ctx, &filter, limit, cursor)?;
    let mut tx = ctx.begin(Permission::SecurityRead).await?;
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.at, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

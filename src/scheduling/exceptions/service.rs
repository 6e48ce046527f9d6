//! What is done with working time exceptions.

use identity::{facilities, staff};
use kernel::ids::AvailabilityId;
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging, require_order};

use super::model::{Effect, ListTimeExceptions, NewTimeException, TimeException};
use super::store;
use crate::resource::{self, Standing, kept, require_same};
use crate::waitlist::{self, Opened};

pub(super) async fn list(
    ctx: &Ctx,
    query: ListTimeExceptions,
) -> Result<Answer<Page<TimeException>>> {
    require_order(query.from, query.to)?;
    let narrowed_by = (
        query.effect,
        query.facility_id,
        query.provider_id,
        query.staff_id,
        query.asset_id,
        query.status,
        query.from,
        query.to,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.starts_at, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: AvailabilityId) -> Result<Answer<TimeException>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let found = store::find(&mut tx, id).await?;
    kept::told(tx, found).await
}

pub(super) async fn add(ctx: &Ctx, new: NewTimeException) -> Result<Answer<TimeException>> {
    let mut tx = ctx.begin(Permission::TimeOffRecord).await?;
    require_own(ctx, &mut tx, &new).await?;
    require(&mut tx, &new).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, now).await?;
    require_once(&mut tx, id, &new).await?;
    if new.effect == Effect::Extra && new.status == Standing::Active {
        let opened = Opened::at(new.facility_id, new.starts_at, new.ends_at);
        waitlist::time_opened(&mut tx, &opened, now).await?;
    }
    kept::added(tx, id, new, now).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: AvailabilityId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<TimeException>> {
    let mut tx = ctx.begin(Permission::TimeOffRecord).await?;
    let present = kept::there(store::lock(&mut tx, id).await?)?;
    require_own(ctx, &mut tx, &present.data).await?;
    let data = kept::patched(&present, if_match, patch)?;
    require_unmoved(&present.data, &data)?;
    let now = ctx.now();
    store::update(&mut tx, id, &data, now).await?;
    let explained = NewTimeException {
        kind: present.data.kind,
        reason: present.data.reason.clone(),
        ..data.clone()
    };
    if explained != present.data {
        require_once(&mut tx, id, &data).await?;
    }
    // Whether it was made shorter or longer: somewhere in between may be time for those who wait.
    let from = present.data.starts_at.min(data.starts_at);
    let until = present.data.ends_at.max(data.ends_at);
    waitlist::time_opened(&mut tx, &Opened::at(data.facility_id, from, until), now).await?;
    kept::changed(tx, present, data, now).await
}

/// That what it refers to is there.
async fn require(tx: &mut TenantTx, new: &NewTimeException) -> Result<()> {
    if let Some(facility) = new.facility_id {
        facilities::require_active_facility(tx, facility, "/facility_id").await?;
    }
    resource::require(tx, new.whose(), new.facility_id).await
}

/// Who says the same twice, by a double click, is told so.
async fn require_once(
    tx: &mut TenantTx,
    id: AvailabilityId,
    data: &NewTimeException,
) -> Result<()> {
    if store::stands_twice(tx, id, data).await? {
        let said = "The same time stands already: withdrawing one of two would change nothing.";
        return Err(Error::new(Code::AlreadyExists).detail(said));
    }
    Ok(())
}

fn require_unmoved(present: &NewTimeException, data: &NewTimeException) -> Result<()> {
    require_same([
        (present.effect == data.effect, "/effect"),
        (present.facility_id == data.facility_id, "/facility_id"),
        (present.provider_id == data.provider_id, "/provider_id"),
        (present.staff_id == data.staff_id, "/staff_id"),
        (present.asset_id == data.asset_id, "/asset_id"),
    ])
}

/// Who may not say when others work records the time off of the provider he is, and nothing else.
async fn require_own(ctx: &Ctx, tx: &mut TenantTx, data: &NewTimeException) -> Result<()> {
    if ctx.require(Permission::AvailabilityManage).is_ok() {
        return Ok(());
    }
    let own = staff::provider_of_user(tx, ctx.user()).await?;
    let own = own.is_some_and(|own| data.provider_id == Some(own.id));
    if own && data.effect == Effect::Off {
        Ok(())
    } else {
        Err(Error::new(Code::Forbidden))
    }
}

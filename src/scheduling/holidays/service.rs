//! What is done with scheduling holidays.

use chrono::{NaiveTime, TimeDelta};
use identity::facilities;
use kernel::ids::HolidayId;
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::model::{Holiday, ListHolidays, NewHoliday};
use super::store;
use crate::resource::{kept, require_same};
use crate::waitlist::{self, Opened};

pub(super) async fn list(ctx: &Ctx, query: ListHolidays) -> Result<Answer<Page<Holiday>>> {
    let narrowed_by = (
        query.facility_id,
        query.status,
        query.from_day,
        query.to_day,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.day, row.id))?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: HolidayId) -> Result<Answer<Holiday>> {
    let mut tx = ctx.begin(Permission::WorkingTimeRead).await?;
    let found = store::find(&mut tx, id).await?;
    kept::told(tx, found).await
}

pub(super) async fn add(ctx: &Ctx, new: NewHoliday) -> Result<Answer<Holiday>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    require(&mut tx, &new).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, now).await?;
    require_once(&mut tx, id, &new).await?;
    kept::added(tx, id, new, now).await
}

pub(super) async fn change(
    ctx: &Ctx,
    id: HolidayId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Holiday>> {
    let mut tx = ctx.begin(Permission::AvailabilityManage).await?;
    let present = kept::there(store::lock(&mut tx, id).await?)?;
    let data = kept::patched(&present, if_match, patch)?;
    require_unmoved(&present.data, &data)?;
    let now = ctx.now();
    store::update(&mut tx, id, &data, now).await?;
    let renamed = NewHoliday {
        name: present.data.name.clone(),
        ..data.clone()
    };
    if renamed != present.data {
        require_once(&mut tx, id, &data).await?;
    }
    // What was closed may be time for those who wait; a day more at both ends is enough for every zone.
    let day = present.data.day.and_time(NaiveTime::MIN).and_utc();
    let (from, until) = (day - TimeDelta::days(1), day + TimeDelta::days(2));
    waitlist::time_opened(&mut tx, &Opened::at(data.facility_id, from, until), now).await?;
    kept::changed(tx, present, data, now).await
}

/// That what it refers to is there.
async fn require(tx: &mut TenantTx, new: &NewHoliday) -> Result<()> {
    if let Some(facility) = new.facility_id {
        facilities::require_active_facility(tx, facility, "/facility_id").await?;
    }
    Ok(())
}

/// Who says the same twice, by a double click, is told so.
async fn require_once(tx: &mut TenantTx, id: HolidayId, data: &NewHoliday) -> Result<()> {
    if store::stands_twice(tx, id, data).await? {
        let said =
            "The same holiday stands already: withdrawing one of two would leave the day closed.";
        return Err(Error::new(Code::AlreadyExists).detail(said));
    }
    Ok(())
}

fn require_unmoved(present: &NewHoliday, data: &NewHoliday) -> Result<()> {
    require_same([(present.facility_id == data.facility_id, "/facility_id")])
}

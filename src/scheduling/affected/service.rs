//! Looking for affected appointments.

use std::collections::HashMap;

use chrono::TimeDelta;
use kernel::Result;
use kernel::ids::AppointmentId;
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::{Answer, Paging, require_order};

use super::model::{AffectedAppointment, AffectedAppointments, ListAffected};
use super::reckoning::{MOST, Scope, reckon};
use super::store;
use crate::appointments::{self, Appointment};
use crate::availability::parameter;
use crate::resource::Whose;

const DEFAULT_WINDOW: TimeDelta = TimeDelta::days(14);
const LONGEST_WINDOW: TimeDelta = TimeDelta::days(92);

pub(super) async fn list(ctx: &Ctx, query: ListAffected) -> Result<Answer<AffectedAppointments>> {
    let now = ctx.now();
    let scope = scope(ctx, &query)?;
    let narrowed_by = (
        query.facility_id,
        query.provider_id,
        query.staff_id,
        query.asset_id,
        query.from,
        query.to,
    );
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::ScheduleRead).await?;
    let standing = store::standing(&mut tx, &scope, now, MOST + 1).await?;
    let mut ids: Vec<AppointmentId> = standing.iter().map(|row| row.appointment_id).collect();
    ids.dedup();
    if ids.len() > MOST.unsigned_abs() as usize {
        let rule = "must leave at most 20000 appointments to look through; or narrow it down";
        return Err(parameter("?to", "too_many", rule));
    }
    let mut affected = reckon(&mut tx, &standing).await?;
    let ids: Vec<AppointmentId> = affected.iter().map(|(_, id, _)| *id).collect();
    let visible = store::visible(&mut tx, &ids).await?;
    let hidden = ids.len() - visible.len();
    affected
        .retain(|(at, id, _)| visible.contains(id) && after.is_none_or(|after| (*at, *id) > after));
    affected.truncate(usize::try_from(paging.fetch()).unwrap_or_default());
    let page = paging.page(affected, |(at, id, _)| (*at, *id))?;
    let ids: Vec<AppointmentId> = page.items.iter().map(|(_, id, _)| *id).collect();
    let shown = appointments::of_ids_in_tx(&mut tx, &ids).await?;
    let subjects = appointments::subjects(&shown);
    let role = ctx.principal().role;
    let shown = shown.into_iter().map(|one| (one.id, one.shown_to(role)));
    let mut shown: HashMap<AppointmentId, Appointment> = shown.collect();
    let items = page.items.into_iter().filter_map(|(_, id, reasons)| {
        let appointment = shown.remove(&id)?;
        Some(AffectedAppointment {
            appointment,
            reasons,
        })
    });
    let told = AffectedAppointments {
        items: items.collect(),
        next_cursor: page.next_cursor,
        hidden,
    };
    tx.finish(Disclosure::list("appointment", subjects, told))
        .await
}

fn scope(ctx: &Ctx, query: &ListAffected) -> Result<Scope> {
    let from = query.from.unwrap_or(ctx.now());
    require_order(Some(from), query.to)?;
    let whose = Whose {
        provider: query.provider_id,
        staff: query.staff_id,
        asset: query.asset_id,
    };
    if whose.count() > 1 {
        let rule = "must be left out with staff_id or asset_id: they are asked for one at a time";
        return Err(parameter("?provider_id", "too_many", rule));
    }
    let until = query.to.unwrap_or(from + DEFAULT_WINDOW);
    if until - from > LONGEST_WINDOW {
        let rule = "must lie at most 92 days after from";
        return Err(parameter("?to", "out_of_range", rule));
    }
    Ok(Scope {
        facility: query.facility_id,
        whose,
        from,
        until,
    })
}

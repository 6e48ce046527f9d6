//! When there is a free place instead.

use chrono::TimeDelta;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Permission};
use platform::db::{CallerTx, TenantTx};
use serde_json::json;
use uuid::Uuid;

use super::placement::{Manner, Placement, Refused};
use crate::availability::{self, Ask};
use crate::services::Service;

/// How many times are offered, how many are looked at for them (several may be free at one time), and how far ahead.
const OFFERED: usize = 3;
const LOOKED_AT: usize = 12;
const AHEAD: TimeDelta = TimeDelta::days(14);

/// For what another time is looked for.
pub(super) struct Instead<'a> {
    wish: &'a Placement,
    only_needed: Option<&'a [Uuid]>,
    /// What is moved, and when it is until then: its time counts as free, but to begin as before is no move.
    pub moved: Option<(AppointmentId, Instant)>,
}

impl<'a> Instead<'a> {
    /// What is told can be booked in the manner that was refused.
    pub fn of(wish: &'a Placement, manner: Manner<'a>) -> Self {
        Self {
            wish,
            only_needed: manner.only_needed,
            moved: None,
        }
    }
}

/// Ends the work of a refusal; adds to one for want of a free place when there is one. What was found out about the wish is not
/// asked again, nor a transaction begun, unless something was written that has to be undone first.
pub(super) async fn told(
    ctx: &Ctx,
    mut tx: CallerTx,
    wish: &Instead<'_>,
    refused: Refused,
) -> Error {
    let Refused {
        error,
        found,
        written,
    } = refused;
    let Some((service, zone)) = found.filter(|_| error.code() == Code::SlotTaken) else {
        return error;
    };
    let times = if written {
        drop(tx);
        anew(ctx, wish, &service, zone).await
    } else {
        after(&mut tx, wish, &service, zone, ctx.now()).await
    };
    match times {
        Ok(times) => error.with("next_free", json!(times)),
        // The place is taken all the same.
        Err(_) => error,
    }
}

async fn anew(ctx: &Ctx, wish: &Instead<'_>, service: &Service, zone: Tz) -> Result<Vec<Instant>> {
    let mut tx = ctx.look(Permission::AppointmentBook).await?;
    after(&mut tx, wish, service, zone, ctx.now()).await
}

/// The next starts after the one wished for: of the same service, with whom and what was named, when the patient is free.
async fn after(
    tx: &mut TenantTx,
    instead: &Instead<'_>,
    service: &Service,
    zone: Tz,
    now: Instant,
) -> Result<Vec<Instant>> {
    let wish = instead.wish;
    let assets: Vec<_> = wish
        .room
        .into_iter()
        .chain(wish.equipment.iter().copied())
        .collect();
    let ask = Ask {
        service,
        facility: wish.facility,
        zone,
        any_of: &[],
        all_of: &wish.providers,
        from: wish.starts_at + TimeDelta::minutes(1),
        to: wish.starts_at + AHEAD,
        preferred: None,
        patient: Some(wish.patient),
        staff: &wish.staff,
        assets: &assets,
        except: instead.moved.map(|moved| moved.0.0),
        only_needed: instead.only_needed,
    };
    let slots = availability::next_free(tx, &ask, LOOKED_AT, now).await?;
    let mut starts: Vec<Instant> = slots.iter().map(|slot| slot.starts_at).collect();
    starts.dedup();
    starts.retain(|at| instead.moved.is_none_or(|moved| moved.1 != *at));
    starts.truncate(OFFERED);
    Ok(starts)
}

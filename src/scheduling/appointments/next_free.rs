//! When there is a free place instead.

use chrono::TimeDelta;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, AssetId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Permission};
use platform::db::{CallerTx, TenantTx};
use serde_json::json;
use uuid::Uuid;

use super::placement::{Manner, Placement, Refused};
use super::{store_occupancy, store_places};
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
    /// Whether it has to be this room, and these devices, or others of the kinds the service needs will do.
    keeps: (bool, bool),
    /// What is moved, and when it is until then: its time counts as free, whoever is booked over it there; but to begin as before
    /// is no move.
    pub moved: Option<(AppointmentId, Instant)>,
}

impl<'a> Instead<'a> {
    /// What is told can be booked in the manner that was refused.
    pub fn of(wish: &'a Placement, manner: Manner<'a>) -> Self {
        Self {
            wish,
            only_needed: manner.only_needed,
            keeps: (manner.keeps_room, manner.keeps_equipment),
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
    let assets = must_be_free(tx, instead, service).await?;
    // Of a session it is one of several who hold the same.
    let own = match instead.moved {
        Some((id, _)) if service.data.capacity == 1 => store_occupancy::own_time(tx, id).await?,
        _ => None,
    };
    let ask = Ask {
        service,
        facility: wish.facility,
        zone,
        any_of: &[],
        all_of: &wish.providers,
        none_of: &[],
        from: wish.starts_at + TimeDelta::minutes(1),
        to: wish.starts_at + AHEAD,
        preferred: None,
        patient: Some(wish.patient),
        staff: &wish.staff,
        assets: &assets,
        except: instead.moved.map(|moved| moved.0.0),
        own: own.as_ref(),
        only_needed: instead.only_needed,
    };
    let slots = availability::next_free(tx, &ask, LOOKED_AT, now).await?;
    let mut starts: Vec<Instant> = slots.iter().map(|slot| slot.starts_at).collect();
    starts.dedup();
    starts.retain(|at| instead.moved.is_none_or(|moved| moved.1 != *at));
    starts.truncate(OFFERED);
    Ok(starts)
}

/// The room and the devices that no other can stand in for.
async fn must_be_free(
    tx: &mut TenantTx,
    instead: &Instead<'_>,
    service: &Service,
) -> Result<Vec<AssetId>> {
    let (wish, needs) = (instead.wish, &service.data);
    let keeps_room = instead.keeps.0 || needs.room_kind.is_none();
    let mut devices = wish.equipment.clone();
    if !instead.keeps.1 && !needs.equipment_kinds.is_empty() {
        let others = store_places::of_kinds(tx, &devices, &needs.equipment_kinds).await?;
        devices.retain(|id| !others.contains(id));
    }
    let room = wish.room.filter(|_| keeps_room);
    Ok(room.into_iter().chain(devices).collect())
}

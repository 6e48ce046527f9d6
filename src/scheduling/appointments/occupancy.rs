//! Taking time: everybody and everything a placement needs, or nothing.

use kernel::clock::Instant;
use kernel::ids::{AppointmentId, HoldId, mint};
use kernel::{Code, Error, FieldError, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::placement::{Placed, Placement, provider_field};
use super::store_occupancy::{self as store, Row};

/// For what time is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Claim {
    Appointment { id: AppointmentId },
    Hold { id: HoldId, expires_at: Instant },
}

/// Takes the time of everybody a placement needs. `over`: who and what is occupied then, and taken all the same.
///
/// # Errors
/// `slot_taken`; then the transaction has to go back, for part of it may be taken.
pub(crate) async fn take(
    tx: &mut TenantTx,
    placed: &Placed,
    claim: Claim,
    over: &[Uuid],
    now: Instant,
) -> Result<()> {
    let (from, to) = placed.occupied();
    let mut rows = rows(placed, claim, over, now);
    if placed.stale_holds {
        let resources: Vec<Uuid> = rows.iter().map(|row| row.resource).collect();
        store::release_expired(tx, &resources, (from, to), now).await?;
    }
    rows.sort_by_key(|row| row.resource);
    if let Some(session) = session(tx, placed, now).await? {
        if let Some(pointer) = session.elsewhere.filter(|_| over.is_empty()) {
            return Err(elsewhere(pointer));
        }
        let patient = placed.placement.patient.0;
        for row in rows.iter_mut().filter(|row| row.resource != patient) {
            row.party = session.party;
        }
    }
    let taken = if placed.is_group() && over.is_empty() {
        take_lane(tx, placed, rows.clone(), now).await?
    } else {
        store::insert(tx, &rows).await?
    };
    if taken.len() == rows.len() {
        return Ok(());
    }
    let missing = rows.iter().find(|row| !taken.contains(&row.id));
    let missing = missing.map(|row| row.resource);
    Err(slot_taken(&placed.placement, placed.is_group(), missing))
}

/// The session a placement would be one of.
struct Session {
    party: Uuid,
    /// It stands in another facility or room, so it can't be joined: the field that names this one.
    elsewhere: Option<&'static str>,
}

/// The session that stands, by the party it was begun with; or one that is begun now, which the constraints keep from any other
/// of its provider. None where there are no sessions.
async fn session(tx: &mut TenantTx, placed: &Placed, now: Instant) -> Result<Option<Session>> {
    let Some(own) = placed.session() else {
        return Ok(None);
    };
    let standing = store::sessions_of(tx, &own, now).await?;
    let here: Vec<_> = standing
        .iter()
        .filter(|it| it.facility == own.facility)
        .collect();
    let rooms: Vec<_> = here.iter().filter_map(|it| it.room).collect();
    let another = |room| !rooms.is_empty() && !rooms.contains(&room);
    let elsewhere = if here.is_empty() && !standing.is_empty() {
        Some("/facility_id")
    } else if placed.placement.room.is_some_and(another) {
        Some("/room_id")
    } else {
        None
    };
    Ok(Some(Session {
        party: here.first().map_or_else(|| own.party(), |it| it.party),
        elsewhere,
    }))
}

/// The field of a placement that names another facility or room than the session has that it would join.
pub(crate) async fn stands_elsewhere(
    tx: &mut TenantTx,
    placed: &Placed,
    now: Instant,
) -> Result<Option<&'static str>> {
    let session = session(tx, placed, now).await?;
    Ok(session.and_then(|session| session.elsewhere))
}

/// Those of its providers, staff and room that are occupied then, and so would be booked over. A session that has a place left
/// occupies nobody; one that has none, or that something else is in the way of, is booked over as a whole.
pub(crate) async fn booked_over(
    tx: &mut TenantTx,
    placed: &Placed,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let wish = &placed.placement;
    let lenient = wish.providers.iter().map(|id| id.0);
    let lenient = lenient.chain(wish.staff.iter().map(|id| id.0));
    let lenient: Vec<Uuid> = lenient.chain(wish.room.iter().map(|id| id.0)).collect();
    let (from, to) = placed.occupied();
    let Some(session) = session(tx, placed, now).await? else {
        return store::occupied(tx, &lenient, (from, to), placed.own.as_ref(), now).await;
    };
    if session.elsewhere.is_some() {
        return Ok(lenient);
    }
    let session = session.party;
    let capacity = placed.service.data.capacity;
    for resource in &lenient {
        let lanes = store::free_lanes(tx, (*resource, session), (from, to), capacity, now).await?;
        if lanes.is_empty() {
            return Ok(lenient);
        }
    }
    Ok(Vec::new())
}

/// What was seen to be occupied need not be tried. Of a group, the others of the session are no obstacle.
pub(crate) fn refuse_busy(placed: &Placed, overbook: bool) -> Result<()> {
    let patient = placed.placement.patient.0;
    let strict: Vec<Uuid> = if overbook {
        placed.placement.equipment.iter().map(|id| id.0).collect()
    } else if placed.is_group() {
        Vec::new()
    } else {
        placed.resources()
    };
    let taken = |id: &&Uuid| **id == patient || strict.contains(id);
    match placed.busy.iter().find(taken) {
        Some(id) => Err(slot_taken(&placed.placement, placed.is_group(), Some(*id))),
        None => Ok(()),
    }
}

/// As [`refuse_busy`], where no session could be joined: then whom a group needs is an obstacle, too.
pub(crate) fn refuse_named(placed: &Placed, overbook: bool) -> Result<()> {
    let named = placed.resources();
    match placed.busy.iter().find(|id| named.contains(id)) {
        Some(id) if !overbook => Err(slot_taken(&placed.placement, placed.is_group(), Some(*id))),
        _ => Ok(()),
    }
}

/// The rows of a placement. Devices and the patient can't be in two places, whatever the reason.
fn rows(placed: &Placed, claim: Claim, over: &[Uuid], now: Instant) -> Vec<Row> {
    let (from, to) = placed.occupied();
    let wish = &placed.placement;
    let (appointment_id, hold_id, expires_at, own) = match claim {
        Claim::Appointment { id } => (Some(id), None, None, id.0),
        Claim::Hold { id, expires_at } => (None, Some(id), Some(expires_at), id.0),
    };
    let plain = if hold_id.is_some() { "held" } else { "booked" };
    let blank = |resource: Uuid| Row {
        id: mint(),
        appointment_id,
        hold_id,
        patient_id: None,
        provider_id: None,
        staff_id: None,
        asset_id: None,
        resource,
        party: own,
        lane: 1,
        starts_at: from,
        ends_at: to,
        state: plain,
        expires_at,
        created_at: now,
    };
    let lenient = |resource: Uuid| Row {
        state: if over.contains(&resource) {
            "overbooked"
        } else {
            plain
        },
        ..blank(resource)
    };
    let providers = wish.providers.iter().map(|id| Row {
        provider_id: Some(*id),
        ..lenient(id.0)
    });
    let staff = wish.staff.iter().map(|id| Row {
        staff_id: Some(*id),
        ..lenient(id.0)
    });
    let room = wish.room.iter().map(|id| Row {
        asset_id: Some(*id),
        ..lenient(id.0)
    });
    let equipment = wish.equipment.iter().map(|id| Row {
        asset_id: Some(*id),
        ..blank(id.0)
    });
    let patient = Row {
        patient_id: Some(wish.patient),
        starts_at: wish.starts_at,
        ends_at: placed.ends_at,
        ..blank(wish.patient.0)
    };
    let resources = providers.chain(staff).chain(room).chain(equipment);
    resources.chain([patient]).collect()
}

/// Takes a place in a group session: the first free lane of whichever resource comes first, and then that lane of the others.
/// Returns what was taken.
async fn take_lane(
    tx: &mut TenantTx,
    placed: &Placed,
    mut rows: Vec<Row>,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let patient = placed.placement.patient.0;
    let first = rows.iter().position(|row| row.resource != patient);
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    let rest = rows.split_off(first);
    let mut taken = store::insert(tx, &rows).await?;
    let wanted = rows.len();
    if taken.len() < wanted {
        return Ok(taken);
    }
    let (arbiter, others) = rest.split_at(1);
    let (whose, times) = (
        (arbiter[0].resource, arbiter[0].party),
        (arbiter[0].starts_at, arbiter[0].ends_at),
    );
    let capacity = placed.service.data.capacity;
    // The constraints don't see who is booked over another.
    for row in others
        .iter()
        .filter(|row| placed.busy.contains(&row.resource))
    {
        let whose = (row.resource, row.party);
        let lanes = store::free_lanes(tx, whose, times, capacity, now).await?;
        if lanes.is_empty() {
            return Ok(taken);
        }
    }
    for lane in store::free_lanes(tx, whose, times, capacity, now).await? {
        let tried: Vec<Row> = arbiter
            .iter()
            .map(|row| row.in_lane(lane, patient))
            .collect();
        let place = store::insert(tx, &tried).await?;
        if place.is_empty() {
            continue;
        }
        taken.extend(place);
        let others: Vec<Row> = others
            .iter()
            .map(|row| row.in_lane(lane, patient))
            .collect();
        taken.extend(store::insert(tx, &others).await?);
        break;
    }
    Ok(taken)
}

/// That a session stands, and in another place than the one this field names.
pub(crate) fn elsewhere(pointer: &'static str) -> Error {
    let field = FieldError::new(pointer, "session_elsewhere", "must be where the session is");
    Error::new(Code::SlotTaken)
        .detail("The session takes place in another room or facility then.")
        .with_fields(vec![field])
}

/// The field says of what kind it is that is occupied.
pub(crate) fn slot_taken(wish: &Placement, is_group: bool, resource: Option<Uuid>) -> Error {
    let is = |one: Uuid| resource == Some(one);
    let provider = wish.providers.iter().find(|who| is(who.0));
    let (pointer, code, detail) = if is(wish.patient.0) {
        let has = "The patient has another appointment then.";
        ("/patient_id", "occupied", has)
    } else if wish.equipment.iter().any(|device| is(device.0)) {
        ("/equipment_ids", "occupied", "A device is occupied then.")
    } else if wish.staff.iter().any(|member| is(member.0)) {
        let member = "A member of the staff is occupied then.";
        ("/staff_ids", "occupied", member)
    } else if is_group {
        let full = "The session is full, or whom it needs is occupied then.";
        ("/starts_at", "session_full", full)
    } else if let Some(who) = provider {
        let field = provider_field(wish, *who);
        (field, "occupied", "The provider is occupied then.")
    } else if wish.room.is_some_and(|room| is(room.0)) {
        ("/room_id", "occupied", "The room is occupied then.")
    } else {
        ("/starts_at", "occupied", Code::SlotTaken.sentence())
    };
    let field = FieldError::new(pointer, code, "must be free then");
    Error::new(Code::SlotTaken)
        .detail(detail)
        .with_fields(vec![field])
}

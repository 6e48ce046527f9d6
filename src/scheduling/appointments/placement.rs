//! A wish worked out: what it names exists and may be booked, when it ends, whom it occupies from when to when.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, PatientId, ProviderId, ServiceId, StaffId};
use kernel::{Code, Error, FieldError, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::booking::{Booker, Details};
use super::{occupancy, store_places as store};
use crate::availability::{self, Obstacle, OwnTime, Promised, Wanted};
use crate::party;
use crate::services::{self, Service};
use crate::wall::zone;

/// Who is to come where and when, for what, and whom and what that needs.
#[derive(Clone, Debug)]
pub struct Placement {
    pub patient: PatientId,
    pub service: ServiceId,
    pub facility: FacilityId,
    /// The one who leads first.
    pub providers: Vec<ProviderId>,
    pub staff: Vec<StaffId>,
    pub room: Option<AssetId>,
    pub equipment: Vec<AssetId>,
    pub starts_at: Instant,
    /// Where it does not take what its service says.
    pub timing: Option<Timing>,
}

/// Minutes of a visit, and of what goes before and after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    pub duration: i32,
    pub prep: i32,
    pub cleanup: i32,
}

impl Timing {
    pub fn of_service(service: &Service) -> Self {
        let data = &service.data;
        Self {
            duration: data.duration_minutes,
            prep: data.prep_minutes,
            cleanup: data.cleanup_minutes,
        }
    }

    /// From here on the visit is one of a service that takes so long.
    pub(super) fn put_into(self, service: &mut Service) {
        service.data.duration_minutes = self.duration;
        service.data.prep_minutes = self.prep;
        service.data.cleanup_minutes = self.cleanup;
    }

    /// What a visit took, from when it began and ended and what was held for it.
    pub fn of_times(visit: (Instant, Instant), held: (Instant, Instant)) -> Self {
        let minutes = |from: Instant, to: Instant| {
            i32::try_from((to - from).num_minutes().max(0)).unwrap_or(i32::MAX)
        };
        Self {
            duration: minutes(visit.0, visit.1),
            prep: minutes(held.0, visit.0),
            cleanup: minutes(visit.1, held.1),
        }
    }
}

/// A placement whose references hold, with its times.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    pub placement: Placement,
    pub service: Service,
    pub time_zone: String,
    pub ends_at: Instant,
    /// What the wall clock of the place shows at the start.
    pub local_start: NaiveDateTime,
    /// Resources that are occupied then by somebody else, as far as could be seen.
    pub busy: Vec<Uuid>,
    /// Whether holds that have run out stand in the way.
    pub stale_holds: bool,
    /// What it holds until now, if it is one that is moved.
    pub own: Option<OwnTime>,
}

impl Placed {
    /// When provider, room and devices are occupied.
    pub fn occupied(&self) -> (Instant, Instant) {
        self.service.occupied(self.placement.starts_at)
    }

    pub fn leader(&self) -> Option<ProviderId> {
        self.placement.providers.first().copied()
    }

    pub fn is_group(&self) -> bool {
        self.service.data.capacity > 1
    }

    /// Everybody and everything but the patient.
    pub fn resources(&self) -> Vec<Uuid> {
        self.placement.resources()
    }

    /// Its providers' time, for those who book more with it.
    pub fn promised(&self) -> impl Iterator<Item = Promised> + '_ {
        let (from, until) = self.occupied();
        let providers = self.placement.providers.iter();
        providers.map(move |provider| Promised {
            provider: *provider,
            from,
            until,
        })
    }

    /// Of a group, the session it is one of.
    pub fn session(&self) -> Option<party::Session> {
        let lead = self.resources().first().copied()?;
        let wish = &self.placement;
        let session = party::Session {
            service: wish.service,
            start: wish.starts_at,
            lead,
            facility: wish.facility,
            room: wish.room.filter(|_| self.service.data.room_kind.is_some()),
        };
        self.is_group().then_some(session)
    }
}

impl Placement {
    /// Everybody and everything but the patient, the one who leads first.
    pub(crate) fn resources(&self) -> Vec<Uuid> {
        let providers = self.providers.iter().map(|id| id.0);
        let staff = self.staff.iter().map(|id| id.0);
        let room = self.room.iter().map(|id| id.0);
        let equipment = self.equipment.iter().map(|id| id.0);
        providers
            .chain(room)
            .chain(equipment)
            .chain(staff)
            .collect()
    }
}

/// Whether a service needs somebody or something that was not named.
fn lacks_something(wish: &Placement, service: &Service) -> bool {
    let needs = &service.data;
    (needs.needs_provider && wish.providers.is_empty())
        || (needs.room_kind.is_some() && wish.room.is_none())
        || needs.equipment_kinds.len() > wish.equipment.len()
}

/// How a placement is to be booked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner<'a> {
    /// A service that patients do not book themselves does not exist for them.
    pub only_self_booking: bool,
    /// Of a patient who books himself: he takes the time of nobody and nothing the service does not need, but for these, which
    /// were agreed on with him.
    pub only_needed: Option<&'a [Uuid]>,
    /// Provider, staff and room may be occupied.
    pub overbook: bool,
    /// Whether it has to be this room, or another of the kind the service needs will do if this one is taken.
    pub keeps_room: bool,
    /// The same of devices.
    pub keeps_equipment: bool,
    /// What is booked together with it.
    pub promised: &'a [Promised],
    /// What it holds until now, if it is one that is moved.
    pub own: Option<&'a OwnTime>,
}

/// A placement that can't be booked.
#[derive(Debug)]
pub(crate) struct Refused {
    pub error: Error,
    /// Of a place that is taken: what was found out about the wish, which need not be asked again to find another time.
    pub found: Option<(Service, Tz)>,
    /// Whether something was written by then, and the transaction has to go back before anything else is asked.
    pub written: bool,
}

impl Refused {
    /// Whether somebody was faster in taking what was chosen, and another may be chosen.
    pub fn may_choose_again(&self, wish: &Placement) -> bool {
        let chosen = |(service, _): &(Service, Tz)| lacks_something(wish, service);
        let taken = self.written && self.error.code() == Code::SlotTaken;
        taken && self.found.as_ref().is_some_and(chosen)
    }
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self {
            error,
            found: None,
            written: true,
        }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        refused.error
    }
}

/// The service of a placement, as long as it takes there.
async fn service_of(
    tx: &mut TenantTx,
    placement: &Placement,
    manner: Manner<'_>,
) -> Result<Service, Refused> {
    let mut service = services::require_active(tx, placement.service, "/service_id").await?;
    if let Some(timing) = placement.timing {
        timing.put_into(&mut service);
    }
    if manner.only_self_booking && !service.data.self_booking {
        return Err(no_such_service().into());
    }
    Ok(service)
}

/// Works a placement out. The patient is the caller's to check.
///
/// What costs least is looked at first: a place that was seen to be taken is refused before anybody's hours are read.
pub(crate) async fn work_out(
    tx: &mut TenantTx,
    mut placement: Placement,
    manner: Manner<'_>,
    now: Instant,
) -> Result<Placed, Refused> {
    if placement.starts_at < now {
        let rule = "must not lie in the past";
        return Err(Error::field("/starts_at", "in_the_past", rule).into());
    }
    let service = service_of(tx, &placement, manner).await?;
    let known = manner.only_needed.unwrap_or_default();
    // Of a session it is one of several who hold the same.
    let own = manner.own.filter(|_| service.data.capacity == 1);
    let facts = store::facts(tx, &placement, &service, (known, own), now).await?;
    let gone = match &facts {
        Some(facts) => give_up_gone(tx, &mut placement, (&service, facts), manner).await?,
        None => false,
    };
    let himself = manner.only_needed.is_some();
    let broken = broken_references(&placement, (known, himself), facts.as_ref());
    let Some(facts) = facts.filter(|_| broken.is_empty()) else {
        return Err(Error::invalid(broken).into());
    };
    let wall = zone(&facts.time_zone);
    let kinds = &mut service.data.equipment_kinds.iter();
    let lacks_device = kinds.any(|kind| !facts.equipment_kinds.contains(kind));
    let placed = Placed {
        ends_at: placement.starts_at + service.duration(),
        local_start: placement.starts_at.with_timezone(&wall).naive_local(),
        time_zone: facts.time_zone,
        busy: facts.busy,
        stale_holds: facts.stale_holds,
        own: own.cloned(),
        placement,
        service,
    };
    if let Some(agreed) = manner.only_needed {
        availability::require_needed(tx, &wanted(&placed, wall, manner), agreed).await?;
    }
    if let Some(obstacle) = availability::check_start(&wanted(&placed, wall, manner), now) {
        return Err(Error::from(obstacle).into());
    }
    take_place(tx, (placed, gone || lacks_device), wall, manner, now).await
}

/// Finds a place for what can be booked at that time, and chooses what is left open, or in the stead of what is not there
/// any more, if something is known to be `missing`: a device that was named need not be one the service needs.
async fn take_place(
    tx: &mut TenantTx,
    (mut placed, missing): (Placed, bool),
    wall: Tz,
    manner: Manner<'_>,
    now: Instant,
) -> Result<Placed, Refused> {
    let anybody = placed.service.data.needs_provider && placed.placement.providers.is_empty();
    let given_up = give_up_taken(tx, &mut placed, manner).await? || missing;
    let elsewhere = occupancy::stands_elsewhere(tx, &placed, now).await?;
    let joins = joins_in_its_room(&placed, elsewhere, manner);
    if joins {
        placed.placement.room = None;
    }
    let given_up = given_up || joins;
    let elsewhere = elsewhere.filter(|_| !joins && !manner.overbook);
    let refused = match elsewhere {
        Some(pointer) => Err(occupancy::elsewhere(pointer)),
        None => occupancy::refuse_busy(&placed, manner.overbook),
    };
    let taken = match refused {
        Err(error) => Some(error),
        Ok(()) if given_up || lacks_something(&placed.placement, &placed.service) => {
            choose(tx, &mut placed, wall, manner, now).await?
        }
        Ok(()) => None,
    };
    if let Some(error) = taken {
        return Err(no_place(error, placed, wall));
    }
    let mut found = availability::check(tx, &wanted(&placed, wall, manner), now).await?;
    if let Some(obstacle) = found
        && give_up_closed(tx, &mut placed, (obstacle, wall), manner).await?
    {
        if let Some(error) = choose(tx, &mut placed, wall, manner, now).await? {
            return Err(no_place(error, placed, wall));
        }
        found = availability::check(tx, &wanted(&placed, wall, manner), now).await?;
    }
    match found {
        None => Ok(placed),
        // Who was chosen could do it a moment ago: another may be chosen.
        Some(obstacle) if anybody && obstacle.pointer == "/provider_id" => Err(Refused {
            written: true,
            ..no_place(nobody_free(), placed, wall)
        }),
        Some(obstacle) => Err(Error::from(obstacle).into()),
    }
}

/// Whether what need not keep its room goes where the session is.
fn joins_in_its_room(placed: &Placed, elsewhere: Option<&str>, manner: Manner<'_>) -> bool {
    let free_to = !manner.keeps_room && placed.service.data.room_kind.is_some();
    free_to && elsewhere == Some("/room_id")
}

fn no_place(error: Error, placed: Placed, wall: Tz) -> Refused {
    Refused {
        error,
        found: Some((placed.service, wall)),
        written: false,
    }
}

/// That everybody and everything of a placement that was looked at before is still there, works then and is open.
///
/// # Errors
/// `outside_availability`.
pub(super) async fn require_still_there(tx: &mut TenantTx, placed: &Placed) -> Result<()> {
    let manner = Booker::SYSTEM.manner(&Details::default());
    let wanted = wanted(placed, zone(&placed.time_zone), manner);
    match availability::check_hours(tx, &wanted).await? {
        None => Ok(()),
        Some(obstacle) => Err(obstacle.into()),
    }
}

fn wanted<'a>(placed: &'a Placed, zone: Tz, manner: Manner<'a>) -> Wanted<'a> {
    Wanted {
        service: &placed.service,
        facility: placed.placement.facility,
        zone,
        providers: &placed.placement.providers,
        staff: &placed.placement.staff,
        room: placed.placement.room,
        equipment: &placed.placement.equipment,
        starts_at: placed.placement.starts_at,
        except: None,
        promised: manner.promised,
        own: placed.own.as_ref(),
        himself: manner.only_needed.is_some(),
    }
}

/// Leaves out what is not there any more and need not be this very room or device, so that another is chosen. Answers
/// whether there was any.
async fn give_up_gone(
    tx: &mut TenantTx,
    placement: &mut Placement,
    (service, facts): (&Service, &store::Facts),
    manner: Manner<'_>,
) -> Result<bool> {
    let needs = &service.data;
    let before = (placement.room, placement.equipment.len());
    if !manner.keeps_room && needs.room_kind.is_some() && !facts.room_found {
        placement.room = None;
    }
    let complete = usize::try_from(facts.equipment) == Ok(placement.equipment.len());
    if !manner.keeps_equipment && !complete {
        let (facility, kinds) = (placement.facility, &needs.equipment_kinds);
        let there = store::active_devices(tx, facility, &placement.equipment).await?;
        let given_up = store::of_kinds(tx, &placement.equipment, kinds).await?;
        let devices = &mut placement.equipment;
        devices.retain(|id| there.contains(id) || !given_up.contains(id));
    }
    Ok((placement.room, placement.equipment.len()) != before)
}

/// The same of what is closed then, where that is the `obstacle`. Answers whether there was any.
async fn give_up_closed(
    tx: &mut TenantTx,
    placed: &mut Placed,
    (obstacle, wall): (Obstacle, Tz),
    manner: Manner<'_>,
) -> Result<bool> {
    let keeps_all = manner.keeps_room && manner.keeps_equipment;
    if keeps_all || obstacle.code != availability::CLOSED {
        return Ok(false);
    }
    let closed = availability::closed(tx, &wanted(placed, wall, manner)).await?;
    let (wish, needs) = (&mut placed.placement, &placed.service.data);
    // Where one that is to stay is closed, no other helps.
    let room_stays = manner.keeps_room && wish.room.is_some_and(|id| closed.contains(&id));
    let mut kept = wish.equipment.iter().filter(|_| manner.keeps_equipment);
    if room_stays || kept.any(|id| closed.contains(id)) {
        return Ok(false);
    }
    let before = (wish.room, wish.equipment.len());
    if !manner.keeps_room && needs.room_kind.is_some() {
        wish.room = wish.room.filter(|room| !closed.contains(room));
    }
    if !manner.keeps_equipment {
        let given_up = store::of_kinds(tx, &closed, &needs.equipment_kinds).await?;
        wish.equipment.retain(|id| !given_up.contains(id));
    }
    Ok((wish.room, wish.equipment.len()) != before)
}

/// The same of what is taken.
async fn give_up_taken(tx: &mut TenantTx, placed: &mut Placed, manner: Manner<'_>) -> Result<bool> {
    let (wish, busy, needs) = (&mut placed.placement, &placed.busy, &placed.service.data);
    let before = (wish.room, wish.equipment.len());
    if !manner.keeps_room && needs.room_kind.is_some() {
        wish.room = wish.room.filter(|room| !busy.contains(&room.0));
    }
    let devices = wish.equipment.iter().copied();
    let taken: Vec<AssetId> = devices.filter(|id| busy.contains(&id.0)).collect();
    if !manner.keeps_equipment && !taken.is_empty() {
        let given_up = store::of_kinds(tx, &taken, &needs.equipment_kinds).await?;
        wish.equipment.retain(|id| !given_up.contains(id));
    }
    Ok((wish.room, wish.equipment.len()) != before)
}

/// Fills in what the service needs and nobody named. Returns why that can't be done, if it can't.
async fn choose(
    tx: &mut TenantTx,
    placed: &mut Placed,
    zone: Tz,
    manner: Manner<'_>,
    now: Instant,
) -> Result<Option<Error>> {
    let wish = wanted(placed, zone, manner);
    let chosen = availability::choose(tx, &wish, manner.overbook, now).await?;
    let Some(chosen) = chosen else {
        return Ok(Some(why_nobody(tx, placed, zone, manner, now).await?));
    };
    let wish = &mut placed.placement;
    wish.providers = chosen.providers;
    wish.room = chosen.room.or(wish.room);
    for device in chosen.equipment {
        if !wish.equipment.contains(&device) {
            wish.equipment.push(device);
        }
    }
    // A hold that has run out was no obstacle to the choice.
    placed.stale_holds = true;
    Ok(None)
}

/// Why nothing could be chosen: who or what is named says so first, if it stands in the way.
async fn why_nobody(
    tx: &mut TenantTx,
    placed: &Placed,
    zone: Tz,
    manner: Manner<'_>,
    now: Instant,
) -> Result<Error> {
    if placed.resources().is_empty() {
        return Ok(nobody_free());
    }
    // What takes the time of whoever is named was refused before, but for a session's.
    if let Err(taken) = occupancy::refuse_named(placed, manner.overbook) {
        return Ok(taken);
    }
    let found = availability::check_named(tx, &wanted(placed, zone, manner), now).await?;
    Ok(found.map_or_else(nobody_free, Error::from))
}

fn nobody_free() -> Error {
    let nobody = "Nobody who, or nothing that could be chosen is free then.";
    let rule = "must be a time at which one of each that is needed is free";
    Error::new(Code::SlotTaken)
        .detail(nobody)
        .with_fields(vec![FieldError::new("/starts_at", "nobody_free", rule)])
}

fn no_such_service() -> Error {
    Error::field(
        "/service_id",
        "no_such_service",
        "must name an active service",
    )
}

fn broken_references(
    placement: &Placement,
    (known, himself): (&[Uuid], bool),
    facts: Option<&store::Facts>,
) -> Vec<FieldError> {
    let Some(facts) = facts.filter(|facts| facts.active) else {
        let rule = "must name an active facility";
        return vec![FieldError::new("/facility_id", "no_such_facility", rule)];
    };
    let mut broken = Vec::new();
    let mut require = |holds: bool, pointer: &str, code: &'static str, rule: &'static str| {
        if !holds {
            broken.push(FieldError::new(pointer, code, rule));
        }
    };
    let count = |length: usize| i64::try_from(length).unwrap_or(i64::MAX);
    let providers = count(placement.providers.len());
    let staff = placement.staff.iter().filter(|id| !known.contains(&id.0));
    let several = providers > 1 && facts.leader_found;
    require(
        facts.providers == providers,
        if several {
            "/other_provider_ids"
        } else {
            "/provider_id"
        },
        "no_such_provider",
        "must name active providers",
    );
    let mut closed = placement.providers.iter();
    if let Some(who) = closed.find(|who| himself && facts.closed.contains(&who.0)) {
        let rule = "must accept new patients: ask the office, or name another";
        require(
            false,
            provider_field(placement, *who),
            "not_accepting",
            rule,
        );
    }
    require(
        facts.staff == count(staff.count()),
        "/staff_ids",
        "no_such_staff",
        "must name active members of the staff",
    );
    require(
        placement.room.is_none() || facts.room_found,
        "/room_id",
        "no_such_room",
        "must name an active room of the facility, of the kind the service needs",
    );
    require(
        facts.equipment == count(placement.equipment.len()),
        "/equipment_ids",
        "no_such_equipment",
        "must name active equipment of the facility",
    );
    broken
}

/// The field that names a provider.
pub(super) fn provider_field(placement: &Placement, who: ProviderId) -> &'static str {
    if placement.providers.first() == Some(&who) {
        "/provider_id"
    } else {
        "/other_provider_ids"
    }
}

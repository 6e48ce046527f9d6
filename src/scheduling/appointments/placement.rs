//! A wish worked out: what it names exists and may be booked, when it ends, whom it occupies from when to when.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use clinical::encounters::zone;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, PatientId, ProviderId, ServiceId, StaffId};
use kernel::{Code, Error, FieldError, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::store_places as store;
use crate::availability::{self, Wanted};
use crate::party;
use crate::services::{self, Service};

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
}

impl Placed {
    /// When provider, room and devices are occupied.
    pub fn occupied(&self) -> (Instant, Instant) {
        self.service.occupied(self.placement.starts_at)
    }

    pub fn leader(&self) -> Option<ProviderId> {
        self.placement.providers.first().copied()
    }

    /// Whether the service needs somebody or something that was not named.
    fn lacks_something(&self) -> bool {
        let (wish, needs) = (&self.placement, &self.service.data);
        (needs.needs_provider && wish.providers.is_empty())
            || (needs.room_kind.is_some() && wish.room.is_none())
            || needs.equipment_kinds.len() > wish.equipment.len()
    }

    pub fn is_group(&self) -> bool {
        self.service.data.capacity > 1
    }

    /// Everybody and everything but the patient.
    pub fn resources(&self) -> Vec<Uuid> {
        self.placement.resources()
    }

    /// What the appointments of one group session have in common.
    pub fn session(&self) -> Option<Uuid> {
        let lead = self.resources().first().copied()?;
        let wish = &self.placement;
        Some(party::of_session(wish.service, wish.starts_at, lead))
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

/// Works a placement out. The patient is the caller's to check.
///
/// `only_self_booking`: a service that patients do not book themselves does not exist for them.
pub(crate) async fn work_out(
    tx: &mut TenantTx,
    placement: Placement,
    only_self_booking: bool,
    now: Instant,
) -> Result<Placed> {
    if placement.starts_at < now {
        let rule = "must not lie in the past";
        return Err(Error::field("/starts_at", "in_the_past", rule));
    }
    let mut service = services::require_active(tx, placement.service, "/service_id").await?;
    if let Some(timing) = placement.timing {
        // From here on the visit is one of a service that takes so long.
        service.data.duration_minutes = timing.duration;
        service.data.prep_minutes = timing.prep;
        service.data.cleanup_minutes = timing.cleanup;
    }
    if only_self_booking && !service.data.self_booking {
        return Err(no_such_service());
    }
    let facts = store::facts(tx, &placement, &service, now).await?;
    let broken = broken_references(&placement, facts.as_ref());
    let Some(facts) = facts.filter(|_| broken.is_empty()) else {
        return Err(Error::invalid(broken));
    };
    let wall = zone(&facts.time_zone).unwrap_or(Tz::UTC);
    let mut placed = Placed {
        ends_at: placement.starts_at + service.duration(),
        local_start: placement.starts_at.with_timezone(&wall).naive_local(),
        time_zone: facts.time_zone,
        busy: facts.busy,
        stale_holds: facts.stale_holds,
        placement,
        service,
    };
    if placed.lacks_something() {
        choose(tx, &mut placed, wall, now).await?;
    }
    match availability::check(tx, &wanted(&placed, wall), now).await? {
        None => Ok(placed),
        Some(obstacle) => Err(obstacle.into()),
    }
}

fn wanted(placed: &Placed, zone: Tz) -> Wanted<'_> {
    Wanted {
        service: &placed.service,
        facility: placed.placement.facility,
        zone,
        providers: &placed.placement.providers,
        room: placed.placement.room,
        equipment: &placed.placement.equipment,
        starts_at: placed.placement.starts_at,
        except: None,
    }
}

/// Fills in what the service needs and nobody named.
async fn choose(tx: &mut TenantTx, placed: &mut Placed, zone: Tz, now: Instant) -> Result<()> {
    let chosen = availability::choose(tx, &wanted(placed, zone), now).await?;
    let Some(chosen) = chosen else {
        // The time itself may be what is wrong.
        let obstacle = availability::check(tx, &wanted(placed, zone), now).await?;
        return Err(match obstacle {
            Some(obstacle) if obstacle.pointer == "/starts_at" => obstacle.into(),
            _ => Error::new(Code::SlotTaken)
                .detail("Nobody who, or nothing that could be chosen is free then."),
        });
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
    Ok(())
}

fn no_such_service() -> Error {
    Error::field(
        "/service_id",
        "no_such_service",
        "must name an active service",
    )
}

fn broken_references(placement: &Placement, facts: Option<&store::Facts>) -> Vec<FieldError> {
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
    require(
        facts.staff == count(placement.staff.len()),
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

//! A wish worked out: what it names exists and may be booked, when it ends, whom it occupies from when to when.

use chrono::NaiveDateTime;
use chrono_tz::Tz;
use clinical::encounters::zone;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, PatientId, ProviderId, ServiceId, StaffId};
use kernel::{Error, FieldError, Result};
use platform::db::TenantTx;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::store_places as store;
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

    pub fn is_group(&self) -> bool {
        self.service.data.capacity > 1
    }

    /// Everybody and everything but the patient.
    pub fn resources(&self) -> Vec<Uuid> {
        self.placement.resources()
    }

    /// What the appointments of one group session have in common: service, start, and who leads or where it is.
    pub fn session(&self) -> Option<Uuid> {
        let lead = self.resources().first().copied()?;
        let mut hash = Sha256::new();
        hash.update(self.placement.service.0.as_bytes());
        hash.update(self.placement.starts_at.timestamp().to_be_bytes());
        hash.update(lead.as_bytes());
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        Some(uuid::Builder::from_custom_bytes(bytes).into_uuid())
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
    let service = services::require_active(tx, placement.service, "/service_id").await?;
    if only_self_booking && !service.data.self_booking {
        return Err(no_such_service());
    }
    let facts = store::facts(tx, &placement, &service, now).await?;
    let broken = broken_references(&placement, &service, facts.as_ref());
    let Some(facts) = facts.filter(|_| broken.is_empty()) else {
        return Err(Error::invalid(broken));
    };
    let wall = zone(&facts.time_zone).unwrap_or(Tz::UTC);
    Ok(Placed {
        ends_at: placement.starts_at + service.duration(),
        local_start: placement.starts_at.with_timezone(&wall).naive_local(),
        time_zone: facts.time_zone,
        busy: facts.busy,
        stale_holds: facts.stale_holds,
        placement,
        service,
    })
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
    service: &Service,
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
    let nobody = service.data.needs_provider && placement.providers.is_empty();
    require(
        !nobody,
        "/provider_id",
        "required",
        "must be given: nobody who could be chosen is free then",
    );
    require(
        nobody || !placement.resources().is_empty(),
        "/room_id",
        "required",
        "must be given: nothing that could be chosen is free then",
    );
    broken
}

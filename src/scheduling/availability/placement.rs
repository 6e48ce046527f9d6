//! Whether one placement keeps the rules. Whether anybody is occupied then, is for the constraints to say.

use chrono::TimeDelta;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ProviderId, StaffId};
use kernel::{Code, Error, FieldError};
use uuid::Uuid;

use super::limits::Broken;
use super::load::Situation;
use super::search::{Busy, Wish};
use super::starts::broken_limit;
use super::store::{Person, Place};
use crate::assets::AssetKind;
use crate::ranges::{Ranges, Span};
use crate::services::Service;
use crate::wall;

/// A placement that is to be booked.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    pub service: &'a Service,
    pub facility: FacilityId,
    /// The facility's.
    pub zone: Tz,
    /// The one who leads first.
    pub providers: &'a [ProviderId],
    pub staff: &'a [StaffId],
    pub room: Option<AssetId>,
    pub equipment: &'a [AssetId],
    pub starts_at: Instant,
    /// An appointment or a hold that gives way: its time counts as free.
    pub except: Option<Uuid>,
    /// What is booked together with it.
    pub promised: &'a [Promised],
    /// What it holds until now, if it is one that is moved.
    pub own: Option<&'a OwnTime>,
    /// Whether somebody books himself: who accepts no patients is not chosen for him.
    pub himself: bool,
}

/// Time that an appointment holds as its own. Where it goes next, that is free for it: whoever else is there then is booked over
/// it, and stays so.
#[derive(Clone, Debug)]
pub struct OwnTime {
    pub resources: Vec<Uuid>,
    pub from: Instant,
    pub until: Instant,
}

impl OwnTime {
    /// Leaves what is taken but for what it holds itself; answers what was taken there.
    pub(super) fn free(&self, busy: &mut Busy) -> Busy {
        let own = Ranges::one(Span::new(self.from, self.until));
        let mut there = Busy::new();
        for resource in &self.resources {
            if let Some(taken) = busy.get_mut(resource) {
                there.insert(*resource, taken.intersect(&own));
                *taken = taken.subtract(&own);
            }
        }
        there
    }
}

/// Time of a provider that was looked at, and will be booked in the same transaction: limits count it already.
#[derive(Clone, Copy, Debug)]
pub struct Promised {
    pub provider: ProviderId,
    pub from: Instant,
    pub until: Instant,
}

/// Who and what is free for a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub providers: Vec<ProviderId>,
    pub room: Option<AssetId>,
    pub equipment: Vec<AssetId>,
}

/// The rule a placement breaks, and the field of an appointment that breaks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obstacle {
    pub pointer: &'static str,
    pub code: &'static str,
    pub rule: &'static str,
}

/// The code of a room or device that can't be used then.
pub(crate) const CLOSED: &str = "closed";

const fn obstacle(pointer: &'static str, code: &'static str, rule: &'static str) -> Obstacle {
    Obstacle {
        pointer,
        code,
        rule,
    }
}

impl From<Obstacle> for Error {
    fn from(found: Obstacle) -> Self {
        let field = FieldError::new(found.pointer, found.code, found.rule);
        Error::new(Code::OutsideAvailability).with_fields(vec![field])
    }
}

/// What of the service's own rules the start breaks.
pub(super) fn of_the_service(
    wanted: &Wanted<'_>,
    emergency: bool,
    now: Instant,
) -> Option<Obstacle> {
    let (start, rules) = (wanted.starts_at, &wanted.service.data);
    if start < now {
        return Some(obstacle(
            "/starts_at",
            "in_the_past",
            "must not lie in the past",
        ));
    }
    if start > now + TimeDelta::days(i64::from(rules.ahead_days)) {
        return Some(obstacle(
            "/starts_at",
            "too_far_ahead",
            "must not lie further ahead than the service is booked",
        ));
    }
    if emergency {
        return None;
    }
    if start < now + TimeDelta::minutes(i64::from(rules.lead_minutes)) {
        return Some(obstacle(
            "/starts_at",
            "too_soon",
            "must not lie sooner than the service can be booked",
        ));
    }
    let align = rules.align_minutes.unsigned_abs();
    (!wall::is_aligned(wanted.zone, start, align)).then_some(obstacle(
        "/starts_at",
        "not_aligned",
        "must begin at a multiple of the service's minutes past midnight",
    ))
}

/// What of skills and kinds is missing.
pub(super) fn of_the_needs(wanted: &Wanted<'_>, situation: &Situation) -> Option<Obstacle> {
    let needs = &wanted.service.data;
    let (people, places) = (&situation.people, &situation.places);
    if needs.needs_provider && wanted.providers.is_empty() {
        return Some(obstacle("/provider_id", "missing", "must be named"));
    }
    let there = |id: &ProviderId| people.iter().any(|person| person.id == *id);
    if !wanted.providers.iter().all(there) {
        return Some(obstacle(
            "/provider_id",
            "no_such_provider",
            "must name active providers",
        ));
    }
    if let Some(found) = of_the_skills(wanted, situation) {
        return Some(found);
    }
    let kind_of = |id: &AssetId, kind: AssetKind| {
        let mut found = places
            .iter()
            .filter(|place| place.id == *id && place.kind == kind);
        found.next().map(|place| place.asset_kind.as_str())
    };
    if needs.room_kind.is_some() || wanted.room.is_some() {
        let kind = wanted
            .room
            .as_ref()
            .and_then(|room| kind_of(room, AssetKind::Room));
        let fits =
            kind.is_some() && (needs.room_kind.is_none() || kind == needs.room_kind.as_deref());
        if !fits {
            return Some(obstacle(
                "/room_id",
                "wrong_kind",
                "must name an active room of the facility, of the kind the service needs",
            ));
        }
    }
    let devices: Option<Vec<&str>> = wanted
        .equipment
        .iter()
        .map(|id| kind_of(id, AssetKind::Equipment))
        .collect();
    let complete = devices.is_some_and(|devices| {
        needs
            .equipment_kinds
            .iter()
            .all(|kind| devices.contains(&kind.as_str()))
    });
    (!complete).then_some(obstacle(
        "/equipment_ids",
        "wrong_kind",
        "must name active devices of the facility, one of each kind the service needs",
    ))
}

/// Whether the providers have the service's skills, one this, one that.
pub(super) fn of_the_skills(wanted: &Wanted<'_>, situation: &Situation) -> Option<Obstacle> {
    let people = &situation.people;
    let held = |skill: &String| people.iter().any(|person| person.skills.contains(skill));
    let rule = "must have the skills the service needs";
    let lacks = obstacle("/provider_id", "lacks_skill", rule);
    (!wanted.service.data.skills.iter().all(held)).then_some(lacks)
}

/// Those of a team, beside the one who leads, who are there for nothing: each of the service's skills they have, another has, too.
pub(super) fn needless(
    service: &Service,
    people: &[Person],
    team: &[ProviderId],
) -> Vec<ProviderId> {
    let has = |who: ProviderId, skill: &String| {
        let mut people = people.iter();
        people.any(|person| person.id == who && person.skills.contains(skill))
    };
    let needed = |who: ProviderId| {
        let mut skills = service.data.skills.iter();
        skills.any(|skill| {
            let mut others = team.iter().filter(|other| **other != who);
            has(who, skill) && !others.any(|other| has(*other, skill))
        })
    };
    let others = team.iter().skip(1).copied();
    others.filter(|who| !needed(*who)).collect()
}

/// The device of these that the service does not need: of another kind, or one of a kind too many. Those that are `agreed` on may
/// be there.
pub(super) fn needless_device(
    service: &Service,
    places: &[Place],
    devices: &[AssetId],
    agreed: &[Uuid],
) -> Option<AssetId> {
    let mut kinds = service.data.equipment_kinds.clone();
    let (old, new): (Vec<AssetId>, Vec<AssetId>) =
        devices.iter().partition(|id| agreed.contains(&id.0));
    let mut used = |id: &AssetId| {
        let place = places.iter().find(|place| place.id == *id)?;
        let kind = kinds.iter().position(|kind| *kind == place.asset_kind)?;
        Some(kinds.swap_remove(kind))
    };
    for id in &old {
        used(id);
    }
    new.into_iter().find(|id| used(id).is_none())
}

/// Whether everybody works then and everything is open.
pub(super) fn of_the_hours(
    wanted: &Wanted<'_>,
    situation: &Situation,
    wish: &Wish,
) -> Option<Obstacle> {
    let needed = needed(wanted, wish);
    let calendar = &situation.calendar;
    let providers = wanted.providers.iter().map(|id| ("/provider_id", id.0));
    let staff = wanted.staff.iter().map(|id| ("/staff_ids", id.0));
    let away = providers.chain(staff).find_map(|(pointer, who)| {
        if calendar.available(who, wish.emergency).holds(needed) {
            return None;
        }
        let off = calendar.off(who).intersect(&Ranges::one(needed));
        let (code, rule) = if calendar.by_rule(who).holds(needed) && off.is_empty() {
            ("holiday", "has a holiday then")
        } else if off.is_empty() {
            ("not_working", "does not work then, at this facility")
        } else {
            ("time_off", "has time off then")
        };
        Some(obstacle(pointer, code, rule))
    });
    if away.is_some() {
        return away;
    }
    let open = is_open_for(wanted, situation, wish);
    if !wanted.room.iter().all(&open) {
        return Some(obstacle("/room_id", CLOSED, "can't be used then"));
    }
    (!wanted.equipment.iter().all(&open)).then_some(obstacle(
        "/equipment_ids",
        CLOSED,
        "can't be used then",
    ))
}

/// Whether a room or device can be used as long as a placement needs it.
pub(super) fn is_open_for(
    wanted: &Wanted<'_>,
    situation: &Situation,
    wish: &Wish,
) -> impl Fn(&AssetId) -> bool {
    let needed = needed(wanted, wish);
    move |asset| {
        let (emergency, attended) = (wish.emergency, wish.needs_provider);
        let open = situation.calendar.is_open(asset.0, emergency, attended);
        open.holds(needed)
    }
}

/// Whether anybody's limits are reached.
pub(super) fn of_the_limits(
    wanted: &Wanted<'_>,
    situation: &Situation,
    busy: &Busy,
    wish: &Wish,
) -> Option<Obstacle> {
    let start = wanted.starts_at.timestamp_micros();
    let broken = wanted
        .providers
        .iter()
        .find_map(|who| broken_limit(&situation.calendar, busy, *who, start, wish))?;
    let (code, rule) = match broken {
        Broken::Day => ("daily_limit", "is booked as much that day as he may be"),
        Broken::Week => ("weekly_limit", "is booked as much that week as he may be"),
        Broken::Rest => ("rest", "must rest between shifts"),
    };
    Some(obstacle("/provider_id", code, rule))
}

fn needed(wanted: &Wanted<'_>, wish: &Wish) -> Span {
    wish.needed(wanted.starts_at.timestamp_micros())
}

//! Which appointments lie outside of what is available now.

use std::collections::{BTreeMap, HashMap};

use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, ServiceId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{AffectedReason, AffectedWhat, WhyAffected};
use super::store::{self, Standing};
use crate::availability::{self, Calendar};
use crate::ranges::{Ranges, Span};
use crate::resource::Whose;

/// Where, whose and when: what is to be looked at.
#[derive(Clone, Copy, Debug)]
pub struct Scope {
    /// There, or anywhere.
    pub(crate) facility: Option<FacilityId>,
    /// Of one of them, or of anybody.
    pub(crate) whose: Whose,
    pub(crate) from: Instant,
    pub(crate) until: Instant,
}

impl Scope {
    /// Of the same, from when the first begins until the last ends.
    pub fn and(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
            ..self
        }
    }
}

/// An affected appointment: when it begins, its id, and why.
pub(super) type Affected = (Instant, AppointmentId, Vec<WhyAffected>);

/// More rows than are looked through for one answer.
pub(super) const MOST: i32 = 20_000;

/// How many appointments within the scope are affected, whoever's they are. `None`: there are too many to look through.
///
/// # Errors
/// The database's.
pub(crate) async fn count(tx: &mut TenantTx, scope: &Scope, now: Instant) -> Result<Option<usize>> {
    let standing = store::standing(tx, scope, now, MOST).await?;
    if i32::try_from(standing.len()).is_ok_and(|rows| rows < MOST) {
        Ok(Some(reckon(tx, &standing).await?.len()))
    } else {
        Ok(None)
    }
}

/// Those of them that are affected, by the time they begin. The calendar is read once for each facility, and once more there
/// for each service whose rosters count.
pub(super) async fn reckon(tx: &mut TenantTx, standing: &[Standing]) -> Result<Vec<Affected>> {
    let mut groups: BTreeMap<(FacilityId, Option<ServiceId>), Vec<&Standing>> = BTreeMap::new();
    for row in standing {
        let emergency = row.emergency.then_some(row.service_id);
        let group = groups.entry((row.facility_id, emergency)).or_default();
        group.push(row);
    }
    let mut affected: BTreeMap<(Instant, AppointmentId), Vec<WhyAffected>> = BTreeMap::new();
    for ((facility, on_call_for), rows) in groups {
        let mut hours = match window(&rows) {
            Some(window) => {
                let mut who: Vec<Uuid> = rows.iter().filter_map(|row| row.who).collect();
                who.sort_unstable();
                who.dedup();
                let zone = rows.first().map_or("UTC", |row| row.time_zone.as_str());
                let place = (facility, zone.parse().map_err(Error::internal)?);
                let calendar =
                    availability::load_calendar(tx, place, &who, window, on_call_for).await?;
                Some(Hours::new(calendar))
            }
            None => None,
        };
        for row in rows {
            let closed = (!row.facility_active).then_some(WhyAffected {
                what: AffectedWhat::Facility,
                id: facility.0,
                reason: AffectedReason::Inactive,
            });
            let away = hours.as_mut().map(|hours| hours.why(row));
            let away = away.into_iter().flatten();
            let unable = row.who.filter(|_| row.lacks_skill);
            let unable = unable.map(|id| WhyAffected {
                what: AffectedWhat::Provider,
                id,
                reason: AffectedReason::LacksSkill,
            });
            for why in closed.into_iter().chain(away).chain(unable) {
                let all = affected.entry((row.starts_at, row.appointment_id));
                let all = all.or_default();
                if !all.contains(&why) {
                    all.push(why);
                }
            }
        }
    }
    for (at, id, patient) in store::of_inactive(tx, standing).await? {
        affected.entry((at, id)).or_default().push(WhyAffected {
            what: AffectedWhat::Patient,
            id: patient.0,
            reason: AffectedReason::Inactive,
        });
    }
    let told = affected.into_iter();
    Ok(told.map(|((at, id), why)| (at, id, why)).collect())
}

/// From the first that is occupied to the last; none if nobody is.
fn window(rows: &[&Standing]) -> Option<Span> {
    let from = rows.iter().filter_map(|row| row.occupied_from).min();
    let until = rows.iter().filter_map(|row| row.occupied_until).max();
    let (from, until) = from.zip(until)?;
    Some(Span::new(from, until))
}

/// When everybody and everything is available. Each is worked out once, however many appointments it has.
struct Hours {
    calendar: Calendar,
    available: HashMap<(Uuid, bool, bool), Ranges>,
}

impl Hours {
    fn new(calendar: Calendar) -> Self {
        Self {
            calendar,
            available: HashMap::new(),
        }
    }

    /// Why what a row names is not available when the appointment occupies it; nothing if it is.
    fn why(&mut self, row: &Standing) -> Vec<WhyAffected> {
        let Some((id, what)) = row.who.zip(row.what) else {
            return Vec::new();
        };
        let reasons = self.reasons(row, id, what).into_iter();
        reasons
            .map(|reason| WhyAffected { what, id, reason })
            .collect()
    }

    fn reasons(&mut self, row: &Standing, id: Uuid, what: AffectedWhat) -> Vec<AffectedReason> {
        if row.active == Some(false) {
            return vec![AffectedReason::Inactive];
        }
        let Some((from, until)) = row.occupied_from.zip(row.occupied_until) else {
            return Vec::new();
        };
        let needed = Span::new(from, until);
        let is_place = matches!(what, AffectedWhat::Room | AffectedWhat::Equipment);
        let attended = is_place && row.needs_provider;
        let calendar = &self.calendar;
        let key = (id, row.emergency, attended);
        let available = self.available.entry(key).or_insert_with(|| {
            if is_place {
                calendar.is_open(id, row.emergency, attended)
            } else {
                calendar.available(id, row.emergency)
            }
        });
        if available.holds(needed) {
            return Vec::new();
        }
        let taken_from = |closed: &Ranges| !closed.intersect(&Ranges::one(needed)).is_empty();
        let off = taken_from(&calendar.off(id)).then_some(AffectedReason::TimeOff);
        let holiday = !attended && taken_from(&calendar.holidays);
        let holiday = holiday.then_some(AffectedReason::Holiday);
        let mut reasons: Vec<AffectedReason> = off.into_iter().chain(holiday).collect();
        if reasons.is_empty() {
            reasons.push(if is_place {
                AffectedReason::Closed
            } else {
                AffectedReason::NotWorking
            });
        }
        reasons
    }
}

//! From the tenant's week to a problem for the planner.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use chrono_tz::Tz;
use identity::facilities::require_active_facility;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, FacilityId, PatientId, ServiceId};
use kernel::{Code, Error, Result};
use planner::{Current, Interval, Problem, Request, Travel};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{PlanFrame, TimeWindow, WantedVisit};
use super::store_supply::{self, Standing};
use super::{store, supply};
use crate::appointments::{Priority, Timing};
use crate::assets::AssetKind;
use crate::availability::is_emergency;
use crate::horizon::{Horizon, ranges};
use crate::ranges::Ranges;
use crate::services::{self, Service};

/// The grid. Services begin at multiples of five minutes or more, as a rule.
pub(super) const TICK: u32 = 5;

/// A visit to be placed: one that is wanted, or an appointment that may move.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub wanted: WantedVisit,
    pub moves: Option<AppointmentId>,
    pub current: Option<Current>,
}

impl Visit {
    pub fn new(wanted: WantedVisit) -> Self {
        Self {
            wanted,
            moves: None,
            current: None,
        }
    }
}

/// The zone of the facilities.
///
/// # Errors
/// A field error for one that is not there, or lies in another zone than the first.
pub(super) async fn zone_of(tx: &mut TenantTx, facilities: &[FacilityId]) -> Result<Tz> {
    let mut zone: Option<Tz> = None;
    for (place, id) in facilities.iter().enumerate() {
        let pointer = format!("/facility_ids/{place}");
        let facility = require_active_facility(tx, *id, &pointer).await?;
        let its: Tz = facility.data.time_zone.parse().map_err(Error::internal)?;
        if zone.is_some_and(|zone| zone != its) {
            let rule = "must lie in the time zone of the first";
            return Err(Error::field(pointer, "another_time_zone", rule));
        }
        zone = Some(its);
    }
    zone.ok_or_else(|| Error::field("/facility_ids", "required", "must name a facility"))
}

/// That patients and services of requests are there. `root` is where the requests stand in the body.
pub(super) async fn check_visits(
    tx: &mut TenantTx,
    visits: &[WantedVisit],
    root: &str,
) -> Result<()> {
    let mut patients = HashSet::new();
    // Whether several patients share a session of the service.
    let mut known: HashMap<ServiceId, bool> = HashMap::new();
    for (place, visit) in visits.iter().enumerate() {
        if patients.insert(visit.patient_id) {
            let pointer = format!("{root}/{place}/patient_id");
            require_patient(tx, visit.patient_id, &pointer).await?;
        }
        let pointer = format!("{root}/{place}/service_id");
        if let Entry::Vacant(unknown) = known.entry(visit.service_id) {
            let service = services::require_active(tx, visit.service_id, &pointer).await?;
            if !service.data.needs_provider {
                let rule = "must name a service with a provider: only those can be planned";
                return Err(Error::field(pointer, "needs_no_provider", rule));
            }
            unknown.insert(service.data.capacity > 1);
        }
        if visit.has_own_timing() && known[&visit.service_id] {
            let pointer = format!("{root}/{place}/duration_minutes");
            let rule = "must be its service's, where several patients share a session";
            return Err(Error::field(pointer, "shared_session", rule));
        }
    }
    Ok(())
}

/// What stands within the horizon.
pub(super) struct Book {
    pub movable: Vec<Visit>,
    /// What the planner can't move is time that is taken; and why it can't.
    pub fixed: Vec<(Standing, &'static str)>,
}

/// That a visit can be planned for the patient.
async fn require_patient(tx: &mut TenantTx, id: PatientId, pointer: &str) -> Result<()> {
    match clinical::patients::require_active(tx, id).await {
        Err(error) if error.code() == Code::NotFound => Err(Error::field(
            pointer,
            "no_such_patient",
            "must name a patient",
        )),
        other => other,
    }
}

/// The appointments that stand within the horizon: those the planner can move, and the others.
pub(super) async fn standing(
    tx: &mut TenantTx,
    frame: &PlanFrame,
    horizon: &Horizon,
    now: Instant,
) -> Result<Book> {
    let facilities: Vec<Uuid> = frame.facility_ids.iter().map(|id| id.0).collect();
    let within = (horizon.begin().max(now), horizon.end());
    let found = store_supply::standing(tx, &facilities, within).await?;
    let kinds: HashMap<Uuid, AssetKind> = store_supply::places(tx, &facilities)
        .await?
        .into_iter()
        .map(|place| (place.id, place.kind))
        .collect();
    let services = services_of(tx, found.iter().map(|it| it.service_id)).await?;
    let (mut movable, mut fixed) = (Vec::new(), Vec::new());
    for it in found {
        match as_visit(&it, &services, &kinds, horizon) {
            Ok(visit) => movable.push(visit),
            Err(why) => fixed.push((it, why)),
        }
    }
    Ok(Book { movable, fixed })
}

/// As the planner can express it.
///
/// # Errors
/// Why it can't.
fn as_visit(
    it: &Standing,
    services: &HashMap<ServiceId, Service>,
    kinds: &HashMap<Uuid, AssetKind>,
    horizon: &Horizon,
) -> std::result::Result<Visit, &'static str> {
    const ELSEWHERE: &str = "it lies on no day and minute a plan has";
    let offered = services
        .get(&it.service_id)
        .ok_or("its service is not there")?;
    let held = it.held_from.zip(it.held_until);
    let held = held.ok_or("it occupies nobody but its patient")?;
    let its = Timing::of_times((it.starts_at, it.ends_at), held);
    let usual = Timing::of_service(offered);
    let own = |its: i32, usual: i32| (its != usual).then_some(its);
    let (day, start) = horizon.place(it.starts_at).ok_or(ELSEWHERE)?;
    let of_kind = |kind| {
        let assets = it
            .assets
            .iter()
            .filter(move |id| kinds.get(id) == Some(&kind));
        assets.map(Uuid::to_string).collect::<Vec<_>>()
    };
    let (rooms, equipment) = (of_kind(AssetKind::Room), of_kind(AssetKind::Equipment));
    let service = &offered.data;
    let reasons = [
        (service.capacity != 1, "several patients share its session"),
        (!service.needs_provider, "its service needs no provider"),
        (it.overbooked, "it is booked over another"),
        (it.others > 0, "others of the staff attend it"),
        (it.providers.is_empty(), "nobody attends it"),
        (start % TICK != 0, ELSEWHERE),
        (
            rooms.len() != usize::from(service.room_kind.is_some())
                || equipment.len() != service.equipment_kinds.len(),
            "it has other rooms or devices than its service needs",
        ),
    ];
    if let Some((_, why)) = reasons.into_iter().find(|(holds, _)| *holds) {
        return Err(why);
    }
    Ok(Visit {
        wanted: WantedVisit {
            duration_minutes: own(its.duration, usual.duration),
            prep_minutes: own(its.prep, usual.prep),
            cleanup_minutes: own(its.cleanup, usual.cleanup),
            ..wanted(it)
        },
        moves: Some(it.id),
        current: Some(Current {
            day,
            start,
            providers: it.providers.iter().map(Uuid::to_string).collect(),
            facility: it.facility_id.to_string(),
            room: rooms.into_iter().next(),
            equipment,
            locked: false,
        }),
    })
}

/// What an appointment that stands asks for, taking as long as its service says.
fn wanted(it: &Standing) -> WantedVisit {
    WantedVisit {
        key: it.id.to_string(),
        patient_id: it.patient_id,
        service_id: it.service_id,
        priority: it.priority,
        provider_ids: Vec::new(),
        all_of: Vec::new(),
        preferred_provider_ids: Vec::new(),
        continuity_provider_id: None,
        facility_ids: vec![it.facility_id],
        windows: Vec::new(),
        preferred_windows: Vec::new(),
        chief_complaint: None,
        duration_minutes: None,
        prep_minutes: None,
        cleanup_minutes: None,
    }
}

/// One that has lost its place and that no search can give another.
pub(super) fn stranded(it: &Standing) -> Visit {
    Visit {
        moves: Some(it.id),
        ..Visit::new(wanted(it))
    }
}

async fn services_of(
    tx: &mut TenantTx,
    ids: impl Iterator<Item = ServiceId>,
) -> Result<HashMap<ServiceId, Service>> {
    let mut found = HashMap::new();
    for id in ids.collect::<HashSet<_>>() {
        if let Some(service) = services::get(tx, id).await? {
            found.insert(id, service);
        }
    }
    Ok(found)
}

/// The problem: everybody's open time less what is taken, and the visits.
pub(super) async fn problem(
    tx: &mut TenantTx,
    frame: &PlanFrame,
    visits: &[Visit],
    horizon: &Horizon,
    now: Instant,
) -> Result<Problem> {
    let services = services_of(tx, visits.iter().map(|visit| visit.wanted.service_id)).await?;
    let emergencies: Vec<ServiceId> = services
        .iter()
        .filter(|(_, service)| is_emergency(service))
        .map(|(id, _)| *id)
        .collect();
    let supply = supply::read(tx, frame, visits, &emergencies, horizon, now).await?;
    let mut aliases = HashMap::new();
    for visit in visits {
        let next = aliases.len();
        aliases.entry(visit.wanted.patient_id).or_insert(next);
    }
    let context = Context {
        aliases: &aliases,
        services: &services,
        taken: &supply.taken,
        horizon,
        now,
    };
    Ok(Problem {
        tick_minutes: TICK,
        days: horizon.days(),
        providers: supply.providers,
        rooms: supply.rooms,
        equipment: supply.equipment,
        travel: frame
            .travel
            .iter()
            .map(|way| Travel {
                from: way.from.to_string(),
                to: way.to.to_string(),
                minutes: way.minutes,
            })
            .collect(),
        requests: visits
            .iter()
            .filter_map(|it| request(it, &context))
            .collect(),
        weights: store::weights(tx).await?.data.into(),
    })
}

struct Context<'a> {
    /// Patients by number: the problem is kept where everybody who plans can read it.
    aliases: &'a HashMap<PatientId, usize>,
    services: &'a HashMap<ServiceId, Service>,
    taken: &'a HashMap<Uuid, Ranges>,
    horizon: &'a Horizon,
    now: Instant,
}

fn request(visit: &Visit, context: &Context<'_>) -> Option<Request> {
    let wanted = &visit.wanted;
    let offered = context.services.get(&wanted.service_id)?;
    let service = &offered.data;
    let timing = wanted.timing(Timing::of_service(offered));
    // An emergency waits for no lead time and begins at any minute.
    let emergency = is_emergency(offered);
    let (lead, align) = if emergency {
        (0, TICK)
    } else {
        let align = u32::try_from(service.align_minutes).unwrap_or(TICK);
        (service.lead_minutes, align)
    };
    let minutes = |count: i32| u32::try_from(count).unwrap_or(0);
    let names = |ids: &[kernel::ids::ProviderId]| ids.iter().map(ToString::to_string).collect();
    Some(Request {
        id: wanted.key.clone(),
        patient: format!("p{}", context.aliases.get(&wanted.patient_id)?),
        priority: match wanted.priority {
            Priority::Low => planner::Priority::Low,
            Priority::Medium => planner::Priority::Medium,
            Priority::High => planner::Priority::High,
            Priority::Urgent => planner::Priority::Urgent,
        },
        duration: minutes(timing.duration),
        prep: minutes(timing.prep),
        cleanup: minutes(timing.cleanup),
        skills: service.skills.clone(),
        any_of: names(&wanted.provider_ids),
        all_of: names(&wanted.all_of),
        facilities: wanted
            .facility_ids
            .iter()
            .map(ToString::to_string)
            .collect(),
        room: service.room_kind.clone(),
        equipment: service.equipment_kinds.clone(),
        windows: windows(visit, lead, service.ahead_days, context),
        preferred_windows: context.horizon.intervals(&of(&wanted.preferred_windows)),
        preferred_providers: names(&wanted.preferred_provider_ids),
        continuity: wanted.continuity_provider_id.map(|id| id.to_string()),
        align: Some(align).filter(|align| *align > TICK),
        call: emergency.then(|| wanted.service_id.to_string()),
        current: visit.current.clone(),
    })
}

fn of(windows: &[TimeWindow]) -> Ranges {
    ranges(windows.iter().map(|it| (it.from, it.to)))
}

/// When a visit may take place: as it was asked for, not sooner and not later than its service says, while its patient is free.
fn windows(visit: &Visit, lead: i32, ahead: i32, context: &Context<'_>) -> Vec<Interval> {
    let horizon = context.horizon;
    let whole = Ranges::one(horizon.span());
    let mut allowed = match &visit.wanted.windows[..] {
        [] => whole.clone(),
        windows => of(windows).intersect(&whole),
    };
    if visit.moves.is_none() {
        let earliest = context.now + TimeDelta::minutes(i64::from(lead));
        let latest = context.now + TimeDelta::days(i64::from(ahead));
        if earliest > horizon.begin() || latest < horizon.end() {
            allowed = allowed.intersect(&ranges([(earliest, latest)]));
        }
    }
    if let Some(taken) = context.taken.get(&visit.wanted.patient_id.0) {
        allowed = allowed.subtract(taken);
    }
    if allowed == whole {
        return Vec::new();
    }
    let intervals = horizon.intervals(&allowed);
    if intervals.is_empty() {
        // No window at all would mean any time: a minute in which nothing fits means none.
        return vec![Interval {
            day: 0,
            from: 0,
            to: 1,
        }];
    }
    intervals
}

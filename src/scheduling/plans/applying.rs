//! Booking what a plan proposes: each request as any appointment is booked, so that the constraints say the last word.
//!
//! Requests are tried in turn, each within a savepoint; one that meets something that is to move out of its way is tried again
//! after it has. So a chain of moves works out in any order. Appointments that change places with each other never get their
//! turn so: those that stand in each other's way (`circles`) give their time back together, and then take the new places, all
//! of a circle or none. Where a limit of work refuses one, what else of its providers is to leave that day or week stands in its
//! way, too: two that change days exceed the limit of both days for as long as they go one after the other.
//!
//! Locks: all appointments in the order of their ids, then all providers in the order of theirs, before anything is booked.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::{NaiveTime, TimeDelta};
use clinical::encounters;
use kernel::ids::{AppointmentId, ProviderId, SchedulePlanId};
use kernel::{Code, Error, FieldError, Kind, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;
use serde_json::json;

use super::circles;
use super::model::ApplyPlan;
use super::model_plan::{
    KeptPlan, KeptRequest, PlacementChange, PlanStatus, PlannedPlace, RequestOutcome, SchedulePlan,
};
use super::{store, telling};
use crate::appointments::{self, Booker, Details, Placement, Timing};
use crate::availability;
use crate::services;

/// Why a moved appointment was moved.
const REASON: &str = "Moved by a schedule plan";

pub(super) async fn apply(
    ctx: &Ctx,
    id: SchedulePlanId,
    what: ApplyPlan,
) -> Result<Answer<SchedulePlan>> {
    ensure_months(ctx, id).await?;
    let mut tx = ctx.begin(Permission::SchedulePlanApply).await?;
    let kept = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let requests = store::requests(&mut tx, id).await?;
    let open = chosen(&kept, requests, &what)?;
    if open.is_empty() {
        return Err(Error::new(Code::PlanApplied));
    }
    // Nobody cancels, checks in or moves what is to be moved until this is done.
    let moved: Vec<AppointmentId> = open.iter().filter_map(|it| it.0.moves).collect();
    appointments::lock_all_in_tx(&mut tx, &moved).await?;
    availability::hold_in_tx(&mut tx, &providers(&open)).await?;
    let refused = book_what_can_be(ctx, &mut tx, &kept, open).await?;
    if what.all_or_nothing && !refused.is_empty() {
        return Err(nothing_applied(&refused));
    }
    for (key, error) in &refused {
        let (outcome, why) = (RequestOutcome::Refused, Some(error));
        store::settle(&mut tx, id, key, outcome, None, why, ctx.now()).await?;
    }
    let requests = store::requests(&mut tx, id).await?;
    let status = status(&kept, &requests)?;
    store::set_status(&mut tx, id, status, ctx.now()).await?;
    let kept = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let plan = telling::tell(kept, requests)?;
    let (subjects, version) = (telling::subjects(&plan), plan.version);
    tx.commit(Disclosure::shown("schedule_plan", Action::Update, subjects, plan).version(version))
        .await
}

/// An encounter that is planned for an appointment moves with it, and a month must be there before the transaction that
/// writes into it.
async fn ensure_months(ctx: &Ctx, id: SchedulePlanId) -> Result<()> {
    let mut look = ctx.look(Permission::SchedulePlanApply).await?;
    let kept = store::find(&mut look, id)
        .await?
        .ok_or_else(Error::not_found)?;
    drop(look);
    // A day more at both ends: the month is UTC's, the days are those of the place.
    let before = kept.frame.first_day.and_time(NaiveTime::MIN).and_utc() - TimeDelta::days(1);
    let days = 0..=i64::from(kept.frame.days) + 1;
    let times = days.map(|day| before + TimeDelta::days(day));
    encounters::ensure_months(&ctx.app().db, times).await?;
    Ok(())
}

type Open = Vec<(KeptRequest, PlannedPlace)>;

/// Whose places these are, in the order of their ids.
fn providers(open: &Open) -> Vec<ProviderId> {
    let places = open.iter().flat_map(|it| it.1.provider_ids.iter().copied());
    places.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Books what can be booked, in whatever order it takes; answers why the others could not be.
async fn book_what_can_be(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kept: &KeptPlan,
    mut open: Open,
) -> Result<HashMap<String, Error>> {
    let zone = telling::horizon_of(kept)?.zone;
    let mut refused: HashMap<String, Error> = HashMap::new();
    loop {
        let before = open.len();
        open = one_by_one(ctx, tx, kept.id, open, &mut refused).await?;
        // Those who stand in each other's way first: few are moved at once. A circle may meet a limit that none of it met alone;
        // who is to make room for that is in its way, too, until no limit is met that was not known.
        let (mut known, mut met) = (BTreeSet::new(), circles::limits(&refused));
        while open.len() == before {
            let circles = circles::find(tx, &open, zone, &known).await?;
            open = together(ctx, tx, kept.id, open, circles, &mut refused).await?;
            met.extend(circles::limits(&refused));
            if met == known {
                break;
            }
            known.clone_from(&met);
        }
        // Whatever was booked may make room for another.
        if open.is_empty() || open.len() == before {
            return Ok(refused);
        }
    }
}

/// Books what can be booked alone; answers the others.
async fn one_by_one(
    ctx: &Ctx,
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    open: Open,
    refused: &mut HashMap<String, Error>,
) -> Result<Open> {
    let mut left = Vec::new();
    for (request, place) in open {
        match book(ctx, tx, &[(&request, &place)]).await? {
            Ok(booked) => {
                settle(ctx, tx, plan, &[&request], &booked).await?;
                refused.remove(&request.key);
            }
            Err((_, error)) => {
                refused.insert(request.key.clone(), error);
                left.push((request, place));
            }
        }
    }
    Ok(left)
}

/// Books appointments that stand in each other's way, each circle of them at once; answers the others.
async fn together(
    ctx: &Ctx,
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    open: Open,
    circles: Vec<Vec<usize>>,
    refused: &mut HashMap<String, Error>,
) -> Result<Open> {
    let mut done: HashSet<String> = HashSet::new();
    for circle in circles {
        let items: Vec<_> = circle
            .iter()
            .map(|at| (&open[*at].0, &open[*at].1))
            .collect();
        let requests: Vec<&KeptRequest> = items.iter().map(|it| it.0).collect();
        match book(ctx, tx, &items).await? {
            Ok(booked) => {
                settle(ctx, tx, plan, &requests, &booked).await?;
                done.extend(requests.iter().map(|it| it.key.clone()));
            }
            Err((at, error)) => {
                refused.insert(requests[at].key.clone(), error);
            }
        }
    }
    refused.retain(|key, _| !done.contains(key));
    let left = open.into_iter().filter(|it| !done.contains(&it.0.key));
    Ok(left.collect())
}

async fn settle(
    ctx: &Ctx,
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    requests: &[&KeptRequest],
    booked: &[AppointmentId],
) -> Result<()> {
    for (request, appointment) in requests.iter().zip(booked) {
        let outcome = match request.moves {
            Some(_) => RequestOutcome::Moved,
            None => RequestOutcome::Booked,
        };
        let (key, made) = (&request.key, Some(*appointment));
        store::settle(tx, plan, key, outcome, made, None, ctx.now()).await?;
    }
    Ok(())
}

fn nothing_applied(refused: &HashMap<String, Error>) -> Error {
    let mut outcomes: Vec<_> = refused
        .iter()
        .map(|(key, error)| {
            let (code, detail) = (error.code().as_str(), error.explanation());
            json!({ "request": key, "code": code, "detail": detail, "errors": error.fields() })
        })
        .collect();
    outcomes.sort_by_key(ToString::to_string);
    Error::new(Code::PlanNotApplied).with("outcomes", json!(outcomes))
}

/// The requests that are to be booked, with their places: those with a new place that are not in the book yet.
fn chosen(
    kept: &KeptPlan,
    requests: Vec<KeptRequest>,
    what: &ApplyPlan,
) -> Result<Vec<(KeptRequest, PlannedPlace)>> {
    let mut placed = placed(kept)?;
    let unknown: Vec<FieldError> = what
        .requests
        .iter()
        .flatten()
        .enumerate()
        .filter(|(_, key)| !requests.iter().any(|it| it.key == **key) || !placed.contains_key(*key))
        .map(|(place, _)| {
            let rule = "must name a request that has a place in the plan";
            FieldError::new(format!("/requests/{place}"), "not_placed", rule)
        })
        .collect();
    if !unknown.is_empty() {
        return Err(Error::invalid(unknown));
    }
    let wanted = |key: &String| what.requests.as_ref().is_none_or(|keys| keys.contains(key));
    Ok(requests
        .into_iter()
        .filter(|it| matches!(it.outcome, RequestOutcome::Open | RequestOutcome::Refused))
        .filter(|it| wanted(&it.key))
        .filter_map(|it| {
            let place = placed.remove(&it.key)?;
            // An appointment that stays is booked already.
            let stays = it.moves.is_some() && place.change == PlacementChange::Kept;
            (!stays).then_some((it, place))
        })
        .collect())
}

fn placed(kept: &KeptPlan) -> Result<HashMap<String, PlannedPlace>> {
    let horizon = telling::horizon_of(kept)?;
    let places = kept.plan.placements.iter();
    places
        .map(|it| Ok((it.request.clone(), telling::place(it, &horizon)?)))
        .collect()
}

/// Books all of these, or leaves everything as it was and says which of them could not be booked. The outer error ends the work.
async fn book(
    ctx: &Ctx,
    tx: &mut TenantTx,
    items: &[(&KeptRequest, &PlannedPlace)],
) -> Result<std::result::Result<Vec<AppointmentId>, (usize, Error)>> {
    store::savepoint(tx).await?;
    match book_all(ctx, tx, items).await {
        Ok(booked) => {
            store::release(tx).await?;
            Ok(Ok(booked))
        }
        Err((at, error))
            if matches!(
                error.kind(),
                Kind::Conflict | Kind::Invalid | Kind::NotFound
            ) =>
        {
            store::go_back(tx).await?;
            Ok(Err((at, error)))
        }
        Err((_, error)) => Err(error),
    }
}

/// All of them give their time back before any of them takes another.
async fn book_all(
    ctx: &Ctx,
    tx: &mut TenantTx,
    items: &[(&KeptRequest, &PlannedPlace)],
) -> std::result::Result<Vec<AppointmentId>, (usize, Error)> {
    let mut details = Vec::with_capacity(items.len());
    for (at, (request, _)) in items.iter().enumerate() {
        details.push(give_up(ctx, tx, request).await.map_err(|it| (at, it))?);
    }
    let mut booked = Vec::with_capacity(items.len());
    for (at, (item, agreed)) in items.iter().zip(&details).enumerate() {
        booked.push(take(ctx, tx, item, agreed).await.map_err(|it| (at, it))?);
    }
    let vacated: Vec<AppointmentId> = items.iter().filter_map(|it| it.0.moves).collect();
    let handed_on = appointments::hand_on_in_tx(tx, &vacated, ctx.now()).await;
    handed_on.map_err(|it| (0, it))?;
    Ok(booked)
}

/// What is to be said of the appointment, and the minutes it takes where they are its own; the one it comes from, if there is one,
/// gives its time back.
async fn give_up(
    ctx: &Ctx,
    tx: &mut TenantTx,
    request: &KeptRequest,
) -> Result<(Details, Option<Timing>)> {
    clinical::patients::require_active(tx, request.patient_id).await?;
    let Some(stands) = request.moves else {
        let details = Details {
            priority: request.data.priority,
            chief_complaint: request.data.chief_complaint.clone(),
            ..Details::default()
        };
        return Ok((details, timing(tx, request).await?));
    };
    // As it is now: it may have ended or been changed before it was locked.
    let present = appointments::get_in_tx(tx, stands).await?;
    let timing = appointments::own_timing(tx, &present).await?;
    appointments::vacate_in_tx(tx, &present, REASON, Booker::caller(ctx), ctx.now()).await?;
    let details = Details {
        priority: present.priority,
        chief_complaint: present.chief_complaint,
        notes: present.notes,
        join_url: present.join_url,
        series: present.series_id,
        rescheduled_from: Some(stands),
        encounter: present.encounter_id,
        ..Details::default()
    };
    Ok((details, timing))
}

async fn take(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (request, place): &(&KeptRequest, &PlannedPlace),
    (details, timing): &(Details, Option<Timing>),
) -> Result<AppointmentId> {
    let placement = Placement {
        patient: request.patient_id,
        service: request.service_id,
        facility: place.facility_id,
        providers: place.provider_ids.clone(),
        staff: Vec::new(),
        room: place.room_id,
        equipment: place.equipment_ids.clone(),
        starts_at: place.starts_at,
        timing: *timing,
    };
    appointments::book_in_tx(tx, placement, details, Booker::caller(ctx), ctx.now()).await
}

/// The minutes a request takes where they are its own. What is moved takes as long as was agreed, whatever its service has come
/// to take since the plan was made; once it has given its time back nobody knows.
pub(super) async fn timing(tx: &mut TenantTx, request: &KeptRequest) -> Result<Option<Timing>> {
    if let Some(stands) = request.moves {
        let present = appointments::get_in_tx(tx, stands).await?;
        return appointments::own_timing(tx, &present).await;
    }
    if !request.data.has_own_timing() {
        return Ok(None);
    }
    let service = services::get(tx, request.service_id).await?;
    Ok(service.map(|it| request.data.timing(Timing::of_service(&it))))
}

/// Applied when nothing that has a new place is left.
fn status(kept: &KeptPlan, requests: &[KeptRequest]) -> Result<PlanStatus> {
    let placed = placed(kept)?;
    let open = requests.iter().filter(|it| {
        let waits = matches!(it.outcome, RequestOutcome::Open | RequestOutcome::Refused);
        let moves = placed
            .get(&it.key)
            .is_some_and(|place| it.moves.is_none() || place.change != PlacementChange::Kept);
        waits && moves
    });
    let settled = requests.iter().any(|it| it.booked.is_some());
    Ok(match (open.count(), settled) {
        (0, _) => PlanStatus::Applied,
        (_, true) => PlanStatus::PartlyApplied,
        (_, false) => PlanStatus::Proposed,
    })
}

//! A plan as it is kept becomes a plan as it is told: minutes of days become instants, names become ids.

use std::collections::HashMap;
use std::str::FromStr;

use kernel::{Error, Result};
use planner::{Change, Placement};
use platform::audit::Subject;

use super::model_plan::{
    KeptPlan, KeptRequest, PlacementChange, PlannedPlace, PlannedVisit, SchedulePlan,
};
use crate::horizon::Horizon;

pub(super) fn horizon_of(kept: &KeptPlan) -> Result<Horizon> {
    let zone = kept.time_zone.parse().map_err(Error::internal)?;
    Ok(Horizon::new(zone, kept.frame.first_day, kept.frame.days))
}

fn read<T: FromStr>(text: &str) -> Result<T> {
    let broken = || Error::internal("a plan names something that is no id");
    text.parse().map_err(|_| broken())
}

/// Where the planner put a request.
pub(super) fn place(placement: &Placement, horizon: &Horizon) -> Result<PlannedPlace> {
    let at = |minute| {
        let at = horizon.instant(placement.day, minute);
        at.ok_or_else(|| Error::internal("a plan goes beyond its days"))
    };
    let starts_at = at(placement.start)?;
    Ok(PlannedPlace {
        starts_at,
        ends_at: at(placement.end)?,
        local_start: starts_at.with_timezone(&horizon.zone).naive_local(),
        facility_id: read(&placement.facility)?,
        provider_ids: placement
            .providers
            .iter()
            .map(|id| read(id))
            .collect::<Result<_>>()?,
        room_id: placement.room.as_deref().map(read).transpose()?,
        equipment_ids: placement
            .equipment
            .iter()
            .map(|id| read(id))
            .collect::<Result<_>>()?,
        change: match placement.change {
            Change::New => PlacementChange::New,
            Change::Moved => PlacementChange::Moved,
            Change::Kept | Change::Locked => PlacementChange::Kept,
        },
    })
}

/// The plan with those of its requests the caller may see.
pub(super) fn tell(kept: KeptPlan, requests: Vec<KeptRequest>) -> Result<SchedulePlan> {
    let horizon = horizon_of(&kept)?;
    let placed: HashMap<&str, &Placement> = kept
        .plan
        .placements
        .iter()
        .map(|it| (it.request.as_str(), it))
        .collect();
    let unplaced: HashMap<&str, &planner::Unplaced> = kept
        .plan
        .unplaced
        .iter()
        .map(|it| (it.request.as_str(), it))
        .collect();
    // A key is its author's words, or the id of an appointment: it is told to whoever may see whose it is.
    let comparison = kept.comparison.map(|mut told| {
        let visible = |key: &String| requests.iter().any(|it| it.key == *key);
        for keys in [&mut told.moved, &mut told.lost, &mut told.placed] {
            keys.retain(visible);
        }
        told
    });
    let visits = requests.into_iter().map(|request| {
        let placement = placed.get(request.key.as_str());
        let missing = unplaced.get(request.key.as_str());
        let cost = placement.map(|it| it.cost).or(missing.map(|it| it.cost));
        let why = match (placement, missing) {
            (Some(placement), _) => placement.why.clone(),
            (None, Some(missing)) => vec![missing.why.clone()],
            (None, None) => Vec::new(),
        };
        Ok(PlannedVisit {
            place: placement.map(|it| place(it, &horizon)).transpose()?,
            reason: missing.map(|it| word(it.reason)).transpose()?,
            cost: cost.unwrap_or_default().into(),
            why,
            data: request.data,
            appointment: request.moves,
            outcome: request.outcome,
            booked: request.booked,
            refusal: request.refusal,
            problem: request.problem,
        })
    });
    Ok(SchedulePlan {
        requests: visits.collect::<Result<_>>()?,
        cost: kept.plan.score.into(),
        placed: kept.plan.placements.len(),
        unplaced: kept.plan.unplaced.len(),
        iterations: kept.plan.search.iterations,
        first_cost: kept.plan.search.first_cost,
        id: kept.id,
        frame: kept.frame,
        status: kept.status,
        time_zone: kept.time_zone,
        replans: kept.replans,
        comparison,
        version: kept.version,
        created_at: kept.created_at,
    })
}

/// The word the planner's format has for a reason.
fn word(reason: planner::Reason) -> Result<String> {
    let value = serde_json::to_value(reason).map_err(Error::internal)?;
    Ok(value.as_str().unwrap_or_default().to_owned())
}

/// Whose a plan is.
pub(super) fn subjects(plan: &SchedulePlan) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = Vec::new();
    for visit in &plan.requests {
        let patient = Some(visit.data.patient_id);
        if !subjects.iter().any(|subject| subject.patient == patient) {
            subjects.push(Subject {
                patient,
                resource: Some(plan.id.0),
            });
        }
    }
    subjects
}

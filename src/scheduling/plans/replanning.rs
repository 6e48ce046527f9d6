//! When the week changes: what stands in the book and in the plan stays where it can.

use chrono::{DateTime, Utc};
use kernel::ids::SchedulePlanId;
use kernel::{Error, FieldError, Result};
use planner::{Change, ChangeOfDay, Current, Goals, Problem, Reason, Unplaced};
use platform::access::{Ctx, Permission};
use platform::http::Answer;

use super::building::{self, Visit};
use super::change::{Told, WeekChange};
use super::model::Replan;
use super::model_plan::{KeptPlan, KeptRequest, PlanComparison, RequestOutcome, SchedulePlan};
use super::service::{Proposal, keep};
use super::store_supply::Standing;
use super::{solving, store, telling};
use crate::horizon::{Horizon, ranges};

pub(super) async fn replan(
    ctx: &Ctx,
    id: SchedulePlanId,
    what: Replan,
) -> Result<Answer<SchedulePlan>> {
    let now = ctx.now();
    let mut tx = ctx.look(Permission::SchedulePlanMake).await?;
    let kept = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let requests = store::requests(&mut tx, id).await?;
    // Who sees a part of the plan only would lose the rest of it.
    if requests.len() != kept.plan.placements.len() + kept.plan.unplaced.len() {
        return Err(Error::not_found());
    }
    let horizon = telling::horizon_of(&kept)?;
    let mut frame = kept.frame.clone();
    (frame.move_existing, frame.seconds) = (true, what.seconds);
    let mut visits = open(&kept, requests, &what)?;
    for (place, change) in what.changes.iter().enumerate() {
        if let Some(Told::Wanted(requests)) = change.told() {
            let root = format!("/changes/{place}/requests");
            building::check_visits(&mut tx, requests, &root).await?;
            visits.extend(requests.iter().cloned().map(Visit::new));
        }
    }
    let book = building::standing(&mut tx, &frame, &horizon, now).await?;
    visits.extend(book.movable);
    let mut problem = building::problem(&mut tx, &frame, &visits, &horizon, now).await?;
    drop(tx);
    let mut stood: Vec<String> = visits
        .iter()
        .filter(|visit| visit.current.is_some())
        .map(|visit| visit.wanted.key.clone())
        .collect();
    let changes = changes(&problem, &what, &horizon)?;
    planner::change(&mut problem, &changes);
    let (problem, mut plan) = solving::solve(problem, frame.seconds, frame.seed).await?;
    // What no search can move has lost its place all the same.
    for (it, why) in book.fixed.iter().filter(|(it, _)| is_away(it, &what)) {
        visits.push(building::stranded(it));
        stood.push(it.id.to_string());
        plan.unplaced.push(not_plannable(it, why));
    }
    let named = |change: Change| {
        let all = plan.placements.iter().filter(|it| it.change == change);
        all.map(|it| it.request.clone()).collect::<Vec<_>>()
    };
    let gone = plan.unplaced.iter().map(|it| it.request.clone());
    let comparison = PlanComparison {
        before: kept.plan.score.into(),
        moved: named(Change::Moved),
        lost: gone.filter(|key| stood.contains(key)).collect(),
        placed: named(Change::New),
    };
    let tx = ctx.begin(Permission::SchedulePlanMake).await?;
    let proposal = Proposal {
        frame,
        zone: kept.time_zone,
        visits,
        problem,
        plan,
        from: Some((id, comparison)),
    };
    keep(ctx, tx, proposal).await
}

/// Whether somebody who attends it, or something it has, is away while it holds them.
fn is_away(it: &Standing, what: &Replan) -> bool {
    let from = it.held_from.unwrap_or(it.starts_at);
    let until = it.held_until.unwrap_or(it.ends_at);
    what.changes.iter().any(|change| match change.told() {
        Some(Told::ProviderAway(id, away, back)) => {
            it.providers.contains(&id.0) && away < until && from < back
        }
        Some(Told::AssetClosed(id, away, back)) => {
            it.assets.contains(&id.0) && away < until && from < back
        }
        Some(Told::Wanted(_) | Told::Withdrawn(_)) | None => false,
    })
}

fn not_plannable(it: &Standing, why: &str) -> Unplaced {
    Unplaced {
        request: it.id.to_string(),
        cost: Goals::default(),
        reason: Reason::NotPlannable,
        why: format!("A plan does not move it, because {why}: somebody has to."),
    }
}

/// The requests that are not in the book yet, each where the plan put it. What was booked since stands in the book.
fn open(kept: &KeptPlan, requests: Vec<KeptRequest>, what: &Replan) -> Result<Vec<Visit>> {
    let withdrawn = |key: &str| {
        let gone =
            |change: &WeekChange| matches!(change.told(), Some(Told::Withdrawn(its)) if its == key);
        what.changes.iter().any(gone)
    };
    for (place, change) in what.changes.iter().enumerate() {
        if let Some(Told::Withdrawn(key)) = change.told()
            && !requests
                .iter()
                .any(|it| it.key == key && it.moves.is_none())
        {
            let rule = "must name a request of the plan that is no appointment";
            return Err(Error::field(
                format!("/changes/{place}/key"),
                "no_such_request",
                rule,
            ));
        }
    }
    let waiting = requests.into_iter().filter(|it| {
        let in_book = matches!(it.outcome, RequestOutcome::Booked | RequestOutcome::Moved);
        it.moves.is_none() && !in_book && !withdrawn(&it.key)
    });
    Ok(waiting
        .map(|it| {
            let placement = kept.plan.placements.iter().find(|at| at.request == it.key);
            Visit {
                current: placement.map(|at| Current {
                    day: at.day,
                    start: at.start,
                    providers: at.providers.clone(),
                    facility: at.facility.clone(),
                    room: at.room.clone(),
                    equipment: at.equipment.clone(),
                    locked: false,
                }),
                ..Visit::new(it.data)
            }
        })
        .collect())
}

/// The changes in the planner's terms.
fn changes(problem: &Problem, what: &Replan, horizon: &Horizon) -> Result<Vec<ChangeOfDay>> {
    let mut told = Vec::new();
    for (place, change) in what.changes.iter().enumerate() {
        match change.told() {
            Some(Told::ProviderAway(provider_id, from, to)) => {
                let provider = provider_id.to_string();
                if !problem.providers.iter().any(|it| it.id == provider) {
                    return Err(unknown(place, "provider_id"));
                }
                told.extend(days(horizon, from, to).map(|(day, from, to)| {
                    ChangeOfDay::ProviderAway {
                        provider: provider.clone(),
                        day,
                        from,
                        to,
                    }
                }));
            }
            Some(Told::AssetClosed(asset_id, from, to)) => {
                let asset = asset_id.to_string();
                let room = problem.rooms.iter().any(|it| it.id == asset);
                if !room && !problem.equipment.iter().any(|it| it.id == asset) {
                    return Err(unknown(place, "asset_id"));
                }
                told.extend(days(horizon, from, to).map(|(day, from, to)| {
                    let asset = asset.clone();
                    if room {
                        ChangeOfDay::RoomClosed {
                            room: asset,
                            day,
                            from,
                            to,
                        }
                    } else {
                        ChangeOfDay::EquipmentDown {
                            equipment: asset,
                            day,
                            from,
                            to,
                        }
                    }
                }));
            }
            // They are requests of the problem already, or not any more.
            Some(Told::Wanted(_) | Told::Withdrawn(_)) | None => {}
        }
    }
    Ok(told)
}

fn days(
    horizon: &Horizon,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
) -> impl Iterator<Item = (usize, u32, u32)> {
    let parts = horizon.intervals(&ranges([(from, to)])).into_iter();
    parts.map(|it| (it.day, it.from, it.to))
}

fn unknown(place: usize, field: &str) -> Error {
    Error::invalid(vec![FieldError::new(
        format!("/changes/{place}/{field}"),
        "not_in_the_plan",
        "must name somebody or something of the plan",
    )])
}

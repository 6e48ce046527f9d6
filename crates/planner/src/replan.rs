//! When the week changes: somebody is sick, an emergency comes in, a surge. What stands stays where it can; moving,
//! handing over and cancelling cost what the problem says, so the least disruption wins.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::check::{Fault, faults};
use crate::compile::compile;
use crate::explain;
use crate::insert::{self, Look};
use crate::plan::{Change, Goals, Plan, SearchReport};
use crate::problem::{Asset, Current, Interval, OnCall, Problem, Provider, Request, Working};
use crate::rng::Rng;
use crate::search::Search;
use crate::solve::{Options, solve, stand};
use crate::verify::verify;
use crate::week::Week;

/// What has happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum ChangeOfDay {
    ProviderAway {
        provider: String,
        day: usize,
        from: u32,
        to: u32,
    },
    RoomClosed {
        room: String,
        day: usize,
        from: u32,
        to: u32,
    },
    EquipmentDown {
        equipment: String,
        day: usize,
        from: u32,
        to: u32,
    },
    /// One more request, or many of them: an emergency, a surge.
    Wanted { requests: Vec<Request> },
    /// No longer wanted.
    Withdrawn { request: String },
}

/// A week before and after, for deciding.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comparison {
    pub before: Goals,
    pub plan: Plan,
    pub moved: Vec<String>,
    /// Had a place, and has none now.
    pub lost: Vec<String>,
    /// Placed for the first time.
    pub placed: Vec<String>,
}

/// The problem in which everything the plan placed stands, movable, where the plan put it.
#[must_use]
pub fn standing(problem: &Problem, plan: &Plan) -> Problem {
    let mut standing = problem.clone();
    for request in &mut standing.requests {
        if request.current.as_ref().is_some_and(|it| it.locked) {
            continue;
        }
        let placement = plan.placements.iter().find(|it| it.request == request.id);
        request.current = placement.map(|it| Current {
            day: it.day,
            start: it.start,
            providers: it.providers.clone(),
            facility: it.facility.clone(),
            room: it.room.clone(),
            equipment: it.equipment.clone(),
            locked: false,
        });
    }
    standing
}

fn without(intervals: &mut Vec<Interval>, day: usize, from: u32, to: u32) {
    let whole = std::mem::take(intervals);
    for it in whole {
        if it.day != day || it.to <= from || to <= it.from {
            intervals.push(it);
            continue;
        }
        if it.from < from {
            intervals.push(Interval { to: from, ..it });
        }
        if to < it.to {
            intervals.push(Interval { from: to, ..it });
        }
    }
}

fn close(asset: &mut Asset, day: usize, from: u32, to: u32) {
    without(&mut asset.available, day, from, to);
    without(&mut asset.on_call, day, from, to);
}

fn send_away(provider: &mut Provider, day: usize, from: u32, to: u32) {
    let left = |shift: (usize, u32, u32)| {
        let mut left = vec![Interval {
            day: shift.0,
            from: shift.1,
            to: shift.2,
        }];
        without(&mut left, day, from, to);
        left.into_iter()
    };
    let working = std::mem::take(&mut provider.working).into_iter();
    provider.working = working
        .flat_map(|shift| {
            left((shift.day, shift.from, shift.to)).map(move |it| Working {
                day: it.day,
                from: it.from,
                to: it.to,
                ..shift.clone()
            })
        })
        .collect();
    let on_call = std::mem::take(&mut provider.on_call).into_iter();
    provider.on_call = on_call
        .flat_map(|shift| {
            left((shift.day, shift.from, shift.to)).map(move |it| OnCall {
                day: it.day,
                from: it.from,
                to: it.to,
                ..shift.clone()
            })
        })
        .collect();
}

/// Makes the changes to the problem; what names nobody changes nothing.
pub fn change(problem: &mut Problem, changes: &[ChangeOfDay]) {
    for change in changes {
        match change {
            ChangeOfDay::ProviderAway {
                provider,
                day,
                from,
                to,
            } => {
                let found = problem.providers.iter_mut().filter(|it| it.id == *provider);
                found.for_each(|it| send_away(it, *day, *from, *to));
            }
            ChangeOfDay::RoomClosed {
                room,
                day,
                from,
                to,
            } => {
                let found = problem.rooms.iter_mut().filter(|it| it.id == *room);
                found.for_each(|it| close(it, *day, *from, *to));
            }
            ChangeOfDay::EquipmentDown {
                equipment,
                day,
                from,
                to,
            } => {
                let found = problem
                    .equipment
                    .iter_mut()
                    .filter(|it| it.id == *equipment);
                found.for_each(|it| close(it, *day, *from, *to));
            }
            ChangeOfDay::Wanted { requests } => problem.requests.extend(requests.iter().cloned()),
            ChangeOfDay::Withdrawn { request } => problem.requests.retain(|it| it.id != *request),
        }
    }
}

/// Placements of a plan that is another problem's.
fn strangers(problem: &Problem, plan: &Plan) -> Vec<Fault> {
    let known: HashSet<&str> = problem.requests.iter().map(|it| it.id.as_str()).collect();
    let placements = plan.placements.iter().enumerate();
    let strange = placements.filter(|(_, it)| !known.contains(it.request.as_str()));
    let fault = |index| Fault {
        pointer: format!("/plan/placements/{index}/request"),
        rule: "no such request",
    };
    strange.map(|(index, _)| fault(index)).collect()
}

/// What a change names that is not there.
fn unknown(problem: &Problem, change: &ChangeOfDay, index: usize) -> Vec<Fault> {
    let mut found = Vec::new();
    let mut demand = |holds: bool, field: &str, rule: &'static str| {
        if !holds {
            let pointer = format!("/changes/{index}/{field}");
            found.push(Fault { pointer, rule });
        }
    };
    let named = |assets: &[Asset], id: &String| assets.iter().any(|it| it.id == *id);
    let time = match change {
        ChangeOfDay::ProviderAway {
            provider,
            day,
            from,
            to,
        } => {
            let known = problem.providers.iter().any(|it| it.id == *provider);
            demand(known, "provider", "no such provider");
            Some((*day, *from, *to))
        }
        ChangeOfDay::RoomClosed {
            room,
            day,
            from,
            to,
        } => {
            demand(named(&problem.rooms, room), "room", "no such room");
            Some((*day, *from, *to))
        }
        ChangeOfDay::EquipmentDown {
            equipment,
            day,
            from,
            to,
        } => {
            let known = named(&problem.equipment, equipment);
            demand(known, "equipment", "no such equipment");
            Some((*day, *from, *to))
        }
        ChangeOfDay::Wanted { .. } => None,
        ChangeOfDay::Withdrawn { request } => {
            let known = problem.requests.iter().any(|it| it.id == *request);
            demand(known, "request", "no such request");
            None
        }
    };
    if let Some((day, from, to)) = time {
        demand(day < problem.days.len(), "day", "no such day");
        demand(from < to, "to", "after `from`");
    }
    found
}

/// Plans anew after changes; answers the changed problem beside the plan, so that the plan can be checked against it.
///
/// # Errors
/// All faults of the changed problem; or whatever the plan or the changes name that is not there.
pub fn replan(
    problem: &Problem,
    plan: &Plan,
    changes: &[ChangeOfDay],
    options: &Options,
) -> Result<(Problem, Plan), Vec<Fault>> {
    let mut found = strangers(problem, plan);
    let mut changed = standing(problem, plan);
    for (index, it) in changes.iter().enumerate() {
        found.extend(unknown(&changed, it, index));
        change(&mut changed, std::slice::from_ref(it));
    }
    if !found.is_empty() {
        return Err(found);
    }
    let plan = solve(&changed, options)?;
    Ok((changed, plan))
}

/// The same, told as a comparison; nothing is applied.
///
/// # Errors
/// As [`replan`].
pub fn what_if(
    problem: &Problem,
    plan: &Plan,
    changes: &[ChangeOfDay],
    options: &Options,
) -> Result<Comparison, Vec<Fault>> {
    let (changed, after) = replan(problem, plan, changes, options)?;
    let named = |change: Change| {
        let all = after.placements.iter().filter(|it| it.change == change);
        all.map(|it| it.request.clone()).collect::<Vec<_>>()
    };
    let stood = |id: &String| {
        changed
            .requests
            .iter()
            .any(|it| it.id == *id && it.current.is_some())
    };
    let gone = after.unplaced.iter().map(|it| it.request.clone());
    Ok(Comparison {
        before: plan.score,
        moved: named(Change::Moved),
        lost: gone.filter(stood).collect(),
        placed: named(Change::New),
        plan: after,
    })
}

/// Places one request into weeks that stand: on open time if there is any, otherwise by moving as little as it is worth.
/// Everything that has a `current` place is kept or moved; `request` names one that has none.
///
/// # Errors
/// All faults of the problem, or that it has no such request.
pub fn insert_one(problem: &Problem, request: &str, seed: u64) -> Result<Plan, Vec<Fault>> {
    const STEPS: u64 = 100;
    let mut found = faults(problem);
    let place = problem.requests.iter().position(|it| it.id == request);
    let Some(index) = place.filter(|_| found.is_empty()) else {
        found.push(Fault {
            pointer: "/requests".to_owned(),
            rule: "there is no such request",
        });
        return Err(found);
    };
    let model = compile(problem);
    let mut rng = Rng::new(seed);
    let mut week = Week::empty(&model);
    stand(&mut week);
    let first_cost = week.cost;
    let mut iterations = 0;
    if week.placed[index].is_none() {
        if let Some(found) = insert::best(&mut week, index, &Look::EVERYWHERE, &mut rng) {
            insert::put(&mut week, index, found.slot);
        } else {
            let mut search = Search::new(&mut week, rng);
            search.run_around(index, STEPS);
            iterations = search.iterations;
        }
    }
    let plan = explain::plan(
        problem,
        &mut week,
        SearchReport {
            seed,
            iterations,
            first_cost,
        },
    );
    debug_assert!(
        verify(problem, &plan).is_empty(),
        "{:?}",
        verify(problem, &plan)
    );
    Ok(plan)
}

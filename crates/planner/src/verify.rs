//! The independent checker: the rules once more, naively, in minutes and names, from the format alone. It shares no
//! code with the search but the types of the problem and the plan.

use std::collections::HashMap;

use serde::Serialize;

use crate::plan::{Change, Goals, Placement, Plan};
use crate::problem::{Asset, Interval, Problem, Provider, Request};

/// A rule a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    pub rule: &'static str,
    pub requests: Vec<String>,
}

/// Everything that is wrong with a plan; nothing, if it keeps every hard rule and reports its score truly.
pub fn verify(problem: &Problem, plan: &Plan) -> Vec<Violation> {
    let mut found = Vec::new();
    let requests: HashMap<&str, &Request> = problem
        .requests
        .iter()
        .map(|it| (it.id.as_str(), it))
        .collect();
    complete(problem, plan, &mut found);
    let mut pairs = Vec::new();
    for placement in &plan.placements {
        let Some(request) = requests.get(placement.request.as_str()) else {
            say(&mut found, "unknown request", &[placement]);
            continue;
        };
        pairs.push((*request, placement));
    }
    for (request, placement) in &pairs {
        alone(problem, request, placement, &mut found);
    }
    for (at, one) in pairs.iter().enumerate() {
        for other in &pairs[at + 1..] {
            together(problem, one, other, &mut found);
        }
    }
    for provider in &problem.providers {
        worked(problem, provider, &pairs, &mut found);
    }
    score(problem, plan, &pairs, &mut found);
    found
}

fn say(found: &mut Vec<Violation>, rule: &'static str, placements: &[&Placement]) {
    found.push(Violation {
        rule,
        requests: placements.iter().map(|it| it.request.clone()).collect(),
    });
}

/// Every request is answered exactly once.
fn complete(problem: &Problem, plan: &Plan, found: &mut Vec<Violation>) {
    let mut answers: HashMap<&str, usize> = HashMap::new();
    let placed = plan.placements.iter().map(|it| it.request.as_str());
    let unplaced = plan.unplaced.iter().map(|it| it.request.as_str());
    for id in placed.chain(unplaced) {
        *answers.entry(id).or_default() += 1;
    }
    for request in &problem.requests {
        if answers.get(request.id.as_str()) != Some(&1) {
            found.push(Violation {
                rule: "every request is answered once",
                requests: vec![request.id.clone()],
            });
        }
    }
}

fn is_locked(request: &Request) -> bool {
    request.current.as_ref().is_some_and(|it| it.locked)
}

fn covers(intervals: &[Interval], day: usize, from: i64, to: i64) -> bool {
    // Neighbouring intervals hold together: minute by minute is slow and beyond doubt.
    (from..to).all(|minute| {
        intervals
            .iter()
            .any(|it| it.day == day && i64::from(it.from) <= minute && minute < i64::from(it.to))
    })
}

/// The minutes in which providers, room and equipment are held.
fn held(request: &Request, placement: &Placement) -> (i64, i64) {
    (
        i64::from(placement.start) - i64::from(request.prep),
        i64::from(placement.start) + i64::from(request.duration) + i64::from(request.cleanup),
    )
}

fn alone(problem: &Problem, request: &Request, placement: &Placement, found: &mut Vec<Violation>) {
    let mut demand = |holds: bool, rule: &'static str| {
        if !holds {
            say(found, rule, &[placement]);
        }
    };
    if let Some(current) = request.current.as_ref().filter(|it| it.locked) {
        let stands = placement.change == Change::Locked
            && (placement.day, placement.start) == (current.day, current.start)
            && placement.providers == current.providers
            && placement.room == current.room
            && placement.equipment == current.equipment;
        demand(stands, "a locked appointment stands where it stood");
        return;
    }
    let day = placement.day;
    let (from, _) = held(request, placement);
    let (start, end) = (
        i64::from(placement.start),
        i64::from(placement.start + request.duration),
    );
    demand(
        placement.end == placement.start + request.duration,
        "it lasts as long as it should",
    );
    demand(
        problem
            .days
            .get(day)
            .is_some_and(|it| from >= 0 && end <= i64::from(it.minutes)),
        "it lies within a day",
    );
    let within =
        |it: &Interval| it.day == day && i64::from(it.from) <= start && end <= i64::from(it.to);
    demand(
        request.windows.is_empty() || request.windows.iter().any(within),
        "it lies within a window",
    );
    let align = request.align.unwrap_or(problem.tick_minutes);
    demand(
        placement.start.is_multiple_of(align),
        "it starts where it may",
    );
    demand(
        request.facilities.is_empty() || request.facilities.contains(&placement.facility),
        "it is in a facility it may use",
    );
    demand(
        attended(problem, request, placement),
        "those attend who may",
    );
    for id in &placement.providers {
        demand(
            works(problem, request, placement, id),
            "those who attend work there and then",
        );
    }
    let (room, units) = served(problem, request, placement);
    demand(room, "it has the room it needs");
    demand(units, "it has the equipment it needs");
}

/// Whether a provider's shifts there, and those of the call it came by, cover all he is held for.
fn works(problem: &Problem, request: &Request, placement: &Placement, id: &String) -> bool {
    let (from, to) = held(request, placement);
    let shifts: Vec<Interval> = problem
        .providers
        .iter()
        .filter(|it| it.id == *id)
        .flat_map(|it| {
            let working = it.working.iter();
            let on_call = it.on_call.iter();
            let called = on_call.filter(|it| request.call.as_ref() == Some(&it.call));
            working
                .map(|it| (&it.facility, it.day, it.from, it.to))
                .chain(called.map(|it| (&it.facility, it.day, it.from, it.to)))
        })
        .filter(|it| *it.0 == placement.facility)
        .map(|(_, day, from, to)| Interval { day, from, to })
        .collect();
    covers(&shifts, placement.day, from, to)
}

/// Whether its room, and whether its equipment, is what it needs and open there and then.
fn served(problem: &Problem, request: &Request, placement: &Placement) -> (bool, bool) {
    let day = placement.day;
    let (from, to) = held(request, placement);
    let open = |it: &Asset| {
        let mut open = it.available.clone();
        if request.call.is_some() {
            open.extend(&it.on_call);
        }
        open
    };
    let serves = |list: &[Asset], id: &String, kind: &String| {
        list.iter().any(|it| {
            it.id == *id
                && it.kind == *kind
                && it.facility == placement.facility
                && covers(&open(it), day, from, to)
        })
    };
    let room = match (&request.room, &placement.room) {
        (None, None) => true,
        (Some(kind), Some(id)) => serves(&problem.rooms, id, kind),
        _ => false,
    };
    let units = request.equipment.len() == placement.equipment.len()
        && request.equipment.iter().all(|kind| {
            placement
                .equipment
                .iter()
                .any(|id| serves(&problem.equipment, id, kind))
        });
    (room, units)
}

fn attended(problem: &Problem, request: &Request, placement: &Placement) -> bool {
    let team = &placement.providers;
    let mut distinct = team.clone();
    distinct.sort();
    distinct.dedup();
    let all = request.all_of.iter().all(|id| team.contains(id));
    let others: Vec<&String> = team
        .iter()
        .filter(|id| !request.all_of.contains(id))
        .collect();
    let others_fit = if request.any_of.is_empty() {
        others.len() == usize::from(request.all_of.is_empty())
    } else {
        others.len() == 1 && request.any_of.contains(others[0])
    };
    let skilled = request.skills.iter().all(|skill| {
        let mut members = problem.providers.iter().filter(|it| team.contains(&it.id));
        members.any(|it| it.skills.contains(skill))
    });
    all && others_fit && skilled && distinct.len() == team.len()
}

fn together(
    problem: &Problem,
    (one_request, one): &(&Request, &Placement),
    (other_request, other): &(&Request, &Placement),
    found: &mut Vec<Violation>,
) {
    // Two locked appointments may be overbooked on purpose.
    if one.day != other.day || (is_locked(one_request) && is_locked(other_request)) {
        return;
    }
    let overlap = |(from, to): (i64, i64), (start, end): (i64, i64)| from < end && start < to;
    let (first, second) = (held(one_request, one), held(other_request, other));
    if one.providers.iter().any(|id| other.providers.contains(id)) {
        if overlap(first, second) {
            say(found, "a provider is in one place at a time", &[one, other]);
        } else if one.facility != other.facility {
            let (earlier, later, pause) = if first.0 < second.0 {
                (one, other, second.0 - first.1)
            } else {
                (other, one, first.0 - second.1)
            };
            if pause < way(problem, &earlier.facility, &later.facility) {
                say(found, "a provider has time for the way", &[one, other]);
            }
        }
    }
    if overlap(first, second) {
        if one.room.is_some() && one.room == other.room {
            say(found, "a room holds one visit at a time", &[one, other]);
        }
        if one.equipment.iter().any(|id| other.equipment.contains(id)) {
            say(found, "equipment serves one visit at a time", &[one, other]);
        }
    }
    let visit = |request: &Request, it: &Placement| {
        (i64::from(it.start), i64::from(it.start + request.duration))
    };
    if one_request.patient == other_request.patient
        && overlap(visit(one_request, one), visit(other_request, other))
    {
        say(found, "a patient is in one place at a time", &[one, other]);
    }
}

/// Whether a provider's limits hold; what is locked counts, but breaks nothing by itself.
fn worked(
    problem: &Problem,
    provider: &Provider,
    pairs: &[(&Request, &Placement)],
    found: &mut Vec<Violation>,
) {
    let its: Vec<&(&Request, &Placement)> = pairs
        .iter()
        .filter(|(_, it)| it.providers.contains(&provider.id))
        .collect();
    for most in &provider.limits.most {
        let on = its.iter().filter(|(_, it)| most.days.contains(&it.day));
        let minutes: i64 = on
            .clone()
            .map(|(request, it)| held(request, it))
            .map(|(from, to)| to - from)
            .sum();
        let chosen: Vec<&Placement> = on
            .filter(|(request, _)| !is_locked(request))
            .map(|it| it.1)
            .collect();
        if minutes > i64::from(most.minutes) && !chosen.is_empty() {
            say(found, "a provider works no longer than he may", &chosen);
        }
    }
    let absolute = |(request, it): &(&Request, &Placement)| {
        let before = problem.days.iter().take(it.day);
        let before: i64 = before.map(|day| i64::from(day.minutes)).sum();
        let (from, to) = held(request, it);
        (before + from, before + to)
    };
    for one in &its {
        for other in &its {
            let (day, next) = (one.1.day, other.1.day);
            let one_shift = (day..next).all(|it| provider.limits.through.contains(&it));
            let both_locked = is_locked(one.0) && is_locked(other.0);
            let rested = absolute(other).0 - absolute(one).1 >= i64::from(provider.limits.rest);
            if day < next && !one_shift && !both_locked && !rested {
                say(found, "a provider rests between days", &[one.1, other.1]);
            }
        }
    }
}

fn way(problem: &Problem, from: &str, to: &str) -> i64 {
    let mut minutes = None;
    for it in &problem.travel {
        if it.from == from && it.to == to {
            minutes = Some(it.minutes);
            break;
        }
    }
    for it in &problem.travel {
        if minutes.is_none() && it.from == to && it.to == from {
            minutes = Some(it.minutes);
        }
    }
    i64::from(minutes.unwrap_or(0))
}

fn score(
    problem: &Problem,
    plan: &Plan,
    pairs: &[(&Request, &Placement)],
    found: &mut Vec<Violation>,
) {
    let mut total = Goals::default();
    for (request, placement) in pairs {
        let cost = recomputed(problem, request, placement);
        if cost != placement.cost {
            say(found, "a placement's cost is what it says", &[placement]);
        }
        total += cost;
    }
    for unplaced in &plan.unplaced {
        let Some(request) = problem.requests.iter().find(|it| it.id == unplaced.request) else {
            continue;
        };
        let mut cost = Goals {
            unplaced: problem.weights.unplaced.of(request.priority),
            ..Goals::default()
        };
        if request.current.is_some() {
            cost.cancelled = problem.weights.cancelled;
        }
        total += cost.totalled();
    }
    if total != plan.score {
        found.push(Violation {
            rule: "the score is the sum of its parts",
            requests: Vec::new(),
        });
    }
}

fn recomputed(problem: &Problem, request: &Request, placement: &Placement) -> Goals {
    let mut goals = Goals::default();
    if is_locked(request) {
        return goals;
    }
    let weights = problem.weights;
    let day = placement.day;
    let first = request.windows.iter().map(|it| it.day).min().unwrap_or(0);
    goals.wait = weights.wait_per_day.of(request.priority)
        * i64::try_from(day.saturating_sub(first)).unwrap_or(0);
    let opens = request
        .windows
        .iter()
        .filter(|it| it.day == day)
        .map(|it| it.from)
        .min();
    if let Some(opens) = opens {
        let hours = placement.start.saturating_sub(opens) / 60;
        goals.wait += weights.wait_per_hour.of(request.priority) * i64::from(hours);
    }
    let preferred = |it: &Interval| it.day == day && (it.from..it.to).contains(&placement.start);
    if !request.preferred_windows.is_empty() && !request.preferred_windows.iter().any(preferred) {
        goals.preferred_time = weights.preferred_time;
    }
    let team = &placement.providers;
    let liked = &request.preferred_providers;
    if !liked.is_empty() && !liked.iter().any(|id| team.contains(id)) {
        goals.preferred_provider = weights.preferred_provider;
    }
    if request
        .continuity
        .as_ref()
        .is_some_and(|id| !team.contains(id))
    {
        goals.continuity = weights.continuity;
    }
    if let Some(current) = &request.current {
        if day != current.day {
            goals.moved = weights.moved + weights.moved_day;
        } else if placement.start != current.start {
            goals.moved = weights.moved;
        }
        let (mut was, mut is) = (current.providers.clone(), team.clone());
        was.sort();
        is.sort();
        if was != is {
            goals.moved_provider = weights.moved_provider;
        }
    }
    goals.totalled()
}

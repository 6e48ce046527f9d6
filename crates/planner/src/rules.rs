//! What a request may have and what that costs, in minutes and names: the one statement of the goals, from which the
//! search's tables and the report are made. (`verify` states them again, from the format alone.)

use std::collections::HashSet;

use crate::compile::holds;
use crate::plan::Goals;
use crate::problem::{Problem, Request};

/// Minutes from one facility to another; the opposite way serves where this one is not given.
pub fn travel(problem: &Problem, from: &str, to: &str) -> u32 {
    let way = |from: &str, to: &str| {
        let mut ways = problem.travel.iter();
        ways.find(|it| it.from == from && it.to == to)
            .map(|it| it.minutes)
    };
    if from == to {
        return 0;
    }
    way(from, to).or_else(|| way(to, from)).unwrap_or(0)
}

/// The sets of providers who may attend together.
pub fn teams<'a>(problem: &'a Problem, request: &'a Request) -> Vec<Vec<&'a str>> {
    let all: Vec<&str> = unique(request.all_of.iter().map(String::as_str));
    let candidates: Vec<&str> = if request.any_of.is_empty() && all.is_empty() {
        problem.providers.iter().map(|it| it.id.as_str()).collect()
    } else {
        unique(request.any_of.iter().map(String::as_str))
    };
    let mut teams: Vec<Vec<&str>> = if candidates.is_empty() {
        vec![all]
    } else {
        let others = candidates.iter().filter(|it| !all.contains(it));
        others
            .map(|one| all.iter().chain([one]).copied().collect())
            .collect()
    };
    teams.retain(|team| missing_skills(problem, request, team).is_empty());
    teams
}

fn unique<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The skills nobody of the team has.
pub fn missing_skills<'a>(problem: &Problem, request: &'a Request, team: &[&str]) -> Vec<&'a str> {
    let has = |skill: &String| {
        problem
            .providers
            .iter()
            .any(|it| team.contains(&it.id.as_str()) && it.skills.contains(skill))
    };
    request
        .skills
        .iter()
        .filter(|skill| !has(skill))
        .map(String::as_str)
        .collect()
}

/// May the visit begin at this minute, as far as it is up to the request and the day?
pub fn may_start(problem: &Problem, request: &Request, day: usize, start: u32) -> bool {
    let end = start + request.duration;
    let aligned = request
        .align
        .is_none_or(|align| start.is_multiple_of(align));
    let within =
        request.windows.is_empty() || request.windows.iter().any(|it| holds(it, day, start, end));
    aligned && within && end <= problem.days[day].minutes
}

/// What leaving it out misses.
pub fn unplaced_goals(problem: &Problem, request: &Request) -> Goals {
    let existing = request.current.as_ref().is_some_and(|it| !it.locked);
    Goals {
        unplaced: problem.weights.unplaced.of(request.priority),
        cancelled: if existing {
            problem.weights.cancelled
        } else {
            0
        },
        ..Goals::default()
    }
    .totalled()
}

/// What these providers miss.
pub fn team_goals(problem: &Problem, request: &Request, team: &[&str]) -> Goals {
    let weights = &problem.weights;
    let attends = |id: &String| team.contains(&id.as_str());
    let mut goals = Goals::default();
    if !request.preferred_providers.is_empty() && !request.preferred_providers.iter().any(attends) {
        goals.preferred_provider = weights.preferred_provider;
    }
    if request.continuity.as_ref().is_some_and(|it| !attends(it)) {
        goals.continuity = weights.continuity;
    }
    if let Some(current) = &request.current {
        let same = current.providers.len() == team.len() && current.providers.iter().all(attends);
        if !same {
            goals.moved_provider = weights.moved_provider;
        }
    }
    goals.totalled()
}

/// What this time misses.
pub fn time_goals(problem: &Problem, request: &Request, day: usize, start: u32) -> Goals {
    let weights = &problem.weights;
    let first_day = request.windows.iter().map(|it| it.day).min().unwrap_or(0);
    let days = i64::try_from(day.saturating_sub(first_day)).unwrap_or(i64::MAX);
    let today = request.windows.iter().filter(|it| it.day == day);
    let opens = today.map(|it| it.from).min().unwrap_or(start);
    let hours = i64::from(start.saturating_sub(opens) / 60);
    let mut goals = Goals {
        wait: days * weights.wait_per_day.of(request.priority)
            + hours * weights.wait_per_hour.of(request.priority),
        ..Goals::default()
    };
    let preferred = &request.preferred_windows;
    if !preferred.is_empty() && !preferred.iter().any(|it| holds(it, day, start, start + 1)) {
        goals.preferred_time = weights.preferred_time;
    }
    if let Some(current) = &request.current
        && (current.day, current.start) != (day, start)
    {
        goals.moved = weights.moved
            + if current.day == day {
                0
            } else {
                weights.moved_day
            };
    }
    goals.totalled()
}

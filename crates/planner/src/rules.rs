//! What a request may have and what that costs, in minutes and names: the one statement of the goals, from which the
//! search's tables and the report are made. (`verify` states them again, from the format alone.)

use std::collections::HashSet;

use crate::plan::Goals;
use crate::problem::{Interval, Problem, Provider, Request};

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
    let named = |ids: &'a [String]| -> Vec<&'a Provider> {
        let all = unique(ids.iter().map(String::as_str));
        let find = |id: &str| problem.providers.iter().find(|it| it.id == id);
        all.into_iter().filter_map(find).collect()
    };
    let all = named(&request.all_of);
    let candidates: Vec<&Provider> = if request.any_of.is_empty() && all.is_empty() {
        problem.providers.iter().collect()
    } else {
        named(&request.any_of)
    };
    let skilled = |team: &[&Provider]| missing_skills(request, team).is_empty();
    if candidates.is_empty() {
        return Vec::from_iter(
            skilled(&all).then(|| all.iter().map(|it| it.id.as_str()).collect()),
        );
    }
    let mut team = all.clone();
    let mut teams = Vec::new();
    for one in candidates {
        if all.iter().any(|it| it.id == one.id) {
            continue;
        }
        team.push(one);
        if skilled(&team) {
            teams.push(team.iter().map(|it| it.id.as_str()).collect());
        }
        team.pop();
    }
    teams
}

fn unique<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

/// The skills nobody of the team has.
pub fn missing_skills<'a>(request: &'a Request, team: &[&Provider]) -> Vec<&'a str> {
    let skills = request.skills.iter();
    skills
        .filter(|skill| !team.iter().any(|it| it.skills.contains(skill)))
        .map(String::as_str)
        .collect()
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

/// What a request may have on one day, and what each start of it misses.
pub struct DayRules<'a> {
    problem: &'a Problem,
    request: &'a Request,
    day: usize,
    windows: Vec<Interval>,
    preferred: Vec<Interval>,
    opens: Option<u32>,
    days_waited: i64,
}

impl<'a> DayRules<'a> {
    pub fn new(problem: &'a Problem, request: &'a Request, day: usize) -> Self {
        let today = |all: &[Interval]| -> Vec<Interval> {
            all.iter().filter(|it| it.day == day).copied().collect()
        };
        let windows = today(&request.windows);
        let first_day = request.windows.iter().map(|it| it.day).min().unwrap_or(0);
        Self {
            problem,
            request,
            day,
            opens: windows.iter().map(|it| it.from).min(),
            windows,
            preferred: today(&request.preferred_windows),
            days_waited: i64::try_from(day.saturating_sub(first_day)).unwrap_or(i64::MAX),
        }
    }

    /// May the visit begin at this minute, as far as it is up to the request and the day?
    pub fn may_start(&self, start: u32) -> bool {
        let end = start + self.request.duration;
        let aligned = |align| start.is_multiple_of(align);
        let holds = |it: &Interval| it.from <= start && end <= it.to;
        end <= self.problem.days[self.day].minutes
            && self.request.align.is_none_or(aligned)
            && (self.request.windows.is_empty() || self.windows.iter().any(holds))
    }

    /// What starting at this minute misses.
    pub fn goals(&self, start: u32) -> Goals {
        let (weights, request) = (&self.problem.weights, self.request);
        let hours = i64::from(start.saturating_sub(self.opens.unwrap_or(start)) / 60);
        let mut goals = Goals {
            wait: self.days_waited * weights.wait_per_day.of(request.priority)
                + hours * weights.wait_per_hour.of(request.priority),
            ..Goals::default()
        };
        let inside = |it: &Interval| it.from <= start && start < it.to;
        if !request.preferred_windows.is_empty() && !self.preferred.iter().any(inside) {
            goals.preferred_time = weights.preferred_time;
        }
        if let Some(current) = &request.current
            && (current.day, current.start) != (self.day, start)
        {
            let other_day = current.day != self.day;
            goals.moved = weights.moved + if other_day { weights.moved_day } else { 0 };
        }
        goals.totalled()
    }
}

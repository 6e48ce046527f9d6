//! From a problem to its plan.

use crate::bound::lower_bound;
use crate::check::{Fault, faults};
use crate::compile::compile;
use crate::explain;
use crate::guide::Guide;
use crate::insert;
use crate::model::Model;
use crate::plan::{Plan, SearchReport};
use crate::prices::Prices;
use crate::problem::{Problem, Request};
use crate::rng::Rng;
use crate::search::{Budget, Search};
use crate::week::Week;

#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    pub budget: Budget,
    /// How long to work on the lower bound; the plan carries none without.
    pub bound: Option<Budget>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            budget: Budget::Time(std::time::Duration::from_secs(2)),
            bound: None,
        }
    }
}

/// The best plan found within the budget. Movable appointments begin where they stand.
///
/// # Errors
/// All faults of the problem.
pub fn solve(problem: &Problem, options: &Options) -> Result<Plan, Vec<Fault>> {
    let begun = std::time::Instant::now();
    let found = faults(problem);
    if !found.is_empty() {
        return Err(found);
    }
    if problem.requests.iter().all(Request::stands) {
        return Ok(of_nothing(problem, options));
    }
    let model = compile(problem);
    let mut rng = Rng::new(options.seed);
    let mut week = Week::empty(&model);
    stand(&mut week);
    insert::construct(&mut week, &mut rng);
    let mut report = SearchReport {
        seed: options.seed,
        iterations: 0,
        first_cost: week.cost,
    };
    let guide = guide(&model, week.cost, options.budget);
    let budget = match options.budget {
        Budget::Time(most) => Budget::Time(most.saturating_sub(begun.elapsed())),
        iterations @ Budget::Iterations(_) => iterations,
    };
    let mut search = Search::new(&mut week, rng);
    search.run(budget, Some(guide));
    report.iterations = search.iterations;
    let bound = options
        .bound
        .map(|budget| lower_bound(&model, week.cost, budget));
    let mut plan = explain::plan(problem, &mut week, report);
    plan.bound = bound;
    Ok(plan)
}

/// The plan of a week in which nothing is to be placed.
fn of_nothing(problem: &Problem, options: &Options) -> Plan {
    let model = compile(problem);
    let report = SearchReport {
        seed: options.seed,
        iterations: 0,
        first_cost: 0,
    };
    let mut plan = explain::plan(problem, &mut Week::empty(&model), report);
    plan.bound = options.bound.map(|_| 0);
    plan
}

/// What time is worth, found within a part of the budget.
fn guide(model: &Model, known: i64, budget: Budget) -> Guide {
    const STEPS: u64 = 400;
    let begun = std::time::Instant::now();
    let mut prices = Prices::new(model);
    for _ in 0..STEPS {
        let late = matches!(budget, Budget::Time(most) if begun.elapsed() > most / 5);
        if late || !prices.improve(known) {
            break;
        }
    }
    Guide::new(model, &mut prices, known)
}

/// A lower bound on the cost of every plan of this problem, for a plan that is known already.
///
/// # Errors
/// All faults of the problem.
pub fn bound(problem: &Problem, known_cost: i64, budget: Budget) -> Result<i64, Vec<Fault>> {
    let found = faults(problem);
    if !found.is_empty() {
        return Err(found);
    }
    Ok(lower_bound(&compile(problem), known_cost, budget))
}

/// Puts every movable appointment where it stands, the more important first, as far as that is still possible.
pub fn stand(week: &mut Week<'_>) {
    let model: &Model = week.model;
    let mut standing: Vec<usize> = (0..model.requests.len())
        .filter(|it| model.requests[*it].current.is_some())
        .collect();
    standing.sort_by_key(|it| std::cmp::Reverse(model.requests[*it].rank));
    for request in standing {
        let wanted = &model.requests[request];
        let Some(slot) = wanted.current else { continue };
        let mut days = wanted.days.iter().filter(|it| it.day == slot.day);
        let allowed = days.any(|it| it.levels.iter().any(|it| it.starts.has(slot.start)));
        let choice = &wanted.options[slot.option];
        if allowed && week.starts(request, choice, slot.day).has(slot.start) {
            insert::put(week, request, slot);
        }
    }
}

//! A week with nothing in it is a week: whatever is missing, a plan is answered, and nothing panics.

use std::time::Duration;

use planner::generate::{Clinic, clinic, lock_some};
use planner::{
    Budget, ChangeOfDay, Options, Plan, Problem, Reason, insert_one, replan, solve, verify,
};

fn week() -> Problem {
    clinic(&Clinic {
        requests: 6,
        providers: 3,
        days: 2,
        load: 80,
        seed: 7,
    })
}

fn budgets() -> [Budget; 4] {
    [
        Budget::Iterations(0),
        Budget::Iterations(300),
        Budget::Time(Duration::ZERO),
        Budget::Time(Duration::from_millis(30)),
    ]
}

fn options(budget: Budget) -> Options {
    Options {
        seed: 1,
        budget,
        bound: Some(Budget::Iterations(20)),
    }
}

/// Solves it by every budget; each plan keeps every rule and names every request.
fn plans(problem: &Problem) -> Vec<Plan> {
    let solved = budgets().map(|budget| {
        let plan = solve(problem, &options(budget)).expect("a sound problem");
        assert_eq!(verify(problem, &plan), []);
        let told = plan.placements.len() + plan.unplaced.len();
        assert_eq!(told, problem.requests.len());
        plan
    });
    solved.into()
}

#[test]
fn a_plan_of_nothing_is_empty() {
    let mut problem = week();
    problem.requests.clear();
    for plan in plans(&problem) {
        assert!(plan.placements.is_empty() && plan.unplaced.is_empty());
        assert_eq!((plan.score.total, plan.bound), (0, Some(0)));
    }
}

#[test]
fn what_is_left_when_the_only_request_is_withdrawn_is_an_empty_plan() {
    let mut problem = week();
    problem.requests.truncate(1);
    let options = options(Budget::Iterations(50));
    let plan = solve(&problem, &options).expect("a sound problem");
    let gone = ChangeOfDay::Withdrawn {
        request: problem.requests[0].id.clone(),
    };
    let (_, after) = replan(&problem, &plan, &[gone], &options).expect("a sound problem");
    assert!(after.placements.is_empty() && after.unplaced.is_empty());
}

#[test]
fn a_change_that_names_what_is_not_there_is_a_fault() {
    let problem = week();
    let options = options(Budget::Iterations(50));
    let plan = solve(&problem, &options).expect("a sound problem");
    let away = |provider: &str, day, (from, to)| ChangeOfDay::ProviderAway {
        provider: provider.to_owned(),
        day,
        from,
        to,
    };
    let known = problem.providers[0].id.as_str();
    let changes = [
        away("Nobody", 0, (0, 60)),
        away(known, 2, (0, 60)),
        away(known, 1, (60, 60)),
        ChangeOfDay::RoomClosed {
            room: "no-room".to_owned(),
            day: 0,
            from: 0,
            to: 60,
        },
        ChangeOfDay::Withdrawn {
            request: "no-request".to_owned(),
        },
    ];
    let pointers = |plan: &Plan, changes: &[ChangeOfDay]| -> Vec<String> {
        let faults = replan(&problem, plan, changes, &options).expect_err("faults");
        faults.into_iter().map(|it| it.pointer).collect()
    };
    let told = [
        "/changes/0/provider",
        "/changes/1/day",
        "/changes/2/to",
        "/changes/3/room",
        "/changes/4/request",
    ];
    assert_eq!(pointers(&plan, &changes), told);
    let mut others = plan.clone();
    others.placements[0].request = "of another week".to_owned();
    assert_eq!(pointers(&others, &[]), ["/plan/placements/0/request"]);
}

#[test]
fn a_day_is_one_of_the_calendar_and_comes_once() {
    let mut problem = week();
    for (date, fault) in [
        ("2026-02-30", true),
        ("2026-2-3", true),
        ("tomorrow", true),
        ("2028-02-29", false),
    ] {
        problem.days[0].date = date.to_owned();
        assert_eq!(
            solve(&problem, &options(Budget::Iterations(0))).is_err(),
            fault,
            "{date}"
        );
    }
    problem.days[1].date = problem.days[0].date.clone();
    let faults = solve(&problem, &options(Budget::Iterations(0))).expect_err("twice");
    assert_eq!(faults[0].pointer, "/days/1/date");
}

#[test]
fn without_providers_nobody_is_placed() {
    let mut problem = week();
    problem.providers.clear();
    for request in &mut problem.requests {
        (request.continuity, request.current) = (None, None);
        request.any_of.clear();
        request.all_of.clear();
        request.preferred_providers.clear();
    }
    for plan in plans(&problem) {
        assert!(plan.placements.is_empty());
    }
    problem.rooms.clear();
    problem.equipment.clear();
    for request in &mut problem.requests {
        request.facilities.clear();
    }
    for plan in plans(&problem) {
        assert!(plan.placements.is_empty());
    }
}

/// A holiday, or everybody away.
#[test]
fn where_nobody_works_that_is_the_reason() {
    let mut problem = week();
    for provider in &mut problem.providers {
        provider.working.clear();
    }
    for plan in plans(&problem) {
        let reasons: Vec<Reason> = plan.unplaced.iter().map(|it| it.reason).collect();
        assert_eq!(reasons, [Reason::NotWorking; 6]);
    }
}

#[test]
fn without_rooms_or_devices_what_needs_them_is_left_out() {
    let mut problem = week();
    problem.rooms.clear();
    problem.equipment.clear();
    for plan in plans(&problem) {
        let placed = plan.placements.iter();
        assert!(placed.filter(|it| it.room.is_some()).count() == 0);
    }
}

#[test]
fn a_week_without_days_is_refused() {
    let mut problem = week();
    problem.days.clear();
    for budget in budgets() {
        let faults = solve(&problem, &options(budget)).expect_err("no days");
        assert!(faults.iter().any(|it| it.pointer == "/days"));
    }
}

#[test]
fn where_all_is_locked_all_stands() {
    let mut problem = week();
    let plan = solve(&problem, &options(Budget::Iterations(200))).expect("a sound problem");
    lock_some(&mut problem, &plan, 1000, 1);
    let locked = |it: &planner::Request| it.current.as_ref().is_some_and(|at| at.locked);
    problem.requests.retain(locked);
    assert!(!problem.requests.is_empty());
    for plan in plans(&problem) {
        assert_eq!(plan.placements.len(), problem.requests.len());
    }
}

#[test]
fn one_request_alone_is_placed_into_a_week_without_others() {
    let mut problem = week();
    problem.requests.truncate(1);
    let id = problem.requests[0].id.clone();
    let plan = insert_one(&problem, &id, 1).expect("a sound problem");
    assert_eq!(plan.placements.len() + plan.unplaced.len(), 1);
    problem.requests.clear();
    assert!(insert_one(&problem, &id, 1).is_err());
}

#[test]
fn requests_without_any_worth_change_nothing() {
    let mut problem = week();
    problem.weights = planner::Weights {
        unplaced: planner::ByPriority {
            low: 0,
            medium: 0,
            high: 0,
            urgent: 0,
        },
        ..problem.weights
    };
    for plan in plans(&problem) {
        assert_eq!(plan.bound, Some(0));
    }
}

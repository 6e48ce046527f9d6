//! What is told of a placement is true.

use planner::generate::{Clinic, clinic};
use planner::{Budget, ByPriority, Interval, Options, Plan, Problem, solve};

fn one_visit() -> Problem {
    let mut problem = clinic(&Clinic {
        requests: 1,
        providers: 2,
        days: 2,
        load: 60,
        seed: 3,
    });
    let free = ByPriority {
        low: 0,
        medium: 0,
        high: 0,
        urgent: 0,
    };
    problem.weights.wait_per_hour = free;
    problem.weights.preferred_time = 50;
    for working in problem.providers.iter_mut().flat_map(|it| &mut it.working) {
        (working.from, working.to) = (8 * 60, 17 * 60);
    }
    let request = &mut problem.requests[0];
    request.room = None;
    request.equipment.clear();
    request.continuity = None;
    request.windows.clear();
    request.preferred_windows.clear();
    problem
}

fn planned(problem: &Problem) -> Plan {
    let options = Options {
        budget: Budget::Iterations(200),
        ..Options::default()
    };
    solve(problem, &options).expect("a sound problem")
}

#[test]
fn what_waits_for_a_preferred_hour_is_not_said_to_be_as_early_as_it_may_be() {
    let mut problem = one_visit();
    problem.requests[0].preferred_windows = vec![Interval {
        day: 0,
        from: 9 * 60,
        to: 11 * 60,
    }];
    let plan = planned(&problem);
    let placement = &plan.placements[0];
    assert!(placement.start >= 9 * 60, "{placement:?}");
    let said = |text: &str| placement.why.iter().any(|it| it == text);
    assert!(
        !said("As early as it may be.") && said("Waiting until then costs nothing."),
        "{placement:?}"
    );
}

#[test]
fn what_begins_at_the_first_start_of_all_is_said_to() {
    let mut problem = one_visit();
    let plan = planned(&problem);
    let start = plan.placements[0].start;
    let end = plan.placements[0].end;
    problem.requests[0].windows = vec![Interval {
        day: plan.placements[0].day,
        from: start,
        to: end,
    }];
    let plan = planned(&problem);
    let placement = &plan.placements[0];
    assert_eq!(placement.start, start);
    assert!(placement.why.contains(&"As early as it may be.".to_owned()));
}

//! Whatever the week, no hard rule is broken and the score is what it says: judged by the checker that shares no code
//! with the search.

use planner::generate::{Clinic, clinic, lock_some};
use planner::{
    Budget, Change, ChangeOfDay, Goals, Interval, Options, Plan, Problem, insert_one, replan,
    solve, verify, what_if,
};
use proptest::prelude::*;

fn steps(iterations: u64, seed: u64) -> Options {
    Options {
        seed,
        budget: Budget::Iterations(iterations),
        bound: None,
    }
}

/// Weeks of all kinds: small and crowded, odd lengths, movable and locked appointments, several facilities.
fn weeks() -> impl Strategy<Value = (Problem, u64)> {
    let sizes = (1..70_usize, 1..16_usize, 1..7_usize, 60..200_usize);
    (sizes, any::<u64>(), 0..3_u8).prop_map(|((requests, providers, days, load), seed, twist)| {
        let mut problem = clinic(&Clinic {
            requests,
            providers,
            days,
            load,
            seed,
        });
        if twist > 0 {
            odd_lengths(&mut problem);
        }
        if twist > 1 {
            let plan = solve(&problem, &steps(50, seed)).expect("a sound problem");
            lock_some(&mut problem, &plan, 300, seed);
        }
        (problem, seed)
    })
}

/// Nothing lies on the grid any more.
fn odd_lengths(problem: &mut Problem) {
    for (at, request) in problem.requests.iter_mut().enumerate() {
        let odd = u32::try_from(at % 7).expect("small");
        request.duration += odd;
        request.cleanup += odd % 3;
        request.prep += odd % 2;
    }
    for (at, provider) in problem.providers.iter_mut().enumerate() {
        for working in &mut provider.working {
            working.from += u32::try_from(at % 4).expect("small");
        }
    }
}

fn must_hold(problem: &Problem, plan: &Plan) -> Result<(), TestCaseError> {
    let violations = verify(problem, plan);
    prop_assert!(violations.is_empty(), "{:?}", violations);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn no_hard_rule_is_broken_and_the_score_is_true((problem, seed) in weeks()) {
        let plan = solve(&problem, &steps(400, seed)).expect("a sound problem");
        must_hold(&problem, &plan)?;
        prop_assert!(plan.score.total <= plan.search.first_cost);
    }

    #[test]
    fn no_plan_undercuts_the_bound((problem, seed) in weeks()) {
        let options = Options { bound: Some(Budget::Iterations(60)), ..steps(300, seed) };
        let plan = solve(&problem, &options).expect("a sound problem");
        let longer = solve(&problem, &steps(1500, seed ^ 1)).expect("a sound problem");
        prop_assert!(plan.bound.expect("asked for") <= longer.score.total.min(plan.score.total));
    }

    #[test]
    fn a_changed_week_keeps_the_rules((problem, seed) in weeks(), day in 0..7_usize, who in any::<prop::sample::Index>()) {
        let plan = solve(&problem, &steps(100, seed)).expect("a sound problem");
        let provider = who.get(&problem.providers).id.clone();
        let day = day % problem.days.len();
        let changes = [ChangeOfDay::ProviderAway { provider: provider.clone(), day, from: 0, to: 1440 }];
        let (changed, after) = replan(&problem, &plan, &changes, &steps(300, seed)).expect("sound still");
        must_hold(&changed, &after)?;
        let still_there = after.placements.iter().any(|it| {
            it.change != Change::Locked && it.day == day && it.providers.contains(&provider)
        });
        prop_assert!(!still_there, "nobody is left with who is away");
    }

    #[test]
    fn one_more_request_keeps_the_rules((problem, seed) in weeks()) {
        let plan = solve(&problem, &steps(200, seed)).expect("a sound problem");
        let standing = planner::standing(&problem, &plan);
        let Some(absent) = plan.unplaced.first() else { return Ok(()) };
        let after = insert_one(&standing, &absent.request, seed).expect("sound still");
        must_hold(&standing, &after)?;
    }
}

#[test]
fn the_same_seed_gives_the_same_plan() {
    let problem = clinic(&Clinic::week(80, 14, 7));
    let plans = [1, 2].map(|_| solve(&problem, &steps(2000, 5)).expect("a sound problem"));
    let texts = plans.map(|plan| serde_json::to_string(&plan).expect("JSON"));
    assert_eq!(texts[0], texts[1]);
    let other = solve(&problem, &steps(2000, 6)).expect("a sound problem");
    assert_ne!(texts[0], serde_json::to_string(&other).expect("JSON"));
}

#[test]
fn nothing_moves_where_nothing_has_changed() {
    let problem = clinic(&Clinic::week(60, 4, 3));
    let plan = solve(&problem, &steps(3000, 1)).expect("a sound problem");
    let compared = what_if(&problem, &plan, &[], &steps(50, 2)).expect("sound still");
    let lost: Vec<String> = Vec::new();
    assert_eq!((compared.lost, compared.before), (lost, plan.score));
    assert!(compared.moved.len() < 3, "{:?}", compared.moved);
}

#[test]
fn an_absence_moves_few_of_the_others() {
    let problem = clinic(&Clinic {
        load: 80,
        ..Clinic::week(80, 6, 11)
    });
    let plan = solve(&problem, &steps(3000, 1)).expect("a sound problem");
    let provider = problem.providers[0].id.clone();
    let hit = plan
        .placements
        .iter()
        .filter(|it| it.day == 1 && it.providers.contains(&provider))
        .count();
    let away = ChangeOfDay::ProviderAway {
        provider,
        day: 1,
        from: 0,
        to: 1440,
    };
    let compared = what_if(&problem, &plan, &[away], &steps(3000, 1)).expect("sound still");
    assert!(hit > 0, "the day was worked");
    assert!(compared.moved.len() + compared.lost.len() >= hit);
    assert!(
        compared.moved.len() + compared.lost.len() <= hit * 2,
        "{hit} visits lost their provider, {:?} moved",
        compared.moved
    );
}

#[test]
fn the_checker_sees_what_is_wrong() {
    let problem = clinic(&Clinic::week(60, 4, 3));
    let plan = solve(&problem, &steps(500, 1)).expect("a sound problem");
    assert!(verify(&problem, &plan).is_empty());
    let spoilt = |spoil: &dyn Fn(&mut Plan)| {
        let mut wrong = plan.clone();
        spoil(&mut wrong);
        let rules: Vec<&str> = verify(&problem, &wrong).iter().map(|it| it.rule).collect();
        rules
    };
    let first = &plan.placements[0];
    let twin = plan
        .placements
        .iter()
        .position(|it| it.day == first.day && it.providers != first.providers && it.room.is_some())
        .expect("somebody else works that day");
    let rules = spoilt(&|it| {
        let (start, providers, room) = (
            it.placements[0].start,
            it.placements[0].providers.clone(),
            it.placements[0].room.clone(),
        );
        let other = &mut it.placements[twin];
        other.end = other.end - other.start + start;
        other.start = start;
        other.providers = providers;
        other.room = room;
    });
    assert!(
        rules.contains(&"a provider is in one place at a time"),
        "{rules:?}"
    );
    let rules = spoilt(&|it| it.placements[0].start = 6 * 60);
    assert!(
        rules.contains(&"those who attend work there and then"),
        "{rules:?}"
    );
    let rules = spoilt(&|it| it.score.total -= 1);
    assert_eq!(rules, ["the score is the sum of its parts"]);
    let rules = spoilt(&|it| drop(it.placements.pop()));
    assert!(
        rules.contains(&"every request is answered once"),
        "{rules:?}"
    );
    let rules = spoilt(&|it| it.placements[twin].room = None);
    assert!(rules.contains(&"it has the room it needs"), "{rules:?}");
    let rules = spoilt(&|it| {
        it.placements[0].cost = Goals {
            wait: 999,
            ..Goals::default()
        }
    });
    assert!(
        rules.contains(&"a placement's cost is what it says"),
        "{rules:?}"
    );
}

#[test]
fn what_cannot_be_placed_says_why() {
    use planner::Reason;
    let mut problem = clinic(&Clinic::week(8, 2, 1));
    problem.requests.truncate(6);
    for request in &mut problem.requests {
        request.windows.clear();
        request.skills.clear();
        request.any_of.clear();
        request.all_of.clear();
        request.equipment.clear();
        request.room = None;
        request.prep = 0;
        request.duration = 20;
    }
    problem.requests[0].skills = vec!["alchemy".to_owned()];
    problem.requests[1].room = Some("observatory".to_owned());
    problem.requests[2].equipment = vec!["cyclotron".to_owned()];
    problem.requests[3].windows = vec![Interval {
        day: 0,
        from: 600,
        to: 610,
    }];
    problem.requests[4].windows = vec![Interval {
        day: 0,
        from: 60,
        to: 300,
    }];
    problem.requests[5].duration = 900;
    let plan = solve(&problem, &steps(50, 1)).expect("a sound problem");
    let reason = |id: usize| {
        let id = &problem.requests[id].id;
        plan.unplaced
            .iter()
            .find(|it| it.request == *id)
            .map(|it| it.reason)
    };
    assert_eq!(reason(0), Some(Reason::NoProvider));
    assert_eq!(reason(1), Some(Reason::NoRoom));
    assert_eq!(reason(2), Some(Reason::NoEquipment));
    assert_eq!(reason(3), Some(Reason::NoWindow));
    assert_eq!(reason(4), Some(Reason::NotWorking));
    assert_eq!(reason(5), Some(Reason::NotWorking));
}

#[test]
fn faults_name_where_they_are() {
    let mut problem = clinic(&Clinic::week(5, 2, 1));
    problem.requests[2].any_of = vec!["nobody".to_owned()];
    problem.requests[3].windows = vec![Interval {
        day: 9,
        from: 0,
        to: 10,
    }];
    problem.requests[4].id = problem.requests[0].id.clone();
    let faults = solve(&problem, &steps(1, 1)).expect_err("three faults");
    assert_eq!(faults[0].pointer, "/requests/4/id");
    problem.requests[4].id = "another".to_owned();
    let faults = solve(&problem, &steps(1, 1)).expect_err("two faults");
    let pointers: Vec<&str> = faults.iter().map(|it| it.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/requests/2/any_of", "/requests/3/windows/0/day"]
    );
}

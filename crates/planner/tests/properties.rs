//! Whatever the week, no hard rule is broken and the score is what it says: judged by the checker that shares no code
//! with the search.

use planner::generate::{Clinic, clinic, lock_some};
use planner::{
    Budget, Change, ChangeOfDay, Goals, Interval, Most, OnCall, Options, Plan, Problem, insert_one,
    replan, solve, verify, what_if,
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
        limit_work(&mut problem, seed);
        if twist > 1 {
            let plan = solve(&problem, &steps(50, seed)).expect("a sound problem");
            lock_some(&mut problem, &plan, 300, seed);
        }
        (problem, seed)
    })
}

/// Limits of some of the providers, on call others, and emergencies that call for them.
fn limit_work(problem: &mut Problem, seed: u64) {
    let days: Vec<usize> = (0..problem.days.len()).collect();
    for (at, provider) in problem.providers.iter_mut().enumerate() {
        let chance = seed.rotate_left(u32::try_from(at % 64).expect("small"));
        if chance.is_multiple_of(3) {
            let day = 60 + u32::try_from(chance % 90).expect("small");
            provider.limits.most = days
                .iter()
                .map(|it| Most {
                    days: vec![*it],
                    minutes: day,
                })
                .collect();
            provider.limits.most.push(Most {
                days: days.clone(),
                minutes: day * 3,
            });
        }
        if chance.is_multiple_of(5) {
            provider.limits.rest = 840 + u32::try_from(chance % 700).expect("small");
            provider.limits.through = if chance % 2 == 0 { vec![0] } else { Vec::new() };
        }
        if chance % 4 == 1 {
            let facility = provider.working[0].facility.clone();
            provider.on_call.push(OnCall {
                day: at % days.len(),
                from: 19 * 60,
                to: 23 * 60,
                facility,
                call: format!("call-{}", at % 2),
            });
        }
    }
    for room in problem.rooms.iter_mut().step_by(2) {
        room.on_call.push(Interval {
            day: 0,
            from: 20 * 60,
            to: 1440,
        });
    }
    for (at, request) in problem.requests.iter_mut().enumerate() {
        if at % 6 == 0 {
            request.call = Some(format!("call-{}", at % 4 / 2));
        }
    }
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

/// One provider with work enough for both days, and what he may do of it.
fn limited(limits: planner::Limits) -> (Problem, Plan) {
    let mut problem = clinic(&Clinic::week(8, 1, 1));
    problem.days.truncate(2);
    (problem.rooms, problem.equipment) = (Vec::new(), Vec::new());
    let working = |day, from, to| planner::Working {
        day,
        from,
        to,
        facility: "F0".to_owned(),
    };
    problem.providers[0].working = vec![working(0, 1140, 1380), working(1, 300, 900)];
    problem.providers[0].limits = limits;
    for request in &mut problem.requests {
        request.windows.clear();
        request.preferred_windows.clear();
        request.skills.clear();
        request.any_of.clear();
        request.all_of.clear();
        request.equipment.clear();
        request.room = None;
        (request.prep, request.duration, request.cleanup) = (5, 50, 5);
    }
    let plan = solve(&problem, &steps(300, 1)).expect("a sound problem");
    assert!(verify(&problem, &plan).is_empty());
    (problem, plan)
}

#[test]
fn limits_of_work_are_hard() {
    let (_, free) = limited(planner::Limits::default());
    assert_eq!(free.placements.len(), 8);
    let most = |days: &[usize], minutes| Most {
        days: days.to_vec(),
        minutes,
    };
    let sums = planner::Limits {
        most: vec![most(&[0], 130), most(&[0, 1], 300)],
        ..planner::Limits::default()
    };
    let (mut problem, plan) = limited(sums);
    assert_eq!(plan.placements.len(), 5, "three hundred minutes in all");
    assert_eq!(plan.placements.iter().filter(|it| it.day == 0).count(), 2);
    problem.providers[0].limits.most[1].minutes = 299;
    let rules: Vec<&str> = verify(&problem, &plan).iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["a provider works no longer than he may"]);
    let rest = planner::Limits {
        rest: 660,
        ..planner::Limits::default()
    };
    let (mut problem, plan) = limited(rest);
    let ends = plan.placements.iter().filter(|it| it.day == 0);
    let ends = ends.map(|it| it.end + 5).max().expect("the first day");
    let begins = plan.placements.iter().filter(|it| it.day == 1);
    let begins = begins.map(|it| it.start - 5).min().expect("the second");
    assert!(begins + 1440 >= ends + 660, "{begins} after {ends}");
    problem.providers[0].limits.rest = begins + 1440 - ends + 1;
    let rules: Vec<&str> = verify(&problem, &plan).iter().map(|it| it.rule).collect();
    assert!(
        rules.contains(&"a provider rests between days"),
        "{rules:?}"
    );
    problem.providers[0].limits.through = vec![0];
    assert!(
        verify(&problem, &plan).is_empty(),
        "one shift needs no rest"
    );
}

#[test]
fn only_emergencies_call_those_on_call() {
    let (mut problem, _) = limited(planner::Limits::default());
    for request in &mut problem.requests {
        request.windows = vec![Interval {
            day: 1,
            from: 1200,
            to: 1440,
        }];
    }
    problem.providers[0].on_call = vec![OnCall {
        day: 1,
        from: 1200,
        to: 1440,
        facility: "F0".to_owned(),
        call: "surgery".to_owned(),
    }];
    problem.requests[3].call = Some("surgery".to_owned());
    problem.requests[4].call = Some("stroke".to_owned());
    let plan = solve(&problem, &steps(300, 1)).expect("a sound problem");
    let placed: Vec<&str> = plan.placements.iter().map(|it| &*it.request).collect();
    assert_eq!(placed, ["R3"]);
    assert_eq!(plan.placements[0].facility, "F0");
    assert!(verify(&problem, &plan).is_empty());
    problem.requests[3].call = None;
    let rules: Vec<&str> = verify(&problem, &plan).iter().map(|it| it.rule).collect();
    assert_eq!(rules, ["those who attend work there and then"]);
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

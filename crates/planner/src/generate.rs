//! Clinic weeks made by chance, for tests and figures: somewhat more demand than there is time.

use crate::problem::{
    Asset, Current, Day, Interval, Priority, Problem, Provider, Request, Travel, Weights, Working,
};
use crate::rng::Rng;

/// What kind of weeks.
#[derive(Clone, Copy, Debug)]
pub struct Clinic {
    pub requests: usize,
    pub providers: usize,
    pub days: usize,
    /// Wanted time over working time, in per cent: above 100, not everybody finds a place.
    pub load: usize,
    pub seed: u64,
}

impl Clinic {
    pub fn week(requests: usize, providers: usize, seed: u64) -> Self {
        Self {
            requests,
            providers,
            days: 5,
            load: 105,
            seed,
        }
    }
}

const SKILLS: [&str; 4] = ["general", "cardiology", "dermatology", "paediatrics"];

struct Service {
    duration: u32,
    prep: u32,
    cleanup: u32,
    room: Option<&'static str>,
    equipment: &'static [&'static str],
    share: usize,
}

const SERVICES: [Service; 7] = [
    Service {
        duration: 15,
        prep: 0,
        cleanup: 0,
        room: Some("exam"),
        equipment: &[],
        share: 25,
    },
    Service {
        duration: 20,
        prep: 0,
        cleanup: 5,
        room: Some("exam"),
        equipment: &[],
        share: 25,
    },
    Service {
        duration: 30,
        prep: 0,
        cleanup: 5,
        room: Some("exam"),
        equipment: &[],
        share: 20,
    },
    Service {
        duration: 20,
        prep: 0,
        cleanup: 0,
        room: None,
        equipment: &[],
        share: 8,
    },
    Service {
        duration: 30,
        prep: 5,
        cleanup: 5,
        room: Some("exam"),
        equipment: &["ultrasound"],
        share: 8,
    },
    Service {
        duration: 25,
        prep: 0,
        cleanup: 5,
        room: Some("exam"),
        equipment: &["ecg"],
        share: 7,
    },
    Service {
        duration: 60,
        prep: 10,
        cleanup: 15,
        room: Some("procedure"),
        equipment: &[],
        share: 7,
    },
];

/// A clinic of one facility for each twelve providers or part of them; above twelve, some work in two.
pub fn clinic(kind: &Clinic) -> Problem {
    let mut rng = Rng::new(kind.seed);
    let mut problem = Problem {
        tick_minutes: 5,
        days: (0..kind.days)
            .map(|day| Day {
                date: format!("2026-03-{:02}", day + 2),
                minutes: 1440,
            })
            .collect(),
        weights: Weights::default(),
        ..Problem::default()
    };
    let facilities = kind.providers.div_ceil(12);
    for at in 0..facilities {
        for other in 0..at {
            problem.travel.push(Travel {
                from: format!("F{other}"),
                to: format!("F{at}"),
                minutes: 20 + u32::try_from(at - other).unwrap_or(0) * 5,
            });
        }
    }
    requests(kind, &mut problem, &mut rng);
    providers(kind, facilities, &mut problem, &mut rng);
    assets(kind, facilities, &mut problem);
    wishes(&mut problem, &mut rng);
    problem
}

fn requests(kind: &Clinic, problem: &mut Problem, rng: &mut Rng) {
    for at in 0..kind.requests {
        let mut chance = rng.below(100);
        let mut service = &SERVICES[0];
        for one in &SERVICES {
            service = one;
            if chance < one.share {
                break;
            }
            chance -= one.share;
        }
        let priority = match rng.below(100) {
            0..=4 => Priority::Urgent,
            5..=24 => Priority::High,
            25..=69 => Priority::Medium,
            _ => Priority::Low,
        };
        problem.requests.push(Request {
            id: format!("R{at}"),
            // One patient in ten comes twice.
            patient: format!(
                "P{}",
                if at > 0 && rng.chance(100) {
                    at - 1
                } else {
                    at
                }
            ),
            priority,
            duration: service.duration,
            prep: service.prep,
            cleanup: service.cleanup,
            skills: vec![SKILLS[[0, 0, 1, 2, 3][rng.below(5)]].to_owned()],
            any_of: Vec::new(),
            all_of: Vec::new(),
            facilities: Vec::new(),
            room: service.room.map(str::to_owned),
            equipment: service
                .equipment
                .iter()
                .map(|it| (*it).to_owned())
                .collect(),
            windows: Vec::new(),
            preferred_windows: Vec::new(),
            preferred_providers: Vec::new(),
            continuity: None,
            align: None,
            call: None,
            current: None,
        });
    }
}

/// Shifts of two parts whose length follows from the demand.
fn providers(kind: &Clinic, facilities: usize, problem: &mut Problem, rng: &mut Rng) {
    let wanted: u32 = problem
        .requests
        .iter()
        .map(|it| it.prep + it.duration + it.cleanup)
        .sum();
    let shifts = (kind.providers * kind.days * 2).max(1);
    let per_shift = wanted as usize * 100 / kind.load.max(1) / shifts;
    let half = u32::try_from(per_shift.clamp(45, 360))
        .unwrap_or(240)
        .next_multiple_of(5);
    for at in 0..kind.providers {
        let home = at % facilities;
        let away = (home + 1) % facilities;
        let second = SKILLS[rng.below(SKILLS.len())];
        let first = SKILLS[at % SKILLS.len()];
        let travels = facilities > 1 && rng.chance(250);
        let mut provider = Provider {
            id: format!("D{at}"),
            skills: vec![first.to_owned()],
            ..Provider::default()
        };
        if second != first {
            provider.skills.push(second.to_owned());
        }
        if at % 2 == 1 && !provider.skills.iter().any(|it| it == SKILLS[0]) {
            provider.skills.push(SKILLS[0].to_owned());
        }
        for day in 0..kind.days {
            let late = u32::try_from(rng.below(4)).unwrap_or(0) * 15;
            let afternoon = if travels && day % 2 == 0 { away } else { home };
            let begin = 8 * 60 + late;
            let morning = Working {
                day,
                from: begin,
                to: begin + half,
                facility: format!("F{home}"),
            };
            let from = (begin + half + 45).max(13 * 60);
            let later = Working {
                day,
                from,
                to: from + half,
                facility: format!("F{afternoon}"),
            };
            provider.working.extend([morning, later]);
        }
        problem.providers.push(provider);
    }
}

fn assets(kind: &Clinic, facilities: usize, problem: &mut Problem) {
    let here = kind.providers.div_ceil(facilities);
    for facility in 0..facilities {
        let mut add = |name: &str, count: usize, room: bool| {
            for at in 0..count {
                let available = (0..kind.days).map(|day| Interval {
                    day,
                    from: 7 * 60,
                    to: 20 * 60,
                });
                let asset = Asset {
                    id: format!("{name}-{facility}-{at}"),
                    kind: name.to_owned(),
                    facility: format!("F{facility}"),
                    available: available.collect(),
                    on_call: Vec::new(),
                };
                if room {
                    &mut problem.rooms
                } else {
                    &mut problem.equipment
                }
                .push(asset);
            }
        };
        add("exam", (here * 9).div_ceil(10), true);
        add("procedure", here.div_ceil(6), true);
        add("ultrasound", here.div_ceil(8), false);
        add("ecg", here.div_ceil(8), false);
    }
}

fn wishes(problem: &mut Problem, rng: &mut Rng) {
    let days = problem.days.len();
    let providers = problem.providers.clone();
    for request in &mut problem.requests {
        wish_hours(request, days, rng);
        wish_people(request, &providers, rng);
        if request.duration >= 30 && rng.chance(200) {
            request.align = Some(15);
        }
    }
}

fn wish_hours(request: &mut Request, days: usize, rng: &mut Rng) {
    let opens = |day| Interval {
        day,
        from: 7 * 60,
        to: 13 * 60,
    };
    let closes = |day| Interval {
        day,
        from: 13 * 60,
        to: 21 * 60,
    };
    if request.priority == Priority::Urgent {
        let first = rng.below(days);
        let last = (first + 2).min(days);
        request.windows = (first..last)
            .map(|day| Interval {
                day,
                from: 7 * 60,
                to: 21 * 60,
            })
            .collect();
    } else if rng.chance(400) {
        let away = rng.below(days);
        let half = rng.below(2);
        request.windows = (0..days)
            .filter(|day| *day != away)
            .map(|day| match (day % 2 == half, rng.chance(300)) {
                (_, false) => Interval {
                    day,
                    from: 7 * 60,
                    to: 21 * 60,
                },
                (true, true) => opens(day),
                (false, true) => closes(day),
            })
            .collect();
    }
    if rng.chance(400) {
        let morning = rng.chance(500);
        request.preferred_windows = (0..days)
            .map(|day| if morning { opens(day) } else { closes(day) })
            .collect();
    }
}

fn wish_people(request: &mut Request, providers: &[Provider], rng: &mut Rng) {
    let able: Vec<&Provider> = providers
        .iter()
        .filter(|it| request.skills.iter().all(|skill| it.skills.contains(skill)))
        .collect();
    if able.is_empty() {
        request.skills.clear();
    } else if rng.chance(400) {
        request.continuity = Some(able[rng.below(able.len())].id.clone());
    } else if rng.chance(300) {
        request.preferred_providers = (0..2)
            .map(|_| able[rng.below(able.len())].id.clone())
            .collect();
        request.preferred_providers.dedup();
    }
    if request.duration == 60 && rng.chance(300) && providers.len() > 1 {
        let colleague = &providers[rng.below(providers.len())];
        two_attend(request, colleague, &able);
    }
}

/// Whoever is able, and a named colleague of the same facility.
fn two_attend(request: &mut Request, colleague: &Provider, able: &[&Provider]) {
    let facility = &colleague.working[0].facility;
    let near = able
        .iter()
        .filter(|it| it.id != colleague.id && it.working[0].facility == *facility);
    request.any_of = near.map(|it| it.id.clone()).collect();
    if !request.any_of.is_empty() {
        request.all_of = vec![colleague.id.clone()];
    }
}

/// Locks some of the week: visits that are promised already, each on time nobody else holds.
pub fn lock_some(
    problem: &mut Problem,
    plan: &crate::plan::Plan,
    share_in_thousand: usize,
    seed: u64,
) {
    let mut rng = Rng::new(seed);
    for placement in &plan.placements {
        let found = problem
            .requests
            .iter_mut()
            .find(|it| it.id == placement.request);
        if let Some(request) = found
            && rng.chance(share_in_thousand)
        {
            request.current = Some(Current {
                day: placement.day,
                start: placement.start,
                providers: placement.providers.clone(),
                facility: placement.facility.clone(),
                room: placement.room.clone(),
                equipment: placement.equipment.clone(),
                locked: true,
            });
        }
    }
}

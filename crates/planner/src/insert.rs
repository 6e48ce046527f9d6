//! Finding a request its place: the cheapest start that is open, and among equals the one that leaves no splinters.

use crate::grid::Grid;
use crate::guide::Pick;
use crate::model::{Model, NO_ASSETS, Slot};
use crate::rng::Rng;
use crate::week::Week;

#[derive(Clone, Copy, Debug)]
pub struct Found {
    pub cost: i64,
    pub slot: Slot,
}

/// How a start sits between what is taken: 0 fills a gap, 1 touches one side, 2 stands alone.
pub fn fit(wanted: &Grid, desk: &Grid, rng: &mut Rng) -> (u8, usize) {
    let (firsts, lasts) = desk.edges();
    let pick = |starts: &Grid, rng: &mut Rng| {
        if rng.chance(500) {
            starts.first()
        } else {
            starts.last()
        }
    };
    let filling = wanted.and(&firsts).and(&lasts);
    if let Some(start) = pick(&filling, rng) {
        return (0, start);
    }
    let touching = wanted.and(&firsts.or(&lasts));
    if let Some(start) = pick(&touching, rng) {
        return (1, start);
    }
    (2, pick(wanted, rng).unwrap_or(0))
}

/// How the search looks for a place.
#[derive(Clone, Copy)]
pub struct Look<'a> {
    /// Skips an option so often in a thousand: the way out of habits.
    pub blink: usize,
    /// `[provider * days + day]`: only where something has changed.
    pub only: Option<&'a [bool]>,
}

impl Look<'_> {
    pub const EVERYWHERE: Look<'static> = Look {
        blink: 0,
        only: None,
    };
}

/// The cheapest place for a request below the cost of leaving it out, its assets not chosen yet.
pub fn best(week: &mut Week<'_>, request: usize, look: &Look<'_>, rng: &mut Rng) -> Option<Found> {
    let model: &Model = week.model;
    let wanted = &model.requests[request];
    let mut best: Option<Found> = None;
    let mut best_key = (wanted.unplaced - 1, 3);
    let cheapest = wanted.days.first()?.levels[0].cost;
    for (option, choice) in wanted.options.iter().enumerate() {
        if choice.cost + cheapest > best_key.0 {
            break;
        }
        let provider = model.desks[choice.desks[0]].provider;
        for day in &wanted.days {
            let least = choice.cost + day.levels[0].cost;
            if (least, 0) >= best_key {
                if least > best_key.0 {
                    break;
                }
                continue;
            }
            let changed = look
                .only
                .is_none_or(|only| only[provider * model.days + day.day]);
            if !changed || (look.blink > 0 && rng.chance(look.blink)) {
                continue;
            }
            let starts = week.starts(request, choice, day.day);
            if starts.is_empty() {
                continue;
            }
            for level in &day.levels {
                let cost = choice.cost + level.cost;
                if (cost, 0) >= best_key {
                    break;
                }
                let open = starts.and(&level.starts);
                if open.is_empty() {
                    continue;
                }
                let desk = week.desk_starts(choice.desks[0], day.day, wanted.profile);
                let (fits, start) = fit(&open, &desk, rng);
                if (cost, fits) < best_key {
                    best_key = (cost, fits);
                    best = Some(Found {
                        cost,
                        slot: Slot {
                            option,
                            day: day.day,
                            start,
                            assets: NO_ASSETS,
                        },
                    });
                }
                break;
            }
        }
    }
    best
}

/// The place of least reduced cost among the request's picks, its assets not chosen yet.
pub fn guided(
    week: &mut Week<'_>,
    request: usize,
    picks: &[Pick],
    look: &Look<'_>,
    rng: &mut Rng,
) -> Option<Found> {
    let model: &Model = week.model;
    let wanted = &model.requests[request];
    let mut best: Option<Found> = None;
    let mut best_key = (u32::MAX, 3);
    for pick in picks {
        if (pick.key, 0) >= best_key {
            break;
        }
        let choice = &wanted.options[pick.option];
        let provider = model.desks[choice.desks[0]].provider;
        let changed = look
            .only
            .is_none_or(|only| only[provider * model.days + pick.day]);
        if !changed || (look.blink > 0 && rng.chance(look.blink)) {
            continue;
        }
        let open = week.starts(request, choice, pick.day).and(&pick.starts);
        if open.is_empty() {
            continue;
        }
        let desk = week.desk_starts(choice.desks[0], pick.day, wanted.profile);
        let (fits, start) = fit(&open, &desk, rng);
        if (pick.key, fits) < best_key {
            best_key = (pick.key, fits);
            best = Some(Found {
                cost: pick.cost,
                slot: Slot {
                    option: pick.option,
                    day: pick.day,
                    start,
                    assets: NO_ASSETS,
                },
            });
        }
    }
    best
}

/// Places the request where `best` found; false where no assets are free together.
pub fn put(week: &mut Week<'_>, request: usize, mut slot: Slot) -> bool {
    let current = week.model.requests[request].current;
    let wished = current.map_or(NO_ASSETS, |it| it.assets);
    match week.choose_assets(request, &slot, &wished) {
        Some(assets) => {
            slot.assets = assets;
            week.place(request, slot);
            true
        }
        None => false,
    }
}

/// What a request would cost at its best and at its second best place, for regret.
#[derive(Clone, Copy)]
struct Regret {
    best: Option<Found>,
    second: i64,
    /// The stamps of the best and second place's desk when looked up.
    seen: [(usize, u32); 2],
}

fn regret(week: &mut Week<'_>, request: usize, rng: &mut Rng) -> Regret {
    let model = week.model;
    let wanted = &model.requests[request];
    let best = best(week, request, &Look::EVERYWHERE, rng);
    let mut regret = Regret {
        best,
        second: wanted.unplaced,
        seen: [(0, week.desk_stamp.first().copied().unwrap_or(0)); 2],
    };
    let Some(found) = best else {
        return regret;
    };
    let first = model.desk_at(wanted.options[found.slot.option].desks[0], found.slot.day);
    regret.seen = [(first, week.desk_stamp[first]); 2];
    for choice in &wanted.options {
        for day in &wanted.days {
            if choice.cost + day.levels[0].cost >= regret.second {
                break;
            }
            let at = model.desk_at(choice.desks[0], day.day);
            if at == first {
                continue;
            }
            let starts = week.starts(request, choice, day.day);
            let mut levels = day.levels.iter();
            let open = levels.find(|it| !starts.and(&it.starts).is_empty());
            if let Some(cost) = open.map(|it| it.cost + choice.cost)
                && cost < regret.second
            {
                regret.second = cost;
                regret.seen[1] = (at, week.desk_stamp[at]);
            }
        }
    }
    regret
}

/// Priority by priority, whoever would lose most by coming second comes first.
pub fn construct(week: &mut Week<'_>, rng: &mut Rng) {
    let mut ranks: Vec<i64> = week
        .absent
        .iter()
        .map(|it| week.model.requests[*it].rank)
        .collect();
    ranks.sort_unstable_by(|one, other| other.cmp(one));
    ranks.dedup();
    for rank in ranks {
        let model = week.model;
        let mut waiting: Vec<usize> = week.absent.clone();
        waiting.retain(|it| model.requests[*it].rank == rank);
        waiting.sort_unstable();
        let mut regrets: Vec<Regret> = Vec::with_capacity(waiting.len());
        for request in &waiting {
            regrets.push(regret(week, *request, rng));
        }
        while !waiting.is_empty() {
            for (at, known) in regrets.iter_mut().enumerate() {
                let stale = known
                    .seen
                    .iter()
                    .any(|(desk, stamp)| week.desk_stamp.get(*desk) != Some(stamp));
                if known.best.is_some() && stale {
                    *known = regret(week, waiting[at], rng);
                }
            }
            // Long visits first among equals: they are the hard ones to fit.
            let dearest = (0..waiting.len()).max_by_key(|at| {
                let wanted = &model.requests[waiting[*at]];
                let loss = regrets[*at]
                    .best
                    .map_or(i64::MIN, |it| regrets[*at].second - it.cost);
                (loss, wanted.length())
            });
            let Some(at) = dearest else { break };
            let request = waiting[at];
            let done = match regrets[at].best {
                None => true,
                Some(found) => {
                    let choice = &model.requests[request].options[found.slot.option];
                    let open = week.starts(request, choice, found.slot.day);
                    open.has(found.slot.start) && put(week, request, found.slot)
                }
            };
            if done {
                waiting.swap_remove(at);
                regrets.swap_remove(at);
            } else {
                regrets[at] = regret(week, request, rng);
            }
        }
    }
}

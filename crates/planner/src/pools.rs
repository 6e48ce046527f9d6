//! Rooms, or devices, that are open alike: counted while the search goes on, named at its end.
//!
//! Whoever holds time on a line can be shared out among as many rooms as are ever wanted at once, each served when it begins
//! by any room that is free then. So the search need not know which room a visit has, and no visit is ever kept out because the
//! time that is left is spread over several rooms.

use crate::grid::{Grid, TICKS};
use crate::model::{Model, NO_ASSET, Slot};
use crate::week::Week;

/// Who holds a pool, and the ticks: from, to.
type Held = (usize, usize, usize);

/// `[group * days + day]` throughout; groups without a pool stay empty.
pub struct Pools {
    held: Vec<Vec<Held>>,
    count: Vec<[u16; TICKS]>,
    full: Vec<Grid>,
}

impl Pools {
    pub fn new(model: &Model) -> Self {
        let all = model.pools.len();
        Self {
            held: vec![Vec::new(); all],
            count: vec![[0; TICKS]; all],
            full: vec![Grid::EMPTY; all],
        }
    }

    /// Where one of the group is free, if it is a pool.
    pub fn free(&self, model: &Model, group: usize, day: usize) -> Option<Grid> {
        let at = group * model.days + day;
        model.pools[at].map(|open| open.without(&self.full[at]))
    }

    /// How many are held at a tick.
    pub fn held(&self, at: usize, tick: usize) -> usize {
        usize::from(self.count[at][tick])
    }

    pub fn hold(&mut self, model: &Model, group: usize, day: usize, held: Held) {
        let at = group * model.days + day;
        if model.pools[at].is_none() {
            return;
        }
        self.held[at].push(held);
        let most = model.groups[group].assets.len();
        for tick in held.1..held.2 {
            self.count[at][tick] += 1;
            if usize::from(self.count[at][tick]) == most {
                self.full[at].set(tick, tick + 1);
            }
        }
    }

    pub fn release(&mut self, model: &Model, group: usize, day: usize, held: Held) {
        let at = group * model.days + day;
        if model.pools[at].is_none() {
            return;
        }
        if let Some(place) = self.held[at].iter().position(|it| it.0 == held.0) {
            self.held[at].swap_remove(place);
        }
        for count in &mut self.count[at][held.1..held.2] {
            *count -= 1;
        }
        self.full[at].clear(held.1, held.2);
    }

    /// Adds to `found` who else would have to go, for one of the group to be free from one tick to another.
    pub fn in_the_way(
        &self,
        model: &Model,
        group: usize,
        day: usize,
        (from, to): (usize, usize),
        found: &mut Vec<usize>,
    ) {
        let at = group * model.days + day;
        let most = model.groups[group].assets.len();
        for tick in from..to {
            loop {
                let there = |it: &&Held| it.1 <= tick && tick < it.2 && !found.contains(&it.0);
                let holders = self.held[at].iter().filter(there);
                if holders.clone().count() < most {
                    break;
                }
                let Some(longest) = holders.max_by_key(|it| (it.2.min(to), it.1, it.0)) else {
                    break;
                };
                found.push(longest.0);
            }
        }
    }
}

/// Where everybody stands, all assets named: the wished ones where that is possible.
pub fn named(week: &Week<'_>) -> Vec<Option<Slot>> {
    let mut named = week.placed.clone();
    let model = week.model;
    for (at, held) in week.pools.held.iter().enumerate() {
        let group = at / model.days;
        let wished = |request: usize| {
            let current = model.requests[request].current?;
            let option = &model.requests[request].options[current.option];
            let place = option.groups.iter().position(|it| *it == group)?;
            Some(current.assets[place])
                .filter(|it| *it != NO_ASSET && current.day == at % model.days)
        };
        let stays = |request: usize| {
            let current = model.requests[request].current?;
            let slot = week.placed[request].as_ref()?;
            Some((slot.day, slot.start) == (current.day, current.start))
        };
        let mut held: Vec<(Held, Option<usize>)> =
            held.iter().map(|it| (*it, wished(it.0))).collect();
        // Those who stay where they are first, then those with a wish; where that leaves somebody without, by the clock, which
        // never does.
        held.sort_by_key(|it| (stays(it.0.0) != Some(true), it.1.is_none(), it.0.1, it.0.0));
        let shared = share(&model.groups[group].assets, &held).or_else(|| {
            held.sort_by_key(|it| (it.0.1, it.0.0));
            share(&model.groups[group].assets, &held)
        });
        for (((request, ..), _), asset) in held.iter().zip(shared.unwrap_or_default()) {
            if let Some(slot) = &mut named[*request] {
                let option = &model.requests[*request].options[slot.option];
                if let Some(place) = option.groups.iter().position(|it| *it == group) {
                    slot.assets[place] = asset;
                }
            }
        }
    }
    named
}

/// An asset for each, one after another; nothing where somebody finds none.
fn share(assets: &[usize], held: &[(Held, Option<usize>)]) -> Option<Vec<usize>> {
    let mut taken = vec![Grid::EMPTY; assets.len()];
    let mut shared = Vec::with_capacity(held.len());
    for ((_, from, to), wished) in held {
        let range = Grid::range(*from, *to);
        let free = |at: &usize| taken[*at].and(&range).is_empty();
        // Whoever left last, so that visits follow each other in a room.
        let idle = |at: &usize| {
            let since = taken[*at].and(&Grid::range(0, *from)).last();
            (
                Some(assets[*at]) != *wished,
                from - since.map_or(0, |it| it + 1),
            )
        };
        let at = (0..assets.len()).filter(free).min_by_key(idle)?;
        taken[at].set(*from, *to);
        shared.push(assets[at]);
    }
    Some(shared)
}

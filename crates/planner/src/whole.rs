//! Whole shifts made anew, many at once: who stands in them is taken out, and [`Master`] says who comes where.
//!
//! Visits of several providers stay where they are, and so does whoever is with somebody whose work is limited. Of the desks of
//! somebody who works in several, one is made anew on a day.

use std::time::Instant;

use crate::fill::SPAN;
use crate::insert;
use crate::master::{Master, Place, Shift, as_float};
use crate::model::{NO_ASSETS, Slot};
use crate::schedules::{Given, Offer};
use crate::search::Search;

/// So often the guide's prices, a little shaken, are asked for first schedules, so many for a shift.
const FIRST: usize = 6;
/// Dives at most.
const DIVES: usize = 60;
/// Ticks of all shifts together at most: with more, the programme takes too long.
const MOST_TICKS: usize = 1000;

impl Search<'_, '_> {
    /// Whether there are shifts to make anew, and not too many.
    pub fn has_shifts(&self) -> bool {
        let shifts = self.shifts();
        let ticks: usize = shifts.iter().map(|it| it.to - it.from).sum();
        (1..=MOST_TICKS).contains(&ticks)
    }

    /// Makes all shifts anew, if that is better.
    pub fn whole_shifts(&mut self, effort: (u64, Option<Instant>)) {
        self.forget_step();
        let before = self.week.cost;
        let mut shifts = self.shifts();
        let standing = self.stand_in(&shifts);
        for given in standing.iter().flatten() {
            self.tear(given.request);
        }
        self.offer(&mut shifts);
        let places = self.better(shifts, standing, self.week.cost - before, effort);
        let settled = places.is_some_and(|it| self.settle(&it));
        if !settled || self.week.cost > before {
            self.undo(None);
        }
    }

    /// Places that save more than those of the schedules that stood.
    fn better(
        &mut self,
        shifts: Vec<Shift>,
        standing: Vec<Vec<Given>>,
        known: i64,
        effort: (u64, Option<Instant>),
    ) -> Option<Vec<Place>> {
        let first = self.first_prices();
        let mut master = Master::new(self.week, shifts, effort);
        for (shift, given) in standing.into_iter().enumerate() {
            master.add(shift, given);
        }
        for prices in &first {
            master.price(FIRST, Some(prices));
        }
        if !master.relax() {
            return None;
        }
        let root = master.save();
        let most = master.whole_value();
        let mut best: Option<(i64, Vec<usize>)> = None;
        for dive in 0..DIVES {
            let known = best.as_ref().map_or(known, |it| it.0);
            if known >= most || master.is_spent() {
                break;
            }
            let chance = (dive > 0).then_some(&mut self.rng);
            best = master.dive(&root, known, chance).or(best);
        }
        let chosen = best?.1;
        Some(chosen.iter().flat_map(|it| master.places(*it)).collect())
    }

    /// Where everybody is to begin to hold time; false where somebody is in another's way.
    fn settle(&mut self, places: &[Place]) -> bool {
        let model = self.week.model;
        places.iter().all(|place| {
            let Place {
                request,
                desk,
                day,
                from,
            } = *place;
            let wanted = &model.requests[request];
            let option = wanted.options.iter().position(|it| it.desks == [desk]);
            let Some(option) = option else { return false };
            let slot = Slot {
                option,
                day,
                start: from + wanted.before,
                assets: NO_ASSETS,
            };
            self.trying.push(request);
            let open = self.week.starts(request, &wanted.options[option], day);
            open.has(slot.start) && insert::put(self.week, request, slot)
        })
    }

    /// Runs of desks' days, as long as nobody with one provider alone stood there.
    fn shifts(&self) -> Vec<Shift> {
        let model = self.week.model;
        let mut shifts = Vec::new();
        for (provider, desks) in model.desks_of.iter().enumerate() {
            for day in (0..model.days).filter(|_| model.limits[provider].is_none()) {
                let there = &self.week.by_provider[provider * model.days + day];
                let visits = |desk: &&usize| {
                    there
                        .iter()
                        .filter(|it| self.stands_at(**it, **desk).is_some())
                        .count()
                };
                let Some(desk) = desks.iter().max_by_key(visits) else {
                    continue;
                };
                let mut free = self.week.free(model.desk_at(*desk, day));
                let held: Vec<(usize, usize)> = there
                    .iter()
                    .filter_map(|it| self.stands_at(*it, *desk))
                    .collect();
                for (from, to) in &held {
                    free.set(*from, *to);
                }
                while let Some(first) = free.first() {
                    let (from, end) = free.run_around(first);
                    let crossed = |to: &usize| held.iter().any(|it| it.0 < *to && *to < it.1);
                    let to = (from + 1..=end.min(from + SPAN))
                        .rev()
                        .find(|it| !crossed(it))
                        .unwrap_or(from + 1);
                    free.clear(from, to);
                    shifts.push(Shift {
                        desk: *desk,
                        day,
                        from,
                        to,
                        offers: Vec::new(),
                    });
                }
            }
        }
        shifts
    }

    /// The ticks a request holds of a desk, if it may be elsewhere and is with nobody else.
    fn stands_at(&self, request: usize, desk: usize) -> Option<(usize, usize)> {
        let model = self.week.model;
        let slot = self.week.placed[request]?;
        let wanted = &model.requests[request];
        let alone = !wanted.locked && wanted.options[slot.option].desks == [desk];
        alone.then(|| model.held(request, &slot))
    }

    /// Who stands in each shift.
    fn stand_in(&self, shifts: &[Shift]) -> Vec<Vec<Given>> {
        let model = self.week.model;
        let within = |shift: &Shift| {
            let provider = model.desks[shift.desk].provider;
            let there = self.week.by_provider[provider * model.days + shift.day].iter();
            let given = there.filter_map(|request| {
                let (from, to) = self.stands_at(*request, shift.desk)?;
                let saves = model.requests[*request].unplaced - self.week.own_cost(*request);
                (shift.from <= from && to <= shift.to).then(|| Given {
                    request: *request,
                    at: from - shift.from,
                    length: to - from,
                    saves,
                })
            });
            given.collect()
        };
        shifts.iter().map(within).collect()
    }

    /// Who could be in each shift.
    fn offer(&mut self, shifts: &mut [Shift]) {
        let model = self.week.model;
        for request in 0..model.requests.len() {
            let wanted = &model.requests[request];
            if self.week.placed[request].is_some() || wanted.locked {
                continue;
            }
            for shift in shifts.iter_mut() {
                let day = wanted.days.iter().find(|it| it.day == shift.day);
                let option = wanted.options.iter().find(|it| it.desks == [shift.desk]);
                let room = (shift.to - shift.from).checked_sub(wanted.length());
                let (Some(day), Some(option), Some(room)) = (day, option, room) else {
                    continue;
                };
                let open = self.week.starts(request, option, shift.day);
                for level in &day.levels {
                    let saves = wanted.unplaced - option.cost - level.cost;
                    let starts = open.and(&level.starts).window(shift.from + wanted.before);
                    let begins = starts & u64::MAX >> (SPAN - 1 - room);
                    if saves > 0 && begins != 0 {
                        shift.offers.push(Offer {
                            request,
                            length: wanted.length(),
                            begins,
                            saves,
                        });
                    }
                }
            }
        }
    }

    /// What the guide thinks a request's place is worth, and the same a little shaken.
    fn first_prices(&mut self) -> Vec<Vec<f64>> {
        let Some(guide) = &self.guide else {
            return Vec::new();
        };
        let requests = &self.week.model.requests;
        let mut all = Vec::new();
        for round in 0..FIRST {
            let price = |request: usize| {
                let price = as_float(requests[request].unplaced) - f64::from(guide.worth(request));
                let shaken = if round == 0 { 150 } else { self.rng.below(300) };
                price.max(0.0) * (850.0 + as_float(i64::try_from(shaken).unwrap_or(0))) / 1000.0
            };
            all.push((0..requests.len()).map(price).collect());
        }
        all
    }
}

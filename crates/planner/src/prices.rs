//! What time is worth: the Lagrangian relaxation of "one visit at a time".
//!
//! Every tick of a provider's or a group of assets' day gets a price; each request then takes its cheapest start by
//! itself, prices included, and the prices of all there is to sell are given back. Whatever the prices, the sum is a
//! lower bound on every plan's cost; a subgradient search looks for prices that make it high. The relaxation has the
//! integrality property, so its best is the bound of the time-indexed linear programme. Patients' own collisions and
//! the way between facilities are left out, which only lowers it.
//!
//! Requests that want the same of the same people share a column, whose cheapest start is looked up once for all of
//! them, and only when somebody's cost leaves room for it.

use std::collections::HashMap;

use crate::grid::{Grid, TICKS};
use crate::guide::rows;
use crate::model::{Choice, Model};

/// The starts of a kind of visit with one team on one day in an empty week.
struct Column {
    starts: Grid,
    before: usize,
    after: usize,
    /// Price rows of the providers and groups it uses: a range of `rows`.
    rows: (usize, usize),
    /// The look-up it was last priced for, and its cheapest start then.
    seen: u64,
    least: f64,
    start: usize,
}

#[derive(Clone, Copy)]
struct Offer {
    cost: f64,
    column: usize,
}

pub struct Prices {
    columns: Vec<Column>,
    rows: Vec<usize>,
    /// Each request's offers, the cheapest first: a range of `offers`.
    offers: Vec<Offer>,
    of: Vec<(usize, usize)>,
    /// Cost of having no place; nothing for what is locked.
    unplaced: Vec<f64>,
    /// `[row * width + tick]`; rows are providers × days, then groups × days.
    width: usize,
    price: Vec<f64>,
    capacity: Vec<f64>,
    used: Vec<f64>,
    direction: Vec<f64>,
    /// Running sums, one longer than the day.
    sums: Vec<f64>,
    lookups: u64,
    best: f64,
    best_price: Vec<f64>,
    pace: f64,
    stuck: u32,
}

/// Ticks of the day on which anything is open.
fn width(model: &Model) -> usize {
    let all = model.desk_open.iter().chain(&model.asset_open);
    all.filter_map(Grid::last)
        .max()
        .map_or(1, |it| it + 1)
        .min(TICKS)
}

#[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
fn as_float(cost: i64) -> f64 {
    cost as f64
}

impl Prices {
    pub fn new(model: &Model) -> Self {
        let width = width(model);
        let capacity = capacity(model, width);
        let cells = capacity.len();
        let mut prices = Self {
            columns: Vec::new(),
            rows: Vec::new(),
            offers: Vec::new(),
            of: Vec::with_capacity(model.requests.len()),
            unplaced: Vec::with_capacity(model.requests.len()),
            width,
            price: vec![0.0; cells],
            used: vec![0.0; cells + cells / width],
            direction: vec![0.0; cells],
            sums: vec![0.0; cells + cells / width],
            lookups: 0,
            best: f64::MIN,
            best_price: vec![0.0; cells],
            pace: 1.0,
            stuck: 0,
            capacity,
        };
        prices.list(model);
        prices
    }

    fn list(&mut self, model: &Model) {
        let mut rows_of: HashMap<(&[usize], &[usize], usize), usize> = HashMap::new();
        let mut columns: HashMap<(usize, usize, Grid), usize> = HashMap::new();
        for (request, wanted) in model.requests.iter().enumerate() {
            let first = self.offers.len();
            for choice in &wanted.options {
                let next = rows_of.len();
                let key = (&choice.desks[..], &choice.groups[..], wanted.profile);
                let kind = *rows_of.entry(key).or_insert(next);
                for day in &wanted.days {
                    if choice.cost + day.levels[0].cost >= wanted.unplaced {
                        continue;
                    }
                    let open = model.empty_week_starts(request, choice, day.day);
                    for level in &day.levels {
                        let starts = open.and(&level.starts);
                        let cost = choice.cost + level.cost;
                        if starts.is_empty() || cost >= wanted.unplaced {
                            continue;
                        }
                        let key = (kind, day.day, starts);
                        let column = *columns.entry(key).or_insert_with(|| {
                            let rows = self.add_rows(model, choice, day.day);
                            self.columns.push(Column {
                                starts,
                                before: wanted.before,
                                after: wanted.after,
                                rows,
                                seen: 0,
                                least: 0.0,
                                start: 0,
                            });
                            self.columns.len() - 1
                        });
                        let cost = as_float(cost);
                        self.offers.push(Offer { cost, column });
                    }
                }
            }
            self.offers[first..].sort_by(|one, other| one.cost.total_cmp(&other.cost));
            self.of.push((first, self.offers.len()));
            let counts = !wanted.locked;
            self.unplaced.push(if counts {
                as_float(wanted.unplaced)
            } else {
                0.0
            });
        }
    }

    fn add_rows(&mut self, model: &Model, choice: &Choice, day: usize) -> (usize, usize) {
        let first = self.rows.len();
        self.rows.extend(rows(model, choice, day));
        (first, self.rows.len())
    }

    /// The highest bound so far.
    pub fn bound(&self) -> f64 {
        self.best
    }

    /// One step of the search for prices; false when there is nothing more to gain.
    pub fn improve(&mut self, known: i64) -> bool {
        let value = self.relaxed();
        if value > self.best + 1e-6 {
            let much = value > self.best + 1e-4 * self.best.abs();
            self.stuck = if much { 0 } else { self.stuck + 1 };
            self.best = value;
            self.best_price.clone_from(&self.price);
        } else {
            self.stuck += 1;
        }
        if self.stuck >= 12 {
            self.stuck = 0;
            self.pace *= 0.6;
            self.price.clone_from(&self.best_price);
            self.direction.fill(0.0);
        }
        self.pace >= 1e-4 && self.follow(as_float(known) - value)
    }

    fn sum_up(&mut self) {
        let rows = self.price.chunks_exact(self.width);
        for (prices, sums) in rows.zip(self.sums.chunks_exact_mut(self.width + 1)) {
            let mut sum = 0.0;
            for (price, at) in prices.iter().zip(&mut sums[1..]) {
                sum += price;
                *at = sum;
            }
        }
        self.lookups += 1;
    }

    /// The cheapest start of a column at these prices.
    fn priced(&mut self, column: usize) -> (f64, usize) {
        let column = &mut self.columns[column];
        if column.seen != self.lookups {
            column.seen = self.lookups;
            column.least = f64::MAX;
            let rows = &self.rows[column.rows.0..column.rows.1];
            for start in column.starts.iter() {
                let (from, to) = (start - column.before, start + column.after);
                let mut price = 0.0;
                for row in rows {
                    let at = row * (self.width + 1);
                    price += self.sums[at + to] - self.sums[at + from];
                }
                if price < column.least {
                    column.least = price;
                    column.start = start;
                }
            }
        }
        (column.least, column.start)
    }

    /// The value of the relaxation at these prices; leaves in `used` what the requests take.
    fn relaxed(&mut self) -> f64 {
        self.used.fill(0.0);
        self.sum_up();
        let sold = self.price.iter().zip(&self.capacity);
        let mut value = -sold.map(|(price, open)| price * open).sum::<f64>();
        for request in 0..self.of.len() {
            let mut least = self.unplaced[request];
            let mut taken = None;
            for at in self.of[request].0..self.of[request].1 {
                let offer = self.offers[at];
                if offer.cost >= least {
                    break;
                }
                let (price, start) = self.priced(offer.column);
                if offer.cost + price < least {
                    least = offer.cost + price;
                    taken = Some((offer.column, start));
                }
            }
            value += least;
            if let Some((column, start)) = taken {
                let column = &self.columns[column];
                for row in &self.rows[column.rows.0..column.rows.1] {
                    let at = row * (self.width + 1) + start;
                    self.used[at - column.before] += 1.0;
                    self.used[at + column.after] -= 1.0;
                }
            }
        }
        value
    }

    /// A step along the (deflected) subgradient; false when there is none.
    fn follow(&mut self, gap: f64) -> bool {
        let mut norm = 0.0;
        let width = self.width;
        for (row, used) in self.used.chunks_exact(width + 1).enumerate() {
            let mut taken = 0.0;
            for (tick, change) in used[..width].iter().enumerate() {
                taken += change;
                let at = row * width + tick;
                let excess = taken - self.capacity[at];
                let idle = excess < 0.0 && self.price[at] <= 0.0;
                let excess = if idle { 0.0 } else { excess };
                self.direction[at] = 0.6 * self.direction[at] + excess;
                norm += self.direction[at] * self.direction[at];
            }
        }
        if norm == 0.0 || gap <= 0.0 {
            return false;
        }
        let step = self.pace * gap / norm;
        for (price, direction) in self.price.iter_mut().zip(&self.direction) {
            *price = (*price + step * direction).max(0.0);
        }
        true
    }

    /// Back to the best prices found, for [`Prices::of_start`] and [`Prices::worth`].
    pub fn settle(&mut self) {
        self.price.clone_from(&self.best_price);
        self.sum_up();
    }

    /// What a request costs at its best, prices included.
    pub fn worth(&mut self, request: usize) -> f64 {
        let mut least = self.unplaced[request];
        for at in self.of[request].0..self.of[request].1 {
            let offer = self.offers[at];
            if offer.cost >= least {
                break;
            }
            least = least.min(offer.cost + self.priced(offer.column).0);
        }
        least
    }

    /// The price of the time a visit would hold, by price row.
    pub fn of_time(&self, row: usize, from: usize, to: usize) -> f64 {
        let at = row * (self.width + 1);
        self.sums[at + to] - self.sums[at + from]
    }
}

fn capacity(model: &Model, width: usize) -> Vec<f64> {
    let mut capacity = Vec::new();
    let mut add = |grids: &[&Grid]| {
        for tick in 0..width {
            let open = grids.iter().filter(|it| it.has(tick)).count();
            capacity.push(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
        }
    };
    for desks in &model.desks_of {
        for day in 0..model.days {
            let desks = desks.iter();
            let all = desks.map(|desk| model.desk_open[model.desk_at(*desk, day)]);
            add(&[&all.fold(Grid::EMPTY, |all, one| all.or(&one))]);
        }
    }
    for group in &model.groups {
        for day in 0..model.days {
            let all = group.assets.iter();
            let open = all.map(|it| &model.asset_open[it * model.days + day]);
            add(&open.collect::<Vec<_>>());
        }
    }
    capacity
}

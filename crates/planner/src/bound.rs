//! What no plan can undercut: the Lagrangian relaxation of "one visit at a time".
//!
//! Every tick of a provider's or a group of assets' day gets a price; each request then takes its cheapest start by
//! itself, prices included, and the prices of all there is to sell are given back. Whatever the prices, the sum is a
//! lower bound on every plan's cost; a subgradient search looks for prices that make it high. The relaxation has the
//! integrality property, so its best is the bound of the time-indexed linear programme. Patients' own collisions and
//! the way between facilities are left out, which only lowers it.

use std::time::Instant;

use crate::grid::{Grid, TICKS};
use crate::model::Model;
use crate::search::Budget;

/// The starts of one option on one day in an empty week, with the cost of each level.
struct Column {
    cost: i64,
    starts: Grid,
    /// Price rows of the providers and groups it uses.
    rows: Vec<usize>,
}

struct Prices {
    /// `[row * TICKS + tick]`; rows are providers × days, then groups × days.
    price: Vec<f64>,
    capacity: Vec<f64>,
    used: Vec<f64>,
    direction: Vec<f64>,
    /// Running sums, one longer than the day.
    sums: Vec<f64>,
}

const ROW: usize = TICKS + 1;

/// A lower bound on the cost of any plan; `known` is the cost of a plan that exists.
pub fn lower_bound(model: &Model, known: i64, budget: Budget) -> i64 {
    let begun = Instant::now();
    let columns: Vec<Vec<Column>> = (0..model.requests.len())
        .map(|request| columns(model, request))
        .collect();
    let mut prices = Prices::new(model);
    let mut best = f64::MIN;
    let mut best_prices = prices.price.clone();
    let mut pace = 1.0;
    let mut stuck = 0;
    for iteration in 0_u64.. {
        let spent = match budget {
            Budget::Iterations(most) => iteration >= most,
            Budget::Time(most) => iteration > 0 && begun.elapsed() >= most,
        };
        if spent {
            break;
        }
        let value = prices.relaxed(model, &columns);
        if value > best + 1e-6 {
            stuck = if value > best + 1e-4 * best.abs() {
                0
            } else {
                stuck + 1
            };
            best = value;
            best_prices.clone_from(&prices.price);
        } else {
            stuck += 1;
        }
        if stuck >= 12 {
            stuck = 0;
            pace *= 0.6;
            prices.price.clone_from(&best_prices);
            prices.direction.fill(0.0);
        }
        if pace < 1e-4 || !prices.follow(pace, as_float(known) - value) {
            break;
        }
    }
    // A whole number of cost units, shy of rounding.
    let least = (best - 1e-4).ceil().max(0.0);
    known.min(from_float(least))
}

#[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
fn as_float(cost: i64) -> f64 {
    cost as f64
}

#[expect(clippy::cast_possible_truncation, reason = "costs stay far below 2^52")]
fn from_float(cost: f64) -> i64 {
    cost as i64
}

fn columns(model: &Model, request: usize) -> Vec<Column> {
    let wanted = &model.requests[request];
    let group_rows = model.desks_of.len() * model.days;
    let mut columns = Vec::new();
    for choice in &wanted.options {
        for day in &wanted.days {
            let open = model.empty_week_starts(request, choice, day.day);
            let providers = model.providers_of(choice);
            let rows: Vec<usize> = providers
                .map(|provider| provider * model.days + day.day)
                .chain(
                    choice
                        .groups
                        .iter()
                        .map(|it| group_rows + it * model.days + day.day),
                )
                .collect();
            for level in &day.levels {
                let starts = open.and(&level.starts);
                if !starts.is_empty() && choice.cost + level.cost < wanted.unplaced {
                    columns.push(Column {
                        cost: choice.cost + level.cost,
                        starts,
                        rows: rows.clone(),
                    });
                }
            }
        }
    }
    columns.sort_by_key(|it| it.cost);
    columns
}

impl Prices {
    fn new(model: &Model) -> Self {
        let mut capacity = Vec::new();
        let mut add = |grids: &[&Grid]| {
            for tick in 0..TICKS {
                let open = grids.iter().filter(|it| it.has(tick)).count();
                capacity.push(f64::from(u32::try_from(open).unwrap_or(u32::MAX)));
            }
        };
        for desks in &model.desks_of {
            for day in 0..model.days {
                let all = desks
                    .iter()
                    .map(|desk| model.desk_open[model.desk_at(*desk, day)]);
                add(&[&all.fold(Grid::EMPTY, |all, one| all.or(&one))]);
            }
        }
        for group in &model.groups {
            for day in 0..model.days {
                let all = group.assets.iter();
                let open: Vec<&Grid> = all
                    .map(|it| &model.asset_open[it * model.days + day])
                    .collect();
                add(&open);
            }
        }
        Self {
            price: vec![0.0; capacity.len()],
            used: vec![0.0; capacity.len()],
            direction: vec![0.0; capacity.len()],
            sums: vec![0.0; capacity.len() / TICKS * ROW],
            capacity,
        }
    }

    /// The value of the relaxation at these prices; leaves in `used` what the requests take.
    fn relaxed(&mut self, model: &Model, columns: &[Vec<Column>]) -> f64 {
        self.used.fill(0.0);
        let mut value = 0.0;
        for (row, prices) in self.price.chunks_exact(TICKS).enumerate() {
            let mut sum = 0.0;
            for (tick, price) in prices.iter().enumerate() {
                sum += price;
                self.sums[row * ROW + tick + 1] = sum;
                value -= price * self.capacity[row * TICKS + tick];
            }
        }
        for (wanted, columns) in model.requests.iter().zip(columns) {
            if wanted.locked {
                continue;
            }
            let mut least = as_float(wanted.unplaced);
            let mut taken: Option<(&Column, usize)> = None;
            for column in columns {
                let cost = as_float(column.cost);
                if cost >= least {
                    break;
                }
                for start in column.starts.iter() {
                    let (from, to) = (start - wanted.before, start + wanted.after);
                    let price: f64 = column
                        .rows
                        .iter()
                        .map(|row| self.sums[row * ROW + to] - self.sums[row * ROW + from])
                        .sum();
                    if cost + price < least {
                        least = cost + price;
                        taken = Some((column, start));
                    }
                }
            }
            value += least;
            if let Some((column, start)) = taken {
                for row in &column.rows {
                    let held =
                        row * TICKS + start - wanted.before..row * TICKS + start + wanted.after;
                    self.used[held].iter_mut().for_each(|used| *used += 1.0);
                }
            }
        }
        value
    }

    /// A step along the (deflected) subgradient; false when there is none.
    fn follow(&mut self, pace: f64, gap: f64) -> bool {
        let mut norm = 0.0;
        for at in 0..self.price.len() {
            let excess = self.used[at] - self.capacity[at];
            let excess = if excess < 0.0 && self.price[at] <= 0.0 {
                0.0
            } else {
                excess
            };
            self.direction[at] = 0.6 * self.direction[at] + excess;
            norm += self.direction[at] * self.direction[at];
        }
        if norm == 0.0 || gap <= 0.0 {
            return false;
        }
        let step = pace * gap / norm;
        for (price, direction) in self.price.iter_mut().zip(&self.direction) {
            *price = (*price + step * direction).max(0.0);
        }
        true
    }
}

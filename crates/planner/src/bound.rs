//! What no plan can undercut: the value of the best [`Prices`] found.

use std::time::Instant;

use crate::model::Model;
use crate::prices::Prices;
use crate::search::Budget;

/// A lower bound on the cost of any plan; `known` is the cost of a plan that exists.
pub fn lower_bound(model: &Model, known: i64, budget: Budget) -> i64 {
    let begun = Instant::now();
    let mut prices = Prices::new(model);
    for iteration in 0_u64.. {
        let spent = match budget {
            Budget::Iterations(most) => iteration >= most,
            Budget::Time(most) => iteration > 0 && begun.elapsed() >= most,
        };
        if spent || !prices.improve(known) {
            break;
        }
    }
    // A whole number of cost units, shy of rounding.
    let least = (prices.bound() - 1e-4).ceil().max(0.0);
    known.min(from_float(least))
}

#[expect(clippy::cast_possible_truncation, reason = "costs stay far below 2^52")]
fn from_float(cost: f64) -> i64 {
    cost as i64
}

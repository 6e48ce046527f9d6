//! Where a request belongs, prices included: its starts by reduced cost, the cheapest first.
//!
//! The true cost of a start says what this visit likes; the reduced cost adds what others would pay for the time, less what
//! the visit costs at its best. A start whose reduced cost is greater than the gap between plan and bound stands in no better
//! plan at all, so the guide leaves it out.

use crate::grid::Grid;
use crate::model::{Choice, Model};
use crate::prices::Prices;

/// Reduced costs are told apart in steps of this share of what leaving out a request of middling priority costs, and
/// followed up to this many steps.
const STEP: f64 = 1.0 / 120.0;
const STEPS: f64 = 60.0;
/// Picks a request may have.
const MOST: usize = 100;

/// Starts of one option on one day, of one cost.
#[derive(Clone, Debug)]
pub struct Pick {
    /// Reduced cost in steps, rounded down.
    pub key: u32,
    pub cost: i64,
    pub option: usize,
    pub day: usize,
    pub starts: Grid,
}

pub struct Guide {
    picks: Vec<Pick>,
    /// Each request's: a range of `picks`.
    of: Vec<(usize, usize)>,
    /// What each request costs at its best, prices included.
    worth: Vec<f32>,
}

struct Scale {
    step: f64,
    most: f64,
}

impl Guide {
    /// `known` is the cost of a plan that exists.
    pub fn new(model: &Model, prices: &mut Prices, known: i64) -> Self {
        prices.settle();
        let step = as_float(model.middling()) * STEP;
        let gap = as_float(known) - prices.bound();
        let most = gap.min(STEPS * step).max(step);
        let scale = Scale { step, most };
        let mut guide = Self {
            picks: Vec::new(),
            of: Vec::with_capacity(model.requests.len()),
            worth: Vec::with_capacity(model.requests.len()),
        };
        for request in 0..model.requests.len() {
            let worth = prices.worth(request);
            guide.worth.push(smaller(worth));
            let first = guide.picks.len();
            let mut found = picks(model, prices, request, &scale);
            found.sort_by_key(|it| it.key);
            found.truncate(MOST);
            guide.picks.append(&mut found);
            guide.of.push((first, guide.picks.len()));
        }
        guide
    }

    /// What a request costs at its best, prices included.
    pub fn worth(&self, request: usize) -> f32 {
        self.worth[request]
    }

    pub fn picks(&self, request: usize) -> &[Pick] {
        let (from, to) = self.of[request];
        &self.picks[from..to]
    }
}

fn picks(model: &Model, prices: &mut Prices, request: usize, scale: &Scale) -> Vec<Pick> {
    let wanted = &model.requests[request];
    let worth = prices.worth(request);
    let most = worth + scale.most;
    let mut found: Vec<Pick> = Vec::new();
    for (option, choice) in wanted.options.iter().enumerate() {
        for day in &wanted.days {
            if as_float(choice.cost + day.levels[0].cost) > most {
                break;
            }
            let open = model.empty_week_starts(request, choice, day.day);
            let rows: Vec<usize> = rows(model, choice, day.day).collect();
            for level in &day.levels {
                let cost = choice.cost + level.cost;
                if as_float(cost) > most || cost >= wanted.unplaced {
                    break;
                }
                let here = found.len();
                for start in open.and(&level.starts).iter() {
                    let (from, to) = (start - wanted.before, start + wanted.after);
                    let price: f64 = rows.iter().map(|row| prices.of_time(*row, from, to)).sum();
                    let reduced = as_float(cost) + price - worth;
                    if reduced > scale.most {
                        continue;
                    }
                    let key = whole(reduced / scale.step);
                    match found[here..].iter_mut().find(|it| it.key == key) {
                        Some(pick) => pick.starts.set(start, start + 1),
                        None => found.push(Pick {
                            key,
                            cost,
                            option,
                            day: day.day,
                            starts: Grid::range(start, start + 1),
                        }),
                    }
                }
            }
        }
    }
    found
}

/// The price rows of everybody and everything an option uses on a day.
pub fn rows<'a>(
    model: &'a Model,
    choice: &'a Choice,
    day: usize,
) -> impl Iterator<Item = usize> + 'a {
    let groups = choice.groups.iter().map(|it| model.desks_of.len() + it);
    let all = model.providers_of(choice).chain(groups);
    all.map(move |it| it * model.days + day)
}

#[expect(clippy::cast_precision_loss, reason = "costs stay far below 2^52")]
fn as_float(cost: i64) -> f64 {
    cost as f64
}

#[expect(clippy::cast_possible_truncation, reason = "a measure, not a sum")]
fn smaller(cost: f64) -> f32 {
    cost as f32
}

/// At most [`STEPS`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small number, not below nothing"
)]
fn whole(steps: f64) -> u32 {
    steps.max(0.0) as u32
}

//! Exponential smoothing with a damped trend and a weekly cycle (additive Holt–Winters).
//!
//! Days without a value (taken out, because they were holidays) are stepped over. The four weights minimise the squared
//! one-day error after the first two weeks.

use crate::WEEK;
use crate::numbers::{mean, real};
use crate::search::least;

#[derive(Clone, Copy, Debug)]
struct Weights {
    level: f64,
    trend: f64,
    season: f64,
    damping: f64,
}

#[derive(Clone, Debug)]
struct State {
    level: f64,
    trend: f64,
    season: [f64; WEEK],
}

/// Forecasts of the days after the history, in which a day taken out is `None`.
pub fn holt_winters(history: &[Option<f64>], horizon: usize) -> Vec<f64> {
    let begin = State::of_first_weeks(history);
    let cost = |point: &[f64; 4]| {
        let (_, error) = begin.clone().run(history, &weights(point));
        error.max(1e-9).ln()
    };
    // Slow smoothing, hardly any trend: where most daily counts end up.
    let found = weights(&least([-1.5, -4.0, -2.5, 1.0], 0.8, 260, cost));
    let (state, _) = begin.run(history, &found);
    let mut trend = 0.0;
    let mut damping = 1.0;
    (0..horizon)
        .map(|step| {
            damping *= found.damping;
            trend += damping * state.trend;
            state.level + trend + state.season[(history.len() + step) % WEEK]
        })
        .collect()
}

/// The search runs over all numbers; the weights lie between their bounds.
fn weights(point: &[f64; 4]) -> Weights {
    let between = |x: f64| 1.0 / (1.0 + (-x).exp());
    Weights {
        level: between(point[0]),
        trend: between(point[1]),
        season: between(point[2]),
        damping: 0.8 + 0.19 * between(point[3]),
    }
}

impl State {
    fn of_first_weeks(history: &[Option<f64>]) -> Self {
        let first = &history[..history.len().min(4 * WEEK)];
        let known: Vec<f64> = first.iter().flatten().copied().collect();
        let level = mean(&known);
        let mut season = [0.0; WEEK];
        for (place, season) in season.iter_mut().enumerate() {
            let days = first.iter().skip(place).step_by(WEEK);
            let days: Vec<f64> = days.flatten().copied().collect();
            *season = if days.is_empty() {
                0.0
            } else {
                mean(&days) - level
            };
        }
        Self {
            level,
            trend: 0.0,
            season,
        }
    }

    /// Walks over the history; answers where it ends and the mean squared error of one day.
    fn run(mut self, history: &[Option<f64>], weights: &Weights) -> (Self, f64) {
        let (mut errors, mut count) = (0.0, 0_usize);
        for (day, value) in history.iter().enumerate() {
            let carried = weights.damping * self.trend;
            let expected = self.level + carried;
            let season = &mut self.season[day % WEEK];
            let Some(value) = value else {
                self.level = expected;
                self.trend = carried;
                continue;
            };
            let error = value - expected - *season;
            if day >= 2 * WEEK {
                errors += error * error;
                count += 1;
            }
            self.level = expected + weights.level * error;
            self.trend = carried + weights.level * weights.trend * error;
            *season += weights.season * (1.0 - weights.level) * error;
        }
        (self, errors / real(count.max(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clean_cycle_is_continued_across_days_taken_out() {
        let week = [20.0, 22.0, 21.0, 19.0, 15.0, 4.0, 2.0];
        let mut history: Vec<Option<f64>> = (0..140).map(|day| Some(week[day % 7])).collect();
        history[73] = None;
        history[139] = None;
        for (step, expected) in holt_winters(&history, 14).iter().enumerate() {
            assert!((expected - week[step % 7]).abs() < 0.2, "{step} {expected}");
        }
    }

    #[test]
    fn a_new_level_is_learnt() {
        let history: Vec<Option<f64>> = (0..200)
            .map(|day| Some(if day < 120 { 10.0 } else { 16.0 }))
            .collect();
        let expected = holt_winters(&history, 1)[0];
        assert!((expected - 16.0).abs() < 0.5, "{expected}");
    }
}

//! Rolling origins: what each method would have said on earlier days, and what then happened.

use serde::{Deserialize, Serialize};

use crate::WEEK;
use crate::calendar::Calendar;
use crate::demand::LEVELS;
use crate::intervals::{Miss, Spread};
use crate::methods::{self, Method};
use crate::numbers::{mean, real};
use crate::series::Series;

/// Days between origins: two weeks, so that every origin sees something new.
const STEP: usize = 2 * WEEK;
/// A year of them: each season and each holiday once, and what was said longer ago was said with less to go on.
const MOST_ORIGINS: usize = 26;
/// The least history a method is tried on.
const LEAST: usize = 4 * WEEK;

/// How the methods did, and which was chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Backtest {
    /// How many origins were tried, and how many days ahead from each.
    pub origins: usize,
    pub horizon: usize,
    pub scores: Vec<Score>,
    pub chosen: Method,
    /// Whether the chosen method is better than "as a week ago"; where none is, that is what is chosen.
    pub beats_naive: bool,
}

/// How one method did.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub method: Method,
    /// Mean absolute error.
    pub mae: f64,
    /// Mean absolute scaled error: 1 is as far off as "as a week ago" is one week ahead within the history.
    pub mase: f64,
    /// Which share of the days fell into the 80 % interval made from the errors of the other origins.
    pub coverage_80: f64,
    pub coverage_95: f64,
}

/// The scores, and the misses of the chosen method.
pub fn backtest(series: &Series, calendar: &Calendar, horizon: usize) -> (Backtest, Vec<Miss>) {
    let horizon = horizon.min((series.len() / 4).max(WEEK));
    let last = series.len().saturating_sub(horizon);
    let origins: Vec<usize> = (0..MOST_ORIGINS)
        .map_while(|turn| last.checked_sub(turn * STEP))
        .filter(|origin| *origin >= LEAST.max(series.len() / 3))
        .filter(|origin| !open(series, calendar, *origin, horizon).is_empty())
        .collect();
    let mut misses: Vec<(Method, Vec<Miss>)> =
        Method::ALL.map(|method| (method, Vec::new())).into();
    let mut scaled: Vec<Vec<f64>> = vec![Vec::new(); misses.len()];
    for origin in &origins {
        let history = series.until(*origin);
        // What happens on a closed day says nothing of a method.
        let steps = open(series, calendar, *origin, horizon);
        let of_steps =
            |values: &[f64]| -> Vec<f64> { steps.iter().map(|step| values[*step]).collect() };
        let actual = of_steps(&series.values[*origin..]);
        let scale = scale(&history.values);
        for (method, points) in methods::all(&history, calendar, horizon) {
            let place = Method::ALL.iter().position(|it| *it == method).unwrap_or(0);
            let points = of_steps(&points);
            scaled[place].push(mase(&actual, &points, scale));
            let said = steps.iter().zip(actual.iter().zip(&points));
            misses[place]
                .1
                .extend(said.map(|(step, (actual, point))| Miss {
                    origin: *origin,
                    step: *step,
                    kind: kind(series, calendar, origin + step),
                    size: (actual - point).abs(),
                }));
        }
    }
    let scores: Vec<Score> = misses
        .iter()
        .zip(&scaled)
        // A method that failed on some origin is not compared with those that did not.
        .filter(|(_, scaled)| !scaled.is_empty() && scaled.len() == origins.len())
        .map(|((method, misses), scaled)| score(*method, misses, scaled))
        .collect();
    let (chosen, beats_naive) = choose(&scores);
    let misses = misses.into_iter().find(|(method, _)| *method == chosen);
    let report = Backtest {
        origins: origins.len(),
        horizon,
        scores,
        chosen,
        beats_naive,
    };
    (report, misses.map_or_else(Vec::new, |(_, misses)| misses))
}

/// The days of the horizon on which somebody can come.
fn open(series: &Series, calendar: &Calendar, origin: usize, horizon: usize) -> Vec<usize> {
    (0..horizon)
        .filter(|step| !calendar.is_closed(series.day(origin + step)))
        .collect()
}

/// The best method; the naive one unless another is better.
fn choose(scores: &[Score]) -> (Method, bool) {
    let naive = scores.iter().find(|it| it.method == Method::SeasonalNaive);
    let best = scores.iter().min_by(|a, b| a.mase.total_cmp(&b.mase));
    match (naive, best) {
        (Some(naive), Some(best)) if best.mase < naive.mase => (best.method, true),
        _ => (Method::SeasonalNaive, false),
    }
}

fn score(method: Method, misses: &[Miss], scaled: &[f64]) -> Score {
    let sizes: Vec<f64> = misses.iter().map(|miss| miss.size).collect();
    let coverage = |level: f64| {
        let held = misses.chunk_by(|a, b| a.origin == b.origin).map(|origin| {
            let left_out = origin[0].origin;
            let widths = Spread::of(misses, Some(left_out)).widths(level, left_out);
            let inside = origin.iter().filter(|miss| {
                widths
                    .half(miss.step, miss.kind)
                    .is_some_and(|half| miss.size <= half)
            });
            inside.count()
        });
        real(held.sum::<usize>()) / real(misses.len().max(1))
    };
    Score {
        method,
        mae: mean(&sizes),
        mase: mean(scaled),
        coverage_80: coverage(LEVELS[0]),
        coverage_95: coverage(LEVELS[1]),
    }
}

/// Which kind of day it is, for its usual error.
pub fn kind(series: &Series, calendar: &Calendar, place: usize) -> usize {
    match calendar.label(series.day(place)) {
        Some(_) => WEEK,
        None => place % WEEK,
    }
}

/// What errors are measured in: how far off "as a week ago" is within a history. One where it is never off.
pub fn scale(history: &[f64]) -> f64 {
    let pairs = history.iter().zip(history.iter().skip(WEEK));
    let steps: Vec<f64> = pairs
        .map(|(before, after)| (after - before).abs())
        .collect();
    let scale = mean(&steps);
    if scale > 0.0 { scale } else { 1.0 }
}

/// The mean absolute scaled error.
pub fn mase(actual: &[f64], points: &[f64], scale: f64) -> f64 {
    let errors: Vec<f64> = actual
        .iter()
        .zip(points)
        .map(|(actual, point)| (actual - point).abs())
        .collect();
    mean(&errors) / scale
}

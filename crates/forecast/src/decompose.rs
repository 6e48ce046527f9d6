//! MSTL with exponential smoothing of the rest, by the crate `augurs`.

use augurs::ets::AutoETS;
use augurs::mstl::MSTLModel;
use augurs::{Fit, Predict};

use crate::WEEK;

/// Forecasts of the days after a history without gaps; nothing where it is too short or too flat for a decomposition.
pub fn mstl(history: &[f64], horizon: usize) -> Option<Vec<f64>> {
    // A constant has no cycle, and the automatic choice of a smoothing model fails on it.
    let first = *history.first()?;
    if history.len() < 4 * WEEK || history.iter().all(|it| (it - first).abs() < 1e-9) {
        return None;
    }
    let model = MSTLModel::new(vec![WEEK], AutoETS::non_seasonal().into_trend_model());
    let points = model.fit(history).ok()?.predict(horizon, None).ok()?.point;
    let whole = points.len() == horizon && points.iter().all(|it| it.is_finite());
    whole.then_some(points)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_noisy_cycle_is_found() {
        let week = [20.0, 22.0, 21.0, 19.0, 15.0, 4.0, 2.0];
        let noise = |day: usize| f64::from(u32::try_from(day * 37 % 11).unwrap_or(0)) / 10.0 - 0.5;
        let history: Vec<f64> = (0..210).map(|day| week[day % 7] + noise(day)).collect();
        for (step, expected) in mstl(&history, 14).expect("long enough").iter().enumerate() {
            assert!((expected - week[step % 7]).abs() < 1.0, "{step} {expected}");
        }
    }

    #[test]
    fn a_constant_and_a_short_history_are_left_to_others() {
        assert!(mstl(&[3.0; 100], 7).is_none());
        assert!(mstl(&[1.0, 2.0, 3.0], 7).is_none());
    }
}

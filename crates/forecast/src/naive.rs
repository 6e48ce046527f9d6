//! "As a week ago": what every method is held against.

use crate::WEEK;

/// The last week of the history, again and again. An empty history repeats nothing.
pub fn seasonal_naive(history: &[f64], horizon: usize) -> Vec<f64> {
    let week = &history[history.len().saturating_sub(WEEK)..];
    week.iter().copied().cycle().take(horizon).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_week_comes_again() {
        let history: Vec<f64> = (0..10).map(f64::from).collect();
        assert_eq!(
            seasonal_naive(&history, 9),
            [3., 4., 5., 6., 7., 8., 9., 3., 4.]
        );
    }
}

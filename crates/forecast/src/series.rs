//! Daily counts without gaps.

use chrono::{Days, NaiveDate};

/// A count for each day from `start` on.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub start: NaiveDate,
    pub values: Vec<f64>,
}

impl Series {
    pub fn new(start: NaiveDate, values: Vec<f64>) -> Self {
        Self { start, values }
    }

    /// Counts of some days spread over every day from `start` up to and without `end`: the others had nothing.
    pub fn of_counts(
        start: NaiveDate,
        end: NaiveDate,
        counts: impl IntoIterator<Item = (NaiveDate, f64)>,
    ) -> Self {
        let days = usize::try_from((end - start).num_days()).unwrap_or(0);
        let mut values = vec![0.0; days];
        for (day, count) in counts {
            let place = usize::try_from((day - start).num_days()).ok();
            if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                *value += count;
            }
        }
        Self { start, values }
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The day at a place, which may lie past the end.
    pub fn day(&self, place: usize) -> NaiveDate {
        self.start
            .checked_add_days(Days::new(place as u64))
            .unwrap_or(NaiveDate::MAX)
    }

    /// The first so many days.
    #[must_use]
    pub fn until(&self, end: usize) -> Self {
        Self::new(self.start, self.values[..end.min(self.len())].to_vec())
    }

    /// The last so many days.
    #[must_use]
    pub fn last(&self, days: usize) -> Self {
        let from = self.len().saturating_sub(days);
        Self::new(self.day(from), self.values[from..].to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn days_without_a_count_had_nothing_and_days_outside_do_not_count() {
        let counts = [
            ("2026-03-03", 2.0),
            ("2026-03-01", 9.0),
            ("2026-03-05", 9.0),
        ];
        let series = Series::of_counts(
            day("2026-03-02"),
            day("2026-03-05"),
            counts.map(|(text, count)| (day(text), count)),
        );
        assert_eq!(series.values, [0.0, 2.0, 0.0]);
        assert_eq!(series.day(3), day("2026-03-05"));
        assert_eq!(series.last(1).start, day("2026-03-04"));
    }
}

//! At which hours of which weekday people come.

use chrono::{Datelike, NaiveDate, Weekday};

use crate::numbers::real;

const HOURS: usize = 24;

/// The share of a day's visits in each hour, for each weekday. A weekday seen rarely leans on the others.
#[derive(Clone, Debug, PartialEq)]
pub struct HourlyProfile([[f64; HOURS]; 7]);

impl HourlyProfile {
    /// From counts by weekday and local hour; nothing where there are none.
    pub fn of(counts: impl IntoIterator<Item = (Weekday, u32, f64)>) -> Option<Self> {
        let mut by_day = [[0.0; HOURS]; 7];
        for (weekday, hour, count) in counts {
            let hour = usize::try_from(hour).ok().filter(|hour| *hour < HOURS)?;
            by_day[weekday.num_days_from_monday() as usize][hour] += count;
        }
        let overall: Vec<f64> = (0..HOURS)
            .map(|hour| by_day.iter().map(|day| day[hour]).sum())
            .collect();
        let total: f64 = overall.iter().sum();
        if total <= 0.0 {
            return None;
        }
        // As if ten visits more had come at the hours usual on all days.
        let lean = 10.0;
        for day in &mut by_day {
            let seen: f64 = day.iter().sum();
            for (hour, share) in day.iter_mut().enumerate() {
                *share = (*share + lean * overall[hour] / total) / (seen + lean);
            }
        }
        Some(Self(by_day))
    }

    /// How a day's count spreads over its hours.
    pub fn spread(&self, day: NaiveDate, count: f64) -> [f64; HOURS] {
        self.0[day.weekday().num_days_from_monday() as usize].map(|share| share * count)
    }

    /// The share of the busiest hour of a weekday, and that hour.
    pub fn peak(&self, weekday: Weekday) -> (usize, f64) {
        let shares = &self.0[weekday.num_days_from_monday() as usize];
        let peak = shares.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        peak.map_or((0, 1.0 / real(HOURS)), |(hour, share)| (hour, *share))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_spreads_over_the_hours_of_its_weekday() {
        let counts = [
            (Weekday::Mon, 8, 300.0),
            (Weekday::Mon, 9, 100.0),
            (Weekday::Tue, 14, 400.0),
        ];
        let profile = HourlyProfile::of(counts).expect("some");
        let monday: NaiveDate = "2026-03-02".parse().expect("a day");
        let hours = profile.spread(monday, 40.0);
        assert!((hours.iter().sum::<f64>() - 40.0).abs() < 1e-9);
        assert!((hours[8] - 30.0).abs() < 1.5, "{hours:?}");
        assert_eq!(profile.peak(Weekday::Tue).0, 14);
        assert!(HourlyProfile::of([]).is_none());
    }
}

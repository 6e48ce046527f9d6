//! What is taken: half hours of providers, beds of wards, hours of patients.
//!
//! Nobody is in two places: a provider has one visit at a time, a bed one patient, a patient one visit.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days, NaiveDate};
use kernel::clock::Instant;

use super::places::{Department, Spot};
use super::random::Random;
use super::wall::workday;

/// Half hours a practice is open, in minutes past midnight: 8:00 to 12:00 and 13:00 to 17:00.
const HALF_HOURS: [i64; 16] = [
    480, 510, 540, 570, 600, 630, 660, 690, 780, 810, 840, 870, 900, 930, 960, 990,
];

/// Who is where, when.
#[derive(Debug, Default)]
pub struct Diary {
    taken: BTreeSet<(usize, NaiveDate, i64)>,
    beds: BTreeMap<(Spot, u32), Vec<(Instant, Instant)>>,
    patients: BTreeMap<usize, Vec<(Instant, Instant)>>,
}

impl Diary {
    /// The first free time of a provider on the day or a workday after it, beginning to look anywhere in the day, for so
    /// many half hours on end. Takes it.
    pub fn book(
        &mut self,
        provider: usize,
        day: NaiveDate,
        half_hours: i64,
        random: &mut Random,
    ) -> (NaiveDate, i64) {
        let mut day = workday(day);
        loop {
            let first = random.index(HALF_HOURS.len());
            for place in (first..HALF_HOURS.len()).chain(0..first) {
                let start = HALF_HOURS[place];
                let wanted: Vec<i64> = (0..half_hours).map(|step| start + 30 * step).collect();
                let free = |at: &i64| {
                    HALF_HOURS.contains(at) && !self.taken.contains(&(provider, day, *at))
                };
                if wanted.iter().all(free) {
                    self.taken
                        .extend(wanted.into_iter().map(|at| (provider, day, at)));
                    return (day, start);
                }
            }
            day = workday(day + Days::new(1));
        }
    }

    /// A free bed of a ward, taken from then until then; `None` of `until`: until further notice.
    pub fn take_bed(
        &mut self,
        ward: &Department,
        spot: Spot,
        from: Instant,
        until: Option<Instant>,
        random: &mut Random,
    ) -> Option<String> {
        let until = until.unwrap_or(Instant::MAX_UTC);
        let first = random.below(ward.beds);
        let bed = (first..ward.beds).chain(0..first).find(|bed| {
            let stays = self.beds.get(&(spot, *bed));
            stays.is_none_or(|stays| {
                stays
                    .iter()
                    .all(|(start, end)| until <= *start || *end <= from)
            })
        })?;
        self.beds
            .entry((spot, bed))
            .or_default()
            .push((from, until));
        Some(format!("{}-{}", ward.code, 101 + bed))
    }

    /// Takes a patient's time, unless some of it is taken.
    pub fn take_patient(&mut self, patient: usize, from: Instant, until: Instant) -> bool {
        let visits = self.patients.entry(patient).or_default();
        let free = visits
            .iter()
            .all(|(start, end)| until <= *start || *end <= from);
        if free {
            visits.push((from, until));
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Datelike, TimeDelta, Weekday};

    use super::super::places::RIVERSIDE;
    use super::*;

    #[test]
    fn a_provider_has_one_visit_at_a_time_and_none_at_noon_or_at_the_weekend() {
        let (mut diary, mut random) = (Diary::default(), Random::new(1));
        let day = NaiveDate::from_ymd_opt(2026, 3, 6).expect("a Friday");
        let mut seen = BTreeSet::new();
        for round in 0..40 {
            let half_hours = 1 + round % 3;
            let (day, start) = diary.book(3, day, half_hours, &mut random);
            assert!(!matches!(day.weekday(), Weekday::Sat | Weekday::Sun));
            for step in 0..half_hours {
                let at = start + 30 * step;
                assert!(HALF_HOURS.contains(&at), "{at}");
                assert!(seen.insert((day, at)), "{day} {at}");
            }
        }
    }

    #[test]
    fn a_bed_has_one_patient() {
        let (mut diary, mut random) = (Diary::default(), Random::new(1));
        let spot = RIVERSIDE.spot("ICU");
        let ward = RIVERSIDE.department(spot);
        let now = Instant::default();
        let mut beds = BTreeSet::new();
        while let Some(bed) = diary.take_bed(ward, spot, now, None, &mut random) {
            assert!(beds.insert(bed));
        }
        assert_eq!(beds.len(), 8);
        let before = now - TimeDelta::days(1);
        assert!(
            diary
                .take_bed(ward, spot, before, Some(now), &mut random)
                .is_some()
        );
    }
}

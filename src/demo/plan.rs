//! An organisation, drawn whole: who works there, who comes, and when.

use clinical::patients::NewPatient;

use super::people::{self, Person};
use super::places::Organisation;
use super::registration;
use super::staff::{self, Employee};
use super::telephone::Telephones;
use super::visits::{self, Visit};
use super::waiting::{self, Waiting};
use super::wall::Wall;

/// What is to be written for an organisation.
#[derive(Debug)]
pub struct Plan {
    pub organisation: &'static Organisation,
    pub staff: Vec<Employee>,
    pub people: Vec<Person>,
    /// The forms of `people`, in their order. References to providers, facilities and accounts are added on writing.
    pub forms: Vec<NewPatient>,
    pub visits: Vec<Visit>,
    pub waiting: Vec<Waiting>,
    pub wall: Wall,
}

impl Plan {
    pub fn draw(organisation: &'static Organisation, seed: u64, wall: Wall) -> Self {
        let mut phones = Telephones::new(organisation, seed);
        let staff = staff::hire(organisation, seed, wall.today(), &mut phones);
        let people = people::population(organisation, seed, &staff, wall);
        let forms = registration::fill_in(organisation, seed, &people, wall, &mut phones);
        let visits = visits::plan(organisation, seed, &people, &staff, wall);
        let waiting = waiting::draw(organisation, seed, &people, wall);
        Self {
            organisation,
            staff,
            people,
            forms,
            visits,
            waiting,
            wall,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use chrono::{Datelike, TimeDelta, Timelike, Weekday};
    use clinical::encounters::{EncounterClass, EncounterStatus};
    use kernel::clock::Instant;
    use kernel::{Checks, Validate};
    use serde_json::json;

    use super::super::people::DEMO_PATIENT;
    use super::super::places::{LAKESIDE, RIVERSIDE};
    use super::super::roster::{DEMO_NURSE, DEMO_PROVIDER};
    use super::*;

    const MOMENTS: [&str; 4] = [
        "2026-03-10T15:20:00Z",
        "2026-03-08T06:59:59Z",
        "2028-02-29T23:30:00Z",
        "2026-12-31T05:10:00Z",
    ];

    fn draw(organisation: &'static Organisation, seed: u64, now: &str) -> Plan {
        Plan::draw(
            organisation,
            seed,
            Wall::new(now.parse().expect("an instant"), organisation.zone),
        )
    }

    fn each(mut look: impl FnMut(&Plan)) {
        for organisation in [&RIVERSIDE, &LAKESIDE] {
            for (seed, now) in (1..).zip(MOMENTS) {
                look(&draw(organisation, seed, now));
            }
        }
    }

    fn told(plan: &Plan) -> String {
        let visits: Vec<String> = plan
            .visits
            .iter()
            .map(|visit| format!("{visit:?}"))
            .collect();
        let staff: Vec<String> = plan
            .staff
            .iter()
            .map(|employee| format!("{employee:?}"))
            .collect();
        json!([plan.forms, visits, staff]).to_string()
    }

    #[test]
    fn the_same_seed_and_day_give_the_same_people_and_another_seed_others() {
        let one = told(&draw(&RIVERSIDE, 1, MOMENTS[0]));
        assert!(one == told(&draw(&RIVERSIDE, 1, MOMENTS[0])));
        assert!(one != told(&draw(&RIVERSIDE, 2, MOMENTS[0])));
    }

    #[test]
    fn every_form_passes_the_rules_of_the_api() {
        each(|plan| {
            assert_eq!(plan.forms.len(), plan.people.len());
            for form in &plan.forms {
                let mut checks = Checks::at(plan.wall.now);
                form.check(&mut checks);
                if let Err(error) = checks.finish() {
                    panic!("{}: {:?}", json!(form), error.fields());
                }
            }
        });
    }

    #[test]
    fn a_year_of_visits_has_all_classes_and_statuses() {
        each(|plan| {
            let classes: BTreeSet<String> = plan
                .visits
                .iter()
                .map(|visit| format!("{:?}", visit.class))
                .collect();
            let mut statuses = BTreeMap::new();
            for visit in &plan.visits {
                *statuses.entry(format!("{:?}", visit.status)).or_insert(0) += 1;
            }
            assert_eq!(classes.len(), 6, "{classes:?}");
            assert!(
                statuses.len() == 5 && statuses.values().all(|count| *count >= 4),
                "{statuses:?}"
            );
            assert!(
                (800..2200).contains(&plan.visits.len()),
                "{}",
                plan.visits.len()
            );
        });
    }

    #[test]
    fn nothing_has_happened_in_the_future_and_nothing_of_the_past_is_left_open() {
        each(|plan| {
            let now = plan.wall.now;
            for visit in &plan.visits {
                assert!(
                    visit.begun.is_none_or(|at| at <= now)
                        && visit.ended.is_none_or(|at| at <= now),
                    "{visit:?}"
                );
                assert!(visit.end.is_none_or(|end| visit.start <= end));
                assert!(
                    visit.start >= now - TimeDelta::days(370)
                        && visit.start <= now + TimeDelta::days(60)
                );
                let steps = (visit.begun.is_some(), visit.ended.is_some());
                let expected = match visit.status {
                    EncounterStatus::Completed => (true, true),
                    EncounterStatus::InProgress => (true, false),
                    _ => (false, false),
                };
                assert_eq!(steps, expected, "{visit:?}");
                if visit.status == EncounterStatus::Scheduled {
                    assert!(visit.start > now - TimeDelta::minutes(30), "{visit:?}");
                }
                let person = &plan.people[visit.patient];
                assert!(
                    person.birth_date
                        <= visit
                            .start
                            .with_timezone(&plan.organisation.zone)
                            .date_naive()
                );
            }
        });
    }

    #[test]
    fn practices_keep_their_hours_and_emergencies_do_not() {
        each(|plan| {
            let mut night_or_weekend = 0;
            for visit in &plan.visits {
                let local = visit.start.with_timezone(&plan.organisation.zone);
                let open = !matches!(local.weekday(), Weekday::Sat | Weekday::Sun)
                    && (8..17).contains(&local.hour());
                match visit.class {
                    EncounterClass::Emergency | EncounterClass::Inpatient => {
                        night_or_weekend += i32::from(!open);
                    }
                    _ => assert!(open, "{local}"),
                }
            }
            assert!(night_or_weekend > 10);
        });
    }

    #[test]
    fn nobody_is_in_two_places_and_no_bed_has_two_patients() {
        each(|plan| {
            let mut by_patient: BTreeMap<usize, Vec<(Instant, Instant)>> = BTreeMap::new();
            let mut by_bed: BTreeMap<&str, Vec<(Instant, Instant)>> = BTreeMap::new();
            for visit in &plan.visits {
                let end = visit.end.or(visit.ended).unwrap_or(visit.start);
                by_patient
                    .entry(visit.patient)
                    .or_default()
                    .push((visit.start, end));
                let mut since = visit.begun;
                for bed in &visit.beds {
                    assert_eq!(Some(bed.from), since, "one stay follows the other");
                    by_bed
                        .entry(&bed.bed)
                        .or_default()
                        .push((bed.from, bed.until.unwrap_or(Instant::MAX_UTC)));
                    since = bed.until;
                }
                assert!(visit.beds.is_empty() || since == visit.ended, "{visit:?}");
            }
            for (who, mut times) in by_patient
                .into_iter()
                .map(|(who, times)| (who.to_string(), times))
                .chain(
                    by_bed
                        .into_iter()
                        .map(|(bed, times)| (bed.to_owned(), times)),
                )
            {
                times.sort();
                assert!(
                    times.windows(2).all(|pair| pair[0].1 <= pair[1].0),
                    "{who}: {times:?}"
                );
            }
        });
    }

    #[test]
    fn every_demo_account_has_something_to_see() {
        each(|plan| {
            let own = plan
                .visits
                .iter()
                .filter(|visit| visit.patient == DEMO_PATIENT);
            assert!(own.clone().count() >= 3);
            let soon = plan.wall.now - TimeDelta::days(5)..plan.wall.now + TimeDelta::days(12);
            let listed = plan
                .visits
                .iter()
                .filter(|visit| visit.provider == DEMO_PROVIDER && soon.contains(&visit.start));
            assert!(listed.count() >= 25);
            assert!(
                plan.visits
                    .iter()
                    .any(|visit| visit.nurse == Some(DEMO_NURSE))
            );
            let lying = plan
                .visits
                .iter()
                .filter(|visit| visit.beds.last().is_some_and(|bed| bed.until.is_none()));
            assert!(lying.count() >= 3);
        });
    }
}

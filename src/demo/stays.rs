//! Emergencies and stays in hospital: at any hour, on any day, some of them going on right now.
//!
//! Who is admitted through the emergency department arrives there first; a bed is his as long as he lies in it, intensive
//! care before the ward. What will come of a stay that is still going on, nobody knows: its last bed has no end.

use chrono::{NaiveDate, TimeDelta};
use clinical::encounters::{EncounterClass, EncounterStatus};
use kernel::clock::Instant;

use super::people::Person;
use super::random::Random;
use super::reasons::{self, Reason};
use super::visits::{InBed, Planner, Visit};
use super::wall::{workday, years};

/// When people come to an emergency department: weights of the hours of a day.
const HOURS: [(u32, i64); 24] = [
    (3, 0),
    (2, 1),
    (2, 2),
    (1, 3),
    (1, 4),
    (2, 5),
    (2, 6),
    (3, 7),
    (4, 8),
    (5, 9),
    (6, 10),
    (6, 11),
    (6, 12),
    (6, 13),
    (6, 14),
    (6, 15),
    (6, 16),
    (6, 17),
    (7, 18),
    (7, 19),
    (6, 20),
    (5, 21),
    (4, 22),
    (3, 23),
];

const LEFT_EMERGENCY: [(u32, &str); 4] = [
    (80, "Discharged home"),
    (12, "Discharged home, follow-up with own doctor"),
    (5, "Left without being seen"),
    (3, "Transferred to another hospital"),
];

const LEFT_WARD: [(u32, &str); 4] = [
    (70, "Discharged home"),
    (15, "Home with home health care"),
    (12, "Skilled nursing facility"),
    (3, "Left against medical advice"),
];

/// Where a stay leads, and for how many days.
struct Course {
    reason: &'static Reason,
    /// Departments, and the hours spent there; the last is left at discharge.
    wards: Vec<(&'static str, i64)>,
}

impl Planner<'_> {
    /// Somebody comes to the emergency department, and perhaps stays.
    pub fn emergency(
        &mut self,
        patient: usize,
        person: &Person,
        day: NaiveDate,
        random: &mut Random,
    ) {
        let arrival = self
            .wall
            .at(day, 60 * random.weighted(&HOURS) + random.between(0, 59));
        let leaves = arrival + TimeDelta::minutes(random.between(75, 480));
        if !person.is_patient_on(day)
            || leaves > self.wall.now
            || !self.diary.take_patient(patient, arrival, leaves)
        {
            return;
        }
        let age = years(person.birth_date, day);
        let stays = random.chance(if age >= 55 { 34 } else { 9 });
        let mut visit = self.arrival(patient, age, arrival, random);
        visit.status = EncounterStatus::Completed;
        visit.ended = Some(leaves);
        visit.disposition = Some(random.weighted(&LEFT_EMERGENCY));
        if stays {
            let course = course(age, random);
            visit.reasons = vec![course.reason];
            let well = leaves + TimeDelta::hours(course.wards.iter().map(|(_, hours)| hours).sum());
            let home = self
                .wall
                .discharge_after(well, random.between(9 * 60, 16 * 60));
            let admitted = self.stay(patient, person, &course, (leaves, home), random);
            visit.disposition = Some(if admitted {
                "Admitted"
            } else {
                "Transferred to another hospital"
            });
        }
        self.visits.push(visit);
    }

    /// The hospital as it is now: four to six people lie there, two are in the emergency department, three are expected.
    pub fn fill_wards(&mut self, people: &[Person], random: &mut Random) {
        let today = self.wall.today();
        let grown =
            |person: &Person| person.until.is_none() && years(person.birth_date, today) >= 40;
        let mut candidates: Vec<usize> = (1..people.len())
            .filter(|place| grown(&people[*place]))
            .collect();
        random.shuffle(&mut candidates);
        let inpatients = random.index(3) + 4;
        for (number, patient) in candidates.into_iter().take(inpatients + 5).enumerate() {
            let person = &people[patient];
            if number < inpatients {
                self.lies_there(patient, person, random);
            } else if number < inpatients + 2 {
                self.has_just_come(patient, person, random);
            } else {
                self.is_expected(patient, person, random);
            }
        }
    }

    fn lies_there(&mut self, patient: usize, person: &Person, random: &mut Random) {
        let since = self
            .wall
            .minutes_from_now(-random.between(9 * 60, 4 * 24 * 60));
        let well = self
            .wall
            .minutes_from_now(random.between(10 * 60, 3 * 24 * 60));
        let home = self.wall.discharge_after(well, 11 * 60);
        let course = course(years(person.birth_date, self.wall.today()), random);
        self.stay(patient, person, &course, (since, home), random);
    }

    fn has_just_come(&mut self, patient: usize, person: &Person, random: &mut Random) {
        let arrival = self.wall.minutes_from_now(-random.between(15, 170));
        if self.diary.take_patient(patient, arrival, self.wall.now) {
            let visit = self.arrival(
                patient,
                years(person.birth_date, self.wall.today()),
                arrival,
                random,
            );
            self.visits.push(visit);
        }
    }

    fn is_expected(&mut self, patient: usize, person: &Person, random: &mut Random) {
        let day = workday(self.wall.day(random.between(2, 20)));
        let admission = self.wall.at(day, 7 * 60 + 30);
        let home = self.wall.at(day, 11 * 60) + TimeDelta::days(random.between(1, 4));
        let reason = &reasons::ELECTIVE[random.index(reasons::ELECTIVE.len())];
        let course = Course {
            reason,
            wards: vec![("SURG", (home - admission).num_hours())],
        };
        self.stay(patient, person, &course, (admission, home), random);
    }

    /// An emergency that is going on.
    fn arrival(&self, patient: usize, age: i64, arrival: Instant, random: &mut Random) -> Visit {
        let spot = self.organisation.spot("ED");
        Visit {
            patient,
            class: EncounterClass::Emergency,
            status: EncounterStatus::InProgress,
            start: arrival,
            end: None,
            begun: Some(arrival + TimeDelta::minutes(random.between(2, 12))),
            ended: None,
            spot,
            provider: self.provider_at(spot),
            nurse: self.nurse_at(spot, random),
            reasons: vec![reasons::fitting(&reasons::EMERGENCY, age, random)],
            disposition: None,
            cancel_reason: None,
            beds: Vec::new(),
        }
    }

    /// A stay from admission to discharge, as far as it has come by now. False, where there is no bed or no time for it.
    fn stay(
        &mut self,
        patient: usize,
        person: &Person,
        course: &Course,
        (from, home): (Instant, Instant),
        random: &mut Random,
    ) -> bool {
        let leaves_later = person
            .until
            .is_some_and(|until| self.wall.at(until, 0) < home);
        if leaves_later || !self.diary.take_patient(patient, from, home) {
            return false;
        }
        let now = self.wall.now;
        let beds = self.beds(course, from, home, random);
        let begun = from <= now;
        if begun && beds.is_empty() {
            return false;
        }
        let spot = beds
            .last()
            .map_or_else(|| self.organisation.spot(course.wards[0].0), |bed| bed.spot);
        let over = home <= now;
        self.visits.push(Visit {
            patient,
            class: EncounterClass::Inpatient,
            status: match (begun, over) {
                (false, _) => EncounterStatus::Scheduled,
                (true, false) => EncounterStatus::InProgress,
                (true, true) => EncounterStatus::Completed,
            },
            start: from,
            end: Some(home),
            begun: begun.then_some(from),
            ended: over.then_some(home),
            spot,
            provider: self.provider_at(spot),
            nurse: if begun {
                self.nurse_at(spot, random)
            } else {
                None
            },
            reasons: vec![course.reason],
            disposition: over.then(|| random.weighted(&LEFT_WARD)),
            cancel_reason: None,
            beds,
        });
        true
    }

    /// The beds, one after the other, as far as time has come.
    fn beds(
        &mut self,
        course: &Course,
        from: Instant,
        home: Instant,
        random: &mut Random,
    ) -> Vec<InBed> {
        let mut beds = Vec::new();
        let mut since = from;
        for (place, (code, hours)) in course.wards.iter().enumerate() {
            let last = place + 1 == course.wards.len();
            let until = if last {
                home
            } else {
                (since + TimeDelta::hours(*hours)).min(home)
            };
            if since > self.wall.now || since >= home {
                break;
            }
            let until = (until <= self.wall.now).then_some(until);
            let spot = self.organisation.spot(code);
            let ward = self.organisation.department(spot);
            let Some(bed) = self.diary.take_bed(ward, spot, since, until, random) else {
                return Vec::new();
            };
            beds.push(InBed {
                spot,
                bed,
                from: since,
                until,
            });
            let Some(until) = until else { break };
            since = until;
        }
        beds
    }
}

fn course(age: i64, random: &mut Random) -> Course {
    match random.below(100) {
        0..25 if age >= 45 => Course {
            reason: reasons::fitting(&reasons::CRITICAL, age, random),
            wards: vec![
                ("ICU", random.between(14, 60)),
                ("MED", random.between(48, 150)),
            ],
        },
        25..50 if age >= 6 => Course {
            reason: reasons::fitting(&reasons::SURGICAL, age, random),
            wards: vec![("SURG", random.between(22, 110))],
        },
        50..65 => Course {
            reason: reasons::fitting(&reasons::MEDICAL, age, random),
            wards: vec![
                ("MED", random.between(8, 30)),
                ("MED", random.between(24, 90)),
            ],
        },
        _ => Course {
            reason: reasons::fitting(&reasons::MEDICAL, age, random),
            wards: vec![("MED", random.between(30, 160))],
        },
    }
}

//! A year of visits: check-ups, complaints, follow-ups of what stays, specialists, small procedures.
//!
//! What happens to a person follows from age and conditions; when it happens, from the opening hours of the facility and
//! from what is free. What lies before now has happened, or was cancelled or missed; what is going on has begun; the rest
//! is scheduled.

use chrono::{NaiveDate, TimeDelta};
use clinical::encounters::{EncounterClass, EncounterStatus};
use kernel::clock::Instant;

use super::diary::Diary;
use super::people::Person;
use super::places::{Organisation, Spot};
use super::random::Random;
use super::reasons::{self, Reason};
use super::roster::DEMO_PROVIDER;
use super::staff::{Employee, Work};
use super::wall::{Wall, workday, years};
use super::wishes::Wish;

/// An encounter to be. People and places are places in their lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Visit {
    pub patient: usize,
    pub class: EncounterClass,
    pub status: EncounterStatus,
    pub start: Instant,
    pub end: Option<Instant>,
    pub begun: Option<Instant>,
    pub ended: Option<Instant>,
    pub spot: Spot,
    pub provider: usize,
    /// A nurse who takes part.
    pub nurse: Option<usize>,
    pub reasons: Vec<&'static Reason>,
    pub disposition: Option<&'static str>,
    pub cancel_reason: Option<&'static str>,
    pub beds: Vec<InBed>,
}

/// A stay in a bed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InBed {
    pub spot: Spot,
    pub bed: String,
    pub from: Instant,
    pub until: Option<Instant>,
}

/// Draws up the visits of an organisation.
pub struct Planner<'a> {
    pub organisation: &'static Organisation,
    pub staff: &'a [Employee],
    pub wall: Wall,
    pub diary: Diary,
    pub visits: Vec<Visit>,
}

const AFTER_A_VISIT: [(u32, Option<&str>); 5] = [
    (45, None),
    (20, Some("Follow-up in three months")),
    (15, Some("Follow-up in two weeks")),
    (15, Some("No follow-up needed")),
    (5, Some("Referred to a specialist")),
];

const WHY_CANCELLED: [&str; 5] = [
    "Patient called: feels better",
    "Patient called: can't get away from work",
    "No transport",
    "Provider ill",
    "Rescheduled at the patient's wish",
];

/// All visits, in the order of their start.
pub fn plan(
    organisation: &'static Organisation,
    seed: u64,
    people: &[Person],
    staff: &[Employee],
    wall: Wall,
) -> Vec<Visit> {
    let mut planner = Planner {
        organisation,
        staff,
        wall,
        diary: Diary::default(),
        visits: Vec::new(),
    };
    let mut random = Random::stream(seed, &format!("{} wards", organisation.slug), 0);
    planner.fill_wards(people, &mut random);
    planner.fill_days_of_demo_provider(people, &mut random);
    for (patient, person) in people.iter().enumerate() {
        let mut random = Random::stream(
            seed,
            &format!("{} visits", organisation.slug),
            patient as u64,
        );
        planner.year_of(patient, person, &mut random);
    }
    let mut visits = planner.visits;
    visits.sort_by_key(|visit| (visit.start, visit.patient));
    visits
}

impl Planner<'_> {
    fn year_of(&mut self, patient: usize, person: &Person, random: &mut Random) {
        let age = years(person.birth_date, self.wall.today());
        let usual = match age {
            0..2 => 5,
            2..40 => 2,
            40..65 => 3,
            _ => 4,
        };
        let conditions = i64::try_from(person.conditions.len()).unwrap_or_default();
        let count = (usual + conditions + random.between(-1, 1)).max(i64::from(patient == 0) * 4);
        let mut checkups = 0;
        for _ in 0..count {
            let day = self.wall.day(-random.between(1, 365));
            self.something(patient, person, day, &mut checkups, random);
        }
        if random.chance(45) || patient == 0 {
            let day = self.wall.day(random.between(1, 42));
            let wish = match random.below(3) {
                0 => self.checkup(person, day),
                _ => self.follow_up(person, day, random),
            };
            self.book(patient, person, day, wish, random);
        }
    }

    /// Some visit on a day or soon after it.
    fn something(
        &mut self,
        patient: usize,
        person: &Person,
        day: NaiveDate,
        checkups: &mut u32,
        random: &mut Random,
    ) {
        let age = years(person.birth_date, day);
        let wish = match random.below(100) {
            0..40 if !person.conditions.is_empty() => self.follow_up(person, day, random),
            0..55 if *checkups == 0 || age < 3 => {
                *checkups += 1;
                self.checkup(person, day)
            }
            0..80 => self.complaint(person, day, random),
            80..86 => self.specialist("DERM", &reasons::SKIN, age, random),
            86..91 => self.specialist("ORTHO", &reasons::JOINTS, age, random),
            91..93 if age >= 20 => self.procedure(age, random),
            _ => return self.emergency(patient, person, day, random),
        };
        self.book(patient, person, day, wish, random);
    }

    /// A provider of a department: the one who belongs there.
    pub fn provider_at(&self, spot: Spot) -> usize {
        let treats = |employee: &Employee| matches!(employee.work, Work::Treats(_));
        let first = |employee: &Employee| treats(employee) && employee.spots.first() == Some(&spot);
        let also = |employee: &Employee| treats(employee) && employee.spots.contains(&spot);
        self.staff
            .iter()
            .position(first)
            .or_else(|| self.staff.iter().position(also))
            .unwrap_or(DEMO_PROVIDER)
    }

    /// A nurse of a department, if it has any.
    pub fn nurse_at(&self, spot: Spot, random: &mut Random) -> Option<usize> {
        let is_nurse = |employee: &Employee| employee.account.role == platform::access::Role::Nurse;
        let nurses: Vec<usize> = (0..self.staff.len())
            .filter(|place| {
                is_nurse(&self.staff[*place]) && self.staff[*place].spots.contains(&spot)
            })
            .collect();
        (!nurses.is_empty()).then(|| random.pick(&nurses))
    }

    /// The demo provider opens his list today, so there is something on it: three workdays back, eight ahead.
    fn fill_days_of_demo_provider(&mut self, people: &[Person], random: &mut Random) {
        let panel: Vec<usize> = (0..people.len())
            .filter(|place| {
                people[*place].primary == DEMO_PROVIDER && people[*place].until.is_none()
            })
            .collect();
        for offset in -4..=11 {
            let day = self.wall.day(offset);
            if workday(day) != day || panel.is_empty() {
                continue;
            }
            for _ in 0..random.between(5, 7) {
                let patient = random.pick(&panel);
                let wish = self.follow_up(&people[patient], day, random);
                let own = Wish {
                    provider: DEMO_PROVIDER,
                    spot: self.staff[DEMO_PROVIDER].spots[0],
                    ..wish
                };
                self.book(patient, &people[patient], day, own, random);
            }
        }
    }

    /// Books a wish, unless the person is not yet born then, no longer a patient, or elsewhere.
    fn book(
        &mut self,
        patient: usize,
        person: &Person,
        day: NaiveDate,
        wish: Wish,
        random: &mut Random,
    ) {
        let (day, minutes) = self.diary.book(wish.provider, day, wish.half_hours, random);
        let start = self.wall.at(day, minutes);
        let end = start + TimeDelta::minutes(30 * wish.half_hours);
        if !person.is_patient_on(day) || !self.diary.take_patient(patient, start, end) {
            return;
        }
        let mut visit = Visit {
            patient,
            class: wish.class,
            status: EncounterStatus::Scheduled,
            start,
            end: Some(end),
            begun: None,
            ended: None,
            spot: wish.spot,
            provider: wish.provider,
            nurse: None,
            reasons: wish.reasons,
            disposition: None,
            cancel_reason: None,
            beds: Vec::new(),
        };
        if wish.class != EncounterClass::Telemedicine && random.chance(60) {
            visit.nurse = self.nurse_at(wish.spot, random);
        }
        self.let_time_pass(&mut visit, random);
        self.visits.push(visit);
    }

    /// What has become of a scheduled visit by now.
    fn let_time_pass(&self, visit: &mut Visit, random: &mut Random) {
        let planned = visit.end.unwrap_or(visit.start) - visit.start;
        let begun = visit.start + TimeDelta::minutes(random.between(-4, 18));
        let ended = begun + planned + TimeDelta::minutes(random.between(-8, 10));
        match random.below(100) {
            0..7 if visit.start < self.wall.now || visit.patient.is_multiple_of(3) => {
                visit.status = EncounterStatus::Cancelled;
                visit.cancel_reason = Some(random.pick(&WHY_CANCELLED));
                visit.nurse = None;
            }
            7..11 if ended < self.wall.now => {
                visit.status = EncounterStatus::NoShow;
                visit.nurse = None;
            }
            _ if ended <= self.wall.now => {
                visit.status = EncounterStatus::Completed;
                (visit.begun, visit.ended) = (Some(begun), Some(ended));
                visit.disposition = random.weighted(&AFTER_A_VISIT);
            }
            _ if begun <= self.wall.now => {
                visit.status = EncounterStatus::InProgress;
                visit.begun = Some(begun);
            }
            _ => {}
        }
    }
}

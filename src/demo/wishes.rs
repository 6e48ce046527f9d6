//! What somebody of an age and with such conditions comes for, and to whom.

use chrono::NaiveDate;
use clinical::encounters::EncounterClass;

use super::people::Person;
use super::places::Spot;
use super::random::Random;
use super::reasons::{self, Reason};
use super::visits::Planner;
use super::wall::years;

/// What is to be booked.
pub struct Wish {
    pub class: EncounterClass,
    pub provider: usize,
    pub spot: Spot,
    pub half_hours: i64,
    pub reasons: Vec<&'static Reason>,
}

impl Planner<'_> {
    pub fn checkup(&self, person: &Person, day: NaiveDate) -> Wish {
        let adult = years(person.birth_date, day) >= 18;
        let reason = if adult {
            &reasons::CHECKUP_ADULT
        } else {
            &reasons::CHECKUP_CHILD
        };
        let mut wish = self.with_own_doctor(person, EncounterClass::OfficeVisit, reason);
        if adult {
            wish.half_hours = 2;
        } else {
            wish.reasons.push(&reasons::IMMUNIZATION);
        }
        wish
    }

    pub fn complaint(&self, person: &Person, day: NaiveDate, random: &mut Random) -> Wish {
        let reason = reasons::fitting(&reasons::ACUTE, years(person.birth_date, day), random);
        let class = if random.chance(15) {
            EncounterClass::Telemedicine
        } else {
            EncounterClass::OfficeVisit
        };
        self.with_own_doctor(person, class, reason)
    }

    /// One of the person's conditions, with the own doctor or a specialist. A complaint, where there is none.
    pub fn follow_up(&self, person: &Person, day: NaiveDate, random: &mut Random) -> Wish {
        if person.conditions.is_empty() {
            return self.complaint(person, day, random);
        }
        let reason = random.pick(&person.conditions);
        let specialist = match reason.code {
            "I48.91" | "I50.9" => Some("CARD"),
            "E11.9" | "E03.9" => Some("ENDO"),
            "F41.1" | "F32.A" => Some("PSY"),
            "M17.11" => Some("ORTHO"),
            _ => None,
        };
        match specialist {
            Some(code) if random.chance(45) => {
                let class = match code {
                    "PSY" if random.chance(50) => EncounterClass::Telemedicine,
                    _ => EncounterClass::Consultation,
                };
                self.at(code, class, reason)
            }
            _ => {
                let class = if random.chance(20) {
                    EncounterClass::Telemedicine
                } else {
                    EncounterClass::OfficeVisit
                };
                self.with_own_doctor(person, class, reason)
            }
        }
    }

    pub fn specialist(
        &self,
        code: &str,
        reasons: &'static [Reason],
        age: i64,
        random: &mut Random,
    ) -> Wish {
        self.at(
            code,
            EncounterClass::Consultation,
            reasons::fitting(reasons, age, random),
        )
    }

    pub fn procedure(&self, age: i64, random: &mut Random) -> Wish {
        let reason = reasons::fitting(&reasons::PROCEDURES, age, random);
        let code = if reason.code.starts_with("S83") {
            "ORTHO"
        } else {
            "SURG"
        };
        Wish {
            half_hours: 3,
            ..self.at(code, EncounterClass::Procedure, reason)
        }
    }

    fn with_own_doctor(
        &self,
        person: &Person,
        class: EncounterClass,
        reason: &'static Reason,
    ) -> Wish {
        let spot = self.staff[person.primary].spots[0];
        Wish {
            class,
            provider: person.primary,
            spot,
            half_hours: 1,
            reasons: vec![reason],
        }
    }

    fn at(&self, code: &str, class: EncounterClass, reason: &'static Reason) -> Wish {
        let spot = self.organisation.spot(code);
        Wish {
            class,
            provider: self.provider_at(spot),
            spot,
            half_hours: 1,
            reasons: vec![reason],
        }
    }
}

//! What stands in a chart: conditions, what is not tolerated, vaccinations, what was measured and written at a visit, papers.
//!
//! Everything follows from the person, the visit and a stream of randomness of its own, and has the form in which the API
//! takes it, whose rules hold for it.

use chrono::{Datelike, NaiveDate, TimeDelta};
use clinical::allergies::{NewAllergy, NewStatement};
use clinical::diagnoses::NewDiagnosis;
use clinical::documents::NewDocument;
use clinical::immunizations::NewImmunization;
use clinical::notes::NewNote;
use clinical::problems::NewProblem;
use clinical::social_history::NewSocialHistory;
use clinical::vitals::NewReading;
use kernel::{Error, Result};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::people::{DEMO_PATIENT, Person};
use super::random::Random;
use super::visits::Visit;
use super::wall::{Wall, years};

/// What is known of a person.
pub struct Known {
    pub problems: Vec<NewProblem>,
    pub allergies: Vec<NewAllergy>,
    pub statement: Option<NewStatement>,
    pub doses: Vec<NewImmunization>,
    pub social: Vec<NewSocialHistory>,
}

/// A paper in a chart.
pub struct Paper {
    pub patient: usize,
    pub label: NewDocument,
    pub filename: &'static str,
    pub text: String,
    /// Whether the patient may read it.
    pub released: bool,
}

/// Substance, kind, severity, criticality, reaction.
const ALLERGIES: [(&str, &str, &str, &str, &str); 6] = [
    ("Penicillin", "drug", "moderate", "high", "Hives"),
    ("Sulfonamides", "drug", "mild", "low", "Rash"),
    ("Peanut", "food", "severe", "high", "Anaphylaxis"),
    ("Shellfish", "food", "moderate", "low", "Swollen lips"),
    ("Birch pollen", "environment", "mild", "low", "Sneezing"),
    (
        "Latex",
        "environment",
        "moderate",
        "low",
        "Contact dermatitis",
    ),
];

/// What the API would be sent.
fn form<T: DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(Error::internal)
}

fn forms<T: DeserializeOwned>(values: impl IntoIterator<Item = Value>) -> Result<Vec<T>> {
    values.into_iter().map(form).collect()
}

/// What is known of a person, whatever brings him.
pub fn known(person: &Person, place: usize, wall: Wall, random: &mut Random) -> Result<Known> {
    let today = wall.today();
    let problems = person.conditions.iter().map(|condition| {
        let since = today.year() - i32::try_from(random.between(1, 12)).unwrap_or(1);
        let onset = since.max(person.birth_date.year());
        json!({ "icd10cm": condition.code, "name": condition.display, "status": "chronic", "onset": onset.to_string() })
    });
    let problems = forms(problems.collect::<Vec<_>>())?;
    let allergic = place == DEMO_PATIENT || random.chance(25);
    let (substance, kind, severity, criticality, reaction) = if place == DEMO_PATIENT {
        ALLERGIES[0]
    } else {
        random.pick(&ALLERGIES)
    };
    let allergy = json!({ "kind": "allergy", "substance": { "kind": kind, "text": substance }, "severity": severity,
        "criticality": criticality, "reactions": [{ "manifestation": reaction, "severity": severity }] });
    let asked = !allergic && random.chance(80);
    let smoking = random.weighted(&[(60, "never"), (25, "former"), (15, "current_every_day")]);
    let social = (person.age >= 18).then(|| {
        json!({ "category": "smoking_status", "smoking_status": smoking, "effective_at": wall.at(wall.day(-200), 10 * 60) })
    });
    Ok(Known {
        problems,
        allergies: forms(allergic.then_some(allergy))?,
        statement: asked
            .then(|| form(json!({ "statement": "no_known_allergies" })))
            .transpose()?,
        doses: forms(doses(person, today, random))?,
        social: forms(social)?,
    })
}

/// Influenza in the last autumns, and what an adult has every ten years.
fn doses(person: &Person, today: NaiveDate, random: &mut Random) -> Vec<Value> {
    let dose = |cvx: &str, name: &str, on: NaiveDate| json!({ "cvx": cvx, "name": name, "occurred_on": on, "source": "other_provider" });
    let mut given = Vec::new();
    for back in 1..=3 {
        let day = 1 + u32::try_from(random.between(0, 27)).unwrap_or(0);
        let autumn = NaiveDate::from_ymd_opt(today.year() - back, 10, day);
        let Some(on) = autumn.filter(|on| years(person.birth_date, *on) >= 1) else {
            continue;
        };
        if person.is_patient_on(on) && random.chance(60) {
            given.push(dose(
                "140",
                "Influenza, seasonal, injectable, preservative free",
                on,
            ));
        }
    }
    let on = today - TimeDelta::days(random.between(400, 3300));
    if person.is_patient_on(on) && years(person.birth_date, on) >= 18 && random.chance(70) {
        given.push(dose("115", "Tdap", on));
    }
    given
}

/// What was measured at a visit.
pub fn measured(person: &Person, visit: &Visit, random: &mut Random) -> Result<Vec<NewReading>> {
    let age = years(person.birth_date, visit.start.date_naive());
    let tense = person
        .conditions
        .iter()
        .any(|condition| condition.code == "I10");
    let mut readings = vec![
        json!({ "kind": "temperature", "value": 36 + random.below(2), "unit": "Cel" }),
        json!({ "kind": "heart_rate", "value": random.between(60, 88) + (12 - age).clamp(0, 12) * 3 }),
        json!({ "kind": "oxygen_saturation", "value": random.between(95, 99) }),
    ];
    if age >= 16 {
        let more = if tense { 18 } else { 0 };
        readings.push(
            json!({ "kind": "blood_pressure", "systolic": random.between(108, 132) + more,
                              "diastolic": random.between(66, 82) + more / 3 }),
        );
        let heavy = i64::from(person.birth_date.ordinal() % 35);
        readings.push(
            json!({ "kind": "weight", "value": 58 + heavy + random.between(-1, 1), "unit": "kg" }),
        );
        let tall = i64::from(person.birth_date.day() % 24);
        readings.push(json!({ "kind": "height", "value": 158 + tall, "unit": "cm" }));
        readings.push(json!({ "kind": "respiratory_rate", "value": random.between(12, 18) }));
    } else if age >= 2 {
        readings.push(json!({ "kind": "weight", "value": 2 * (age + 4) + random.between(0, 2), "unit": "kg" }));
        readings.push(json!({ "kind": "height", "value": 76 + 6 * age, "unit": "cm" }));
    }
    forms(readings)
}

/// The diagnoses that were coded.
pub fn coded(visit: &Visit) -> Result<Vec<NewDiagnosis>> {
    forms(
        visit
            .reasons
            .iter()
            .map(|reason| json!({ "icd10cm": reason.code, "name": reason.display })),
    )
}

/// What was written about a visit.
pub fn written(
    visit: &Visit,
    encounter: impl serde::Serialize,
    random: &mut Random,
) -> Result<NewNote> {
    let complaint = visit
        .reasons
        .first()
        .map_or("Check-up", |reason| reason.complaint);
    let assessment: Vec<&str> = visit.reasons.iter().map(|reason| reason.display).collect();
    let how = random.pick(&[
        "No fever, no weight loss. Sleeps well.",
        "Began slowly; better on some days than on others.",
        "Manages daily life without help.",
        "No pain at rest. Appetite is good.",
    ]);
    let found = random.pick(&[
        "Well oriented, in no distress. Lungs clear, heart regular without murmur.",
        "Skin warm and dry. Abdomen soft, not tender. No edema.",
        "Gait steady, reflexes symmetric. Neck supple without nodes.",
    ]);
    let plan = visit
        .disposition
        .unwrap_or("Continue as before; return if it does not get better");
    form(json!({
        "type": "soap", "title": complaint, "encounter_id": encounter, "noted_at": visit.begun.unwrap_or(visit.start),
        "content": { "chief_complaint": complaint, "subjective": format!("{complaint}. {how}"), "objective": found,
                     "assessment": format!("{}.", assessment.join("; ")), "plan": format!("{plan}.") }
    }))
}

/// The papers in the charts of an organisation: letters for those who treat, letters of insurers for the front desk.
pub fn papers(people: &[Person], wall: Wall) -> Result<Vec<Paper>> {
    let mut papers = Vec::new();
    for (patient, person) in people.iter().enumerate() {
        let name = format!("{} {}", person.given.join(" "), person.family);
        let day = wall.day(-30 - i64::try_from(patient % 300).unwrap_or(0));
        if person.birth_date > day {
            continue;
        }
        if patient % 10 == 0 {
            papers.push(Paper {
                patient,
                label: form(json!({ "category": "clinical", "kind": "consultation_report", "title": "Consultation, General Hospital",
                                    "document_date": day, "loinc_code": "11488-4" }))?,
                filename: "consultation.txt",
                text: format!("General Hospital\n\nConsultation of {day}\nPatient: {name}, born {}\n\nThank you for sending us this patient. \
                               Findings as in your letter; no new treatment. We suggest a visit in six months.\n", person.birth_date),
                released: patient == DEMO_PATIENT,
            });
        }
        if patient % 15 == 0 {
            papers.push(Paper {
                patient,
                label: form(json!({ "category": "insurance", "kind": "prior_authorization", "title": "Prior authorization, approved",
                                    "document_date": day }))?,
                filename: "authorization.txt",
                text: format!("Authorization {:06}\nMember: {name}\nPhysical therapy, twelve visits: approved from {day}.\n", 4711 + patient),
                released: false,
            });
        }
    }
    Ok(papers)
}

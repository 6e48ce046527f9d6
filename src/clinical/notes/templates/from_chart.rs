//! What a chart says where a template asks for it: problems, allergies, medications, vital signs, immunizations. A line for each,
//! newest first. What was not asked of the patient is said so, and never reads as "none".
//!
//! Trap: of medications the chart knows what was imported. None there is a gap, for the author to fill in.

use chrono_tz::Tz;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use platform::db::TenantTx;

use super::placeholders::Values;
use crate::allergies::{self, Allergy, AllergyState, AllergySummary, AllergyVerification};
use crate::immunizations::{self, Immunization};
use crate::imported::{self, KnownMedication};
use crate::patients::Patient;
use crate::problems::{self, Problem, ProblemVerification};
use crate::vitals::{self, NewReading, RecentVital};

/// Lines of a list that a note still wants to hold.
const LINES: i64 = 50;

/// Adds what the texts ask for. What they don't is not looked up.
pub(super) async fn add(
    tx: &mut TenantTx,
    (patient, found): (PatientId, &Patient),
    texts: &[&str],
    (now, zone): (Instant, Tz),
    values: &mut Values,
) -> Result<()> {
    let asked = |name: &str| {
        texts
            .iter()
            .any(|text| super::placeholders::uses(text, name))
    };
    if asked("problems.active") {
        let open = problems::open_in_tx(tx, patient, LINES).await?;
        values.insert(
            "problems.active",
            lines(open.iter().map(problem), "none on the list"),
        );
    }
    if asked("allergies") {
        let summary = allergies::summary_in_tx(tx, patient).await?;
        values.insert("allergies", allergy_lines(&summary));
    }
    if asked("medications.active") {
        let known = imported::medications_in_tx(tx, patient, now, LINES).await?;
        if !known.is_empty() {
            values.insert(
                "medications.active",
                lines(known.iter().map(medication), ""),
            );
        }
    }
    if asked("vitals.latest") {
        let birth = found.data.birth_date;
        let until = now + vitals::AHEAD;
        let latest = vitals::recent_in_tx(tx, (patient, birth), until, None).await?;
        let bmi = vitals::bmi_in(&latest, birth);
        let bmi = bmi.map(|bmi| format!("body mass index {bmi} kg/m²"));
        let said = latest.iter().map(|one| vital(one, zone)).chain(bmi);
        values.insert("vitals.latest", lines(said, "none on record"));
    }
    if asked("immunizations") {
        let given = immunizations::given_in_tx(tx, patient, LINES).await?;
        values.insert(
            "immunizations",
            lines(given.iter().map(dose), "none on record"),
        );
    }
    Ok(())
}

fn lines(items: impl Iterator<Item = String>, none: &str) -> String {
    let lines: Vec<String> = items.map(|item| format!("- {item}")).collect();
    if lines.is_empty() {
        none.to_owned()
    } else {
        lines.join("\n")
    }
}

fn word(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_value(value).unwrap_or_default();
    text.as_str().unwrap_or_default().replace('_', " ")
}

fn problem(problem: &Problem) -> String {
    let data = &problem.data;
    let code = data.icd10cm.as_ref().or(data.snomed.as_ref());
    let name = data.name.as_ref().or(code).cloned().unwrap_or_default();
    let code = code.map(|code| format!(" ({code})")).unwrap_or_default();
    let onset = data.onset.as_ref();
    let since = onset
        .map(|onset| format!(", since {onset}"))
        .unwrap_or_default();
    let sure = match data.verification {
        ProblemVerification::Confirmed => String::new(),
        unsure => format!(", {}", word(&unsure)),
    };
    format!("{name}{code}{since}, {}{sure}", word(&data.status))
}

fn allergy_lines(summary: &AllergySummary) -> String {
    let said = match summary.state {
        AllergyState::Known => lines(summary.active.iter().map(allergy), ""),
        AllergyState::NoneKnown => stated(summary),
        AllergyState::PartlyAssessed => format!("{}; others not assessed", stated(summary)),
        AllergyState::NotAssessed => "not assessed".to_owned(),
    };
    match summary.imported_not_entered {
        Some(count @ 1..) => {
            format!("{said}\n- {count} imported, not entered: to be read as they came")
        }
        _ => said,
    }
}

fn stated(summary: &AllergySummary) -> String {
    let said = summary.statements.iter();
    let said = said.map(|said| word(&said.data.statement));
    said.collect::<Vec<_>>().join("; ")
}

fn allergy(allergy: &Allergy) -> String {
    let data = &allergy.data;
    let substance = data
        .substance
        .text
        .as_ref()
        .or(data.substance.code.as_ref());
    let substance = substance.cloned().unwrap_or_default();
    let mut criticality = word(&data.criticality);
    if data.verification != AllergyVerification::Confirmed {
        criticality = format!("{criticality}, {}", word(&data.verification));
    }
    let reactions = data.reactions.iter();
    let reactions: Vec<&str> = reactions.map(|one| one.manifestation.as_str()).collect();
    if reactions.is_empty() {
        return format!("{substance}, criticality {criticality}");
    }
    let reactions = reactions.join(", ");
    format!("{substance}: {reactions}, criticality {criticality}")
}

fn medication(known: &KnownMedication) -> String {
    let name = known.name.as_deref().unwrap_or("without a name");
    let dosage = known.dosage.as_ref();
    let dosage = dosage
        .map(|dosage| format!(": {dosage}"))
        .unwrap_or_default();
    format!("{name}, {} (imported){dosage}", known.status)
}

/// Days are those of the clinic, numbers and units those in which it was said.
fn vital(latest: &RecentVital, zone: Tz) -> String {
    let reading = &latest.reading;
    let code = reading.given.code.as_ref().map(word);
    let said = measured(&reading.given).or(code).unwrap_or_default();
    let at = latest.measured_at.with_timezone(&zone);
    let known = latest.measured_on.as_ref().map(ToString::to_string);
    let day = known.unwrap_or_else(|| at.format("%Y-%m-%d").to_string());
    format!("{} {said} ({day})", word(&reading.given.kind))
}

/// A number as it was said: `128/82 mmHg`, `98.6 °F`, `5 ft 10.5 in`.
fn measured(given: &NewReading) -> Option<String> {
    let unit = given.said_in()?;
    let (number, symbol) = (given.number()?, unit.symbol());
    Some(match (given.diastolic, given.plus.zip(unit.smaller())) {
        (Some(diastolic), _) => format!("{number}/{diastolic} {symbol}"),
        (None, Some((plus, (smaller, _)))) => {
            format!("{number} {symbol} {plus} {}", smaller.symbol())
        }
        (None, None) => format!("{number} {symbol}"),
    })
}

fn dose(dose: &Immunization) -> String {
    let data = &dose.data;
    let name = data
        .name
        .clone()
        .unwrap_or_else(|| format!("CVX {}", data.cvx));
    format!("{name}, {}", data.occurred_on)
}

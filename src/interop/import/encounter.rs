//! `Encounter` → encounter.
//!
//! What a source calls finished took place when it says; its planned times are the same, because FHIR has but one period. Of a
//! day, a month or a year the record has where it begins, and beside it what was said.

use chrono::TimeDelta;
use chrono_tz::Tz;
use clinical::encounters::{EncounterClass, EncounterRecord, EncounterStatus, ReasonCode};
use kernel::clock::Instant;
use kernel::ids::{EncounterId, FacilityId, PatientId, ProviderId};
use kernel::{Checks, Validate};
use serde_json::Value;

use super::dates;
use super::elements::{at_most, codings, list, text, tidy, wording};
use super::reference::Name;
use super::resource::Resource;

/// What an encounter refers to.
pub(super) struct Links {
    pub patient: Option<Name>,
    pub facility: Option<Name>,
    pub provider: Option<Name>,
}

/// Where those led.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub patient: PatientId,
    pub facility: Option<FacilityId>,
    pub provider: Option<ProviderId>,
}

pub(super) fn links(resource: &Resource) -> Links {
    Links {
        patient: resource
            .reference("/subject", "Patient")
            .or_else(|| resource.reference("/patient", "Patient")),
        facility: resource.reference("/serviceProvider", "Organization"),
        provider: attending(resource),
    }
}

/// The attender; else the primary performer, the admitter, whoever is named first.
fn attending(resource: &Resource) -> Option<Name> {
    let rank = |participant: &Value| {
        let codes = list(participant, "/type").iter().flat_map(codings);
        codes
            .filter_map(|coding| {
                ["ATND", "PPRF", "ADM", "CON", "SPRF", "PART"]
                    .iter()
                    .position(|code| *code == coding.code)
            })
            .min()
            .unwrap_or(usize::MAX)
    };
    let mut participants: Vec<&Value> = list(&resource.value, "/participant").iter().collect();
    participants.sort_by_key(|participant| rank(participant));
    participants.into_iter().find_map(|participant| {
        // R5 calls the individual an actor.
        let person = participant
            .pointer("/individual")
            .or_else(|| participant.pointer("/actor"))?;
        resource
            .scope
            .resolve(person, "Practitioner", &resource.value)
    })
}

/// The encounter, whole; or why it can't be one.
pub(super) fn map(
    resource: &Resource,
    id: EncounterId,
    found: Found,
    zone: Tz,
    now: Instant,
) -> Result<EncounterRecord, &'static str> {
    let value = &resource.value;
    let time = |pointer: &str| match text(value, pointer) {
        Some(text) => dates::instant(text, zone)
            .map(Some)
            .ok_or("has a period that is not a date or time between 1850 and 2200"),
        None => Ok(None),
    };
    let start = time("/period/start")?.ok_or("has no period.start")?;
    let said = |pointer: &str| text(value, pointer).and_then(dates::partial);
    let (starts_on, ends_on) = (said("/period/start"), said("/period/end"));
    let mut end = time("/period/end")?;
    // It may have ended at any moment of the day, the month or the year: after it began.
    let day = start.with_timezone(&zone).date_naive();
    if ends_on.as_ref().is_some_and(|date| date.latest() >= day) {
        end = end.max(Some(start));
    }
    if end.is_some_and(|end| end < start) {
        return Err("has a period that ends before it starts");
    }
    if start > now + TimeDelta::days(5 * 366) {
        return Err("has a period.start that is out of range");
    }
    let status = status(text(value, "/status").unwrap_or_default(), start, now);
    let happened = matches!(
        status,
        EncounterStatus::InProgress | EncounterStatus::Completed
    );
    let reasons = reason_codes(value);
    Ok(EncounterRecord {
        id,
        patient_id: found.patient,
        class: class(value),
        status,
        scheduled_start: start,
        scheduled_end: end,
        actual_start: happened.then_some(start),
        actual_end: end.filter(|_| status == EncounterStatus::Completed),
        starts_on,
        ends_on,
        time_zone: zone.name().to_owned(),
        facility_id: found.facility,
        department_id: None,
        attending_provider_id: found.provider,
        chief_complaint: complaint(value),
        reason_codes: sqlx::types::Json(reasons),
        disposition: disposition(value),
        cancel_reason: (status == EncounterStatus::Cancelled).then(|| cancel_reason(value)),
    })
}

/// The source's words over what is known; what the source does not speak of stays.
pub(super) fn amend(present: EncounterRecord, source: EncounterRecord) -> EncounterRecord {
    let facility_id = source.facility_id.or(present.facility_id);
    EncounterRecord {
        facility_id,
        department_id: present
            .department_id
            .filter(|_| facility_id == present.facility_id),
        attending_provider_id: source
            .attending_provider_id
            .or(present.attending_provider_id),
        chief_complaint: source.chief_complaint.or(present.chief_complaint),
        disposition: source.disposition.or(present.disposition),
        ..source
    }
}

/// The rules of the encounter's own feature.
pub(super) fn check(record: &EncounterRecord, now: Instant) -> kernel::Result<()> {
    let mut checks = Checks::at(now);
    record.details().check(&mut checks);
    checks.finish()
}

fn class(value: &Value) -> EncounterClass {
    let element = list(value, "/class").first().unwrap_or(&Value::Null);
    let code = codings(element)
        .next()
        .map_or("", |coding| coding.code)
        .to_ascii_uppercase();
    match code.as_str() {
        "IMP" | "ACUTE" | "NONAC" | "OBSENC" | "INPATIENT" => EncounterClass::Inpatient,
        "EMER" | "EMERGENCY" => EncounterClass::Emergency,
        "VR" | "VIRTUAL" => EncounterClass::Telemedicine,
        "SS" => EncounterClass::Procedure,
        "PRENC" => EncounterClass::Consultation,
        // At home and in the field too: the patient is seen, and keeps no bed.
        _ => EncounterClass::OfficeVisit,
    }
}

fn status(code: &str, start: Instant, now: Instant) -> EncounterStatus {
    match code {
        "planned" => EncounterStatus::Scheduled,
        "arrived" | "triaged" | "in-progress" | "onleave" | "on-hold" | "discharged" => {
            EncounterStatus::InProgress
        }
        "cancelled" | "entered-in-error" | "discontinued" => EncounterStatus::Cancelled,
        "noshow" => EncounterStatus::NoShow,
        "finished" | "completed" => EncounterStatus::Completed,
        // Unknown: what began in the past is over.
        _ if start <= now => EncounterStatus::Completed,
        _ => EncounterStatus::Scheduled,
    }
}

fn cancel_reason(value: &Value) -> String {
    match text(value, "/status") {
        Some("entered-in-error") => "Entered in error".to_owned(),
        _ => "Cancelled before the import".to_owned(),
    }
}

fn reasons(value: &Value) -> impl Iterator<Item = &Value> {
    let types = list(value, "/type").iter();
    list(value, "/reasonCode").iter().chain(types)
}

fn reason_codes(value: &Value) -> Vec<ReasonCode> {
    let mut found: Vec<ReasonCode> = Vec::new();
    for coding in reasons(value).flat_map(codings) {
        // A code without its system says nothing; its words are in the complaint.
        let Some(system) = coding.system else {
            continue;
        };
        let reason = ReasonCode {
            system: at_most(&tidy(system), 200),
            code: at_most(&tidy(coding.code), 100),
            display: coding
                .display
                .map(|display| at_most(&tidy(display), 300))
                .filter(|display| !display.is_empty()),
        };
        let known = found
            .iter()
            .any(|other| other.system == reason.system && other.code == reason.code);
        if !known && !reason.code.is_empty() && found.len() < 20 {
            found.push(reason);
        }
    }
    found
}

fn complaint(value: &Value) -> Option<String> {
    let words = reasons(value).find_map(wording)?;
    Some(at_most(&tidy(words), 2000)).filter(|words| !words.is_empty())
}

fn disposition(value: &Value) -> Option<String> {
    let concept = value
        .pointer("/hospitalization/dischargeDisposition")
        .or_else(|| value.pointer("/admission/dischargeDisposition"))?;
    let code = codings(concept).next().map(|coding| coding.code);
    wording(concept)
        .or(code)
        .map(|words| at_most(&tidy(words), 500))
        .filter(|words| !words.is_empty())
}

#[cfg(test)]
#[path = "encounter_tests.rs"]
mod tests;

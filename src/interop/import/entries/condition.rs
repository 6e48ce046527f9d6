//! `Condition` → problem, and on its encounter a diagnosis, where it says that it is one.
//!
//! An encounter's diagnosis is a problem too: only there it has an onset, an end and a status. One that stands open on the
//! list already, under the same code, is that problem again.

use chrono_tz::Tz;
use clinical::diagnoses::{self, NewDiagnosis};
use clinical::encounters;
use clinical::patients::Patient;
use clinical::problems::{
    self, FoundElsewhere, NewProblem, ProblemSeverity, ProblemStatus, ProblemVerification,
};
use clinical::terminology::System;
use kernel::Result;
use kernel::ids::ProblemId;
use serde_json::Value;

use super::super::batch::Batch;
use super::super::elements::{Coding, codings, list, text, wording};
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::codes::Said;
use super::follow::CORRECTED;
use super::{Entered, Whose, codes, note, quantity_at, refusal, revised, words};

const IN_ERROR: &str = "was entered in error at its source";
/// The codes of FHIR for where a problem stands.
const CLINICAL: &[&str] = &[
    "active",
    "recurrence",
    "relapse",
    "inactive",
    "remission",
    "resolved",
];
const UNSAID: &str = "/code says what it is neither in ICD-10-CM, nor in SNOMED CT, nor in words";

/// The problem; or why it can't be one.
#[expect(clippy::too_many_lines, reason = "one element after the other")]
fn map(
    (value, written): (&Value, &str),
    whose: Whose,
    zone: Tz,
) -> std::result::Result<NewProblem, Entered> {
    let code = value.pointer("/code").ok_or(Entered::refused(UNSAID))?;
    if is_no_problem(code) {
        return Err(Entered::Left("says that there are no problems"));
    }
    let (icd10cm, snomed) = codes_of(value);
    let name = wording(code).and_then(|name| words(name, 300));
    let uncoded = icd10cm.is_none() && snomed.is_none();
    if uncoded && name.is_none() {
        return Err(Entered::refused(UNSAID));
    }
    let date = |place| codes::partial_date(value, place, zone);
    let onset = date("/onsetDateTime").or_else(|| date("/onsetPeriod/start"));
    // Of a time in which it went, the end: then it was over.
    let ended = date("/abatementDateTime")
        .or_else(|| date("/abatementPeriod/end"))
        .or_else(|| date("/abatementPeriod/start"));
    let status = status(value, is_abated(value))?;
    let mut more = Vec::new();
    // A code of another system, or one that is none: it is there to be read.
    let unread = codings(code).filter(|coding| uncoded || is_a_slip(coding));
    more.extend(unread.map(|coding| {
        let system = coding.system.map(|system| format!("{system} "));
        let code = coding.code;
        format!("Code at its source: {}{code}", system.unwrap_or_default())
    }));
    for (place, word) in [("/onsetPeriod", "Onset"), ("/abatementPeriod", "Abatement")] {
        more.extend(between(value, place).map(|said| format!("{word}: {said}")));
    }
    for (place, word) in [("/onsetString", "Onset"), ("/abatementString", "Abatement")] {
        more.extend(text(value, place).map(|said| format!("{word}: {said}")));
    }
    for (place, word) in [
        ("/onsetAge", "Onset at the age of"),
        ("/onsetRange", "Onset at the age of"),
        ("/abatementAge", "Abatement at the age of"),
        ("/abatementRange", "Abatement at the age of"),
    ] {
        let said = quantity_at(value, written, place);
        more.extend(said.map(|said| format!("{word} {said}")));
    }
    let sites = list(value, "/bodySite").iter().filter_map(wording);
    more.extend(sites.map(|site| format!("Body site: {site}")));
    let stages = list(value, "/stage").iter();
    let stages = stages.filter_map(|stage| wording(stage.pointer("/summary")?));
    more.extend(stages.map(|stage| format!("Stage: {stage}")));
    let evidence = list(value, "/evidence").iter();
    let evidence = evidence
        .flat_map(|one| list(one, "/code"))
        .filter_map(wording);
    more.extend(evidence.map(|said| format!("Evidence: {said}")));
    let is_over = matches!(status, ProblemStatus::Resolved | ProblemStatus::InRemission);
    // Open, and yet with an end: it stays on the list, and what was said is there to be read.
    let abatement = match ended {
        Some(ended) if !is_over => {
            more.push(format!("Abatement: {}", ended.as_str()));
            None
        }
        other => other,
    };
    Ok(NewProblem {
        icd10cm,
        snomed,
        name,
        onset,
        abatement,
        severity: severity(value),
        status,
        verification: verification(value)?,
        note: note(value, more, 2000),
        encounter_id: whose.encounter,
        recorded_at: None,
    })
}

/// Whether it says in any way that it is over. FHIR: what has abated is not active.
fn is_abated(value: &Value) -> bool {
    value
        .as_object()
        .into_iter()
        .flatten()
        .any(|(name, said)| name.starts_with("abatement") && *said != Value::Bool(false))
}

/// A time with a beginning and an end, as it was written; the problem itself has one day for it.
fn between(value: &Value, place: &str) -> Option<String> {
    let period = value.pointer(place)?;
    let (start, end) = (text(period, "/start")?, text(period, "/end")?);
    Some(format!("{start} to {end}"))
}

fn status(value: &Value, ended: bool) -> std::result::Result<ProblemStatus, Entered> {
    match codes::status(value, "/clinicalStatus", CLINICAL) {
        Said::Nothing if ended => Ok(ProblemStatus::Resolved),
        Said::Nothing | Said::Code("active" | "recurrence" | "relapse") => {
            Ok(ProblemStatus::Active)
        }
        Said::Code("remission") => Ok(ProblemStatus::InRemission),
        Said::Code(_) => Ok(ProblemStatus::Resolved),
        Said::Unread => Err(Entered::refused("/clinicalStatus is not one of FHIR's")),
    }
}

fn verification(value: &Value) -> std::result::Result<ProblemVerification, Entered> {
    match codes::status(value, "/verificationStatus", codes::VERIFICATION) {
        Said::Nothing | Said::Code("confirmed") => Ok(ProblemVerification::Confirmed),
        Said::Code("unconfirmed") => Ok(ProblemVerification::Unconfirmed),
        Said::Code("provisional") => Ok(ProblemVerification::Provisional),
        Said::Code("differential") => Ok(ProblemVerification::Differential),
        Said::Code("refuted") => Ok(ProblemVerification::Refuted),
        Said::Code("entered-in-error") => Err(Entered::Left(IN_ERROR)),
        Said::Code(_) | Said::Unread => {
            Err(Entered::refused("/verificationStatus is not one of FHIR's"))
        }
    }
}

fn severity(value: &Value) -> Option<ProblemSeverity> {
    let concept = value.pointer("/severity")?;
    let by_code = codings(concept).find_map(|coding| match coding.code {
        "255604002" => Some(ProblemSeverity::Mild),
        "6736007" => Some(ProblemSeverity::Moderate),
        "24484000" => Some(ProblemSeverity::Severe),
        "442452003" => Some(ProblemSeverity::Critical),
        _ => None,
    });
    by_code.or_else(|| match wording(concept)?.to_lowercase().as_str() {
        "mild" => Some(ProblemSeverity::Mild),
        "moderate" => Some(ProblemSeverity::Moderate),
        "severe" => Some(ProblemSeverity::Severe),
        "critical" | "life threatening" => Some(ProblemSeverity::Critical),
        _ => None,
    })
}

/// Its codes, in ICD-10-CM and in SNOMED CT. What has not the form of a code, or not its check digit, is none.
pub(super) fn codes_of(value: &Value) -> (Option<String>, Option<String>) {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let one = |wanted: System| {
        let mut of_it = codings(code)
            .filter(|coding| coding.system.and_then(codes::system) == Some(wanted))
            .filter(|coding| !is_a_slip(coding));
        of_it.next().map(|coding| coding.code.to_owned())
    };
    (one(System::Icd10cm), one(System::Snomed))
}

/// Whether it has not the form of its system, or not its check digit.
fn is_a_slip(coding: &Coding<'_>) -> bool {
    let system = coding.system.and_then(codes::system);
    let system = system.filter(|system| matches!(system, System::Icd10cm | System::Snomed));
    system.is_some_and(|system| !system.has_form(&system.canonical(coding.code)))
}

fn is_refuted(value: &Value) -> bool {
    codes::status(value, "/verificationStatus", codes::VERIFICATION) == Said::Code("refuted")
}

fn as_a_diagnosis(why: &str) -> String {
    format!("as a diagnosis of its encounter: {why}")
}

/// Whether it says that there are none.
fn is_no_problem(code: &Value) -> bool {
    let worded =
        || wording(code).is_some_and(|words| words.to_lowercase().starts_with("no known problem"));
    codings(code).any(|coding| coding.code == "160245001") || worded()
}

pub(super) fn is_of_an_encounter(value: &Value) -> bool {
    list(value, "/category")
        .iter()
        .flat_map(codings)
        .any(|coding| coding.code == "encounter-diagnosis")
}

impl Batch<'_> {
    pub(super) async fn condition(
        &mut self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<Entered> {
        let said = (&resource.value, resource.content.as_str());
        let mut new = match map(said, whose, self.importer.zone) {
            Ok(new) => new,
            Err(left) => return Ok(left),
        };
        new.recorded_at = self.recorded_at(&resource.value);
        if let Some(broken) = self.broken(&FoundElsewhere(&new)) {
            return Ok(broken);
        }
        let diagnosis = if self.revises.is_some() {
            self.follow_diagnosis(resource, &new, whose).await?
        } else if is_of_an_encounter(&resource.value) {
            self.diagnosis(&new, whose).await?
        } else {
            None
        };
        // What stood on the list must have been good when it began, not today.
        let on = new
            .onset
            .as_ref()
            .map_or(self.now.date_naive(), kernel::PartialDate::latest)
            .min(self.now.date_naive());
        if let Some(id) = self.revises {
            let ends = new.status == ProblemStatus::Resolved;
            let (tx, now) = (&mut self.tx, self.now);
            let done = problems::revise_in_tx(tx, person, ProblemId(id), new, on, now).await;
            if ends && done.is_ok() {
                // The same may stand open under another id, and was refused because of this one.
                self.reconsider(resource, whose).await?;
            }
            let lacks = diagnosis.and_then(std::result::Result::err);
            return Ok(revised("problem", id, done)?.lacking(lacks.as_deref().map(as_a_diagnosis)));
        }
        let problem = problems::enter_in_tx(&mut self.tx, person, new, on, self.now).await;
        match (problem, diagnosis) {
            (Ok(id), Some(Err(why))) => Ok(Entered::partly("problem", id, as_a_diagnosis(&why))),
            (Ok(id), _) => Ok(Entered::whole("problem", id)),
            (Err(error), Some(Ok(id))) => match refusal(error)? {
                Entered::Refused(why) | Entered::There(why) => {
                    let lacks = format!("as a problem: {why}");
                    Ok(Entered::partly("diagnosis", id, lacks))
                }
                other => Ok(other),
            },
            (Err(error), _) => refusal(error),
        }
    }

    /// Takes the diagnosis of the encounter to what the source says now: what it was coded as before is taken back, unless somebody
    /// here has coded it, and it is coded anew.
    async fn follow_diagnosis(
        &mut self,
        resource: &Resource,
        problem: &NewProblem,
        whose: Whose,
    ) -> Result<Option<std::result::Result<uuid::Uuid, String>>> {
        let name = self.stored(&resource.identity());
        let Some(before) = store::content_of(&mut self.tx, &name).await? else {
            return Ok(None);
        };
        let was_in = self.kept.get(&name).and_then(|before| before.encounter);
        let was_coded = is_of_an_encounter(&before) && !is_refuted(&before);
        let is_coded = is_of_an_encounter(&resource.value) && !is_refuted(&resource.value);
        let same = (was_in, codes_of(&before)) == (whose.encounter, codes_of(&resource.value));
        if was_coded == is_coded && (same || !was_coded) {
            return Ok(None);
        }
        let where_it_was = Whose {
            encounter: was_in,
            ..whose
        };
        if was_coded
            && !self
                .take_back_diagnosis(resource, where_it_was, CORRECTED)
                .await?
        {
            return Ok(Some(Err(
                "it was coded or changed here, and stays".to_owned()
            )));
        }
        if is_coded {
            self.diagnosis(problem, whose).await
        } else {
            Ok(None)
        }
    }

    /// Codes it on its encounter, if that is known.
    async fn diagnosis(
        &mut self,
        problem: &NewProblem,
        whose: Whose,
    ) -> Result<Option<std::result::Result<uuid::Uuid, String>>> {
        let Some(encounter) = whose.encounter else {
            return Ok(Some(Err("the encounter is not known".to_owned())));
        };
        if problem.verification == ProblemVerification::Refuted {
            return Ok(None);
        }
        if problem.icd10cm.is_none() && problem.snomed.is_none() {
            return Ok(Some(Err("it has no code".to_owned())));
        }
        let coded = store::is_coded(
            &mut self.tx,
            encounter,
            problem.icd10cm.as_deref(),
            problem.snomed.as_deref(),
        );
        if coded.await? {
            return Ok(Some(Err("stands there already".to_owned())));
        }
        let Some(visit) =
            encounters::find_in_tx(&mut self.tx, Some(whose.patient), encounter).await?
        else {
            return Ok(Some(Err("the encounter is not known".to_owned())));
        };
        let new = NewDiagnosis {
            icd10cm: problem.icd10cm.clone(),
            snomed: problem.snomed.clone(),
            name: problem.name.clone(),
            rank: None,
            present_on_admission: None,
        };
        match diagnoses::add_in_tx(&mut self.tx, &visit.record, new, self.now).await {
            Ok(id) => Ok(Some(Ok(id.into()))),
            Err(error) => match refusal(error)? {
                Entered::Refused(why) => Ok(Some(Err(why))),
                _ => Ok(None),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::ids::PatientId;
    use serde_json::json;

    fn whose() -> Whose {
        Whose {
            patient: PatientId::new(),
            encounter: None,
        }
    }

    fn condition(more: Value) -> Value {
        let mut value = json!({"code": {"coding": [{"system": "http://snomed.info/sct", "code": "40055000", "display": "Chronic sinusitis (disorder)"}]},
            "clinicalStatus": {"coding": [{"code": "active"}]}, "onsetDateTime": "1944-08-12T17:43:59+10:00"});
        if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
            value.extend(more);
        }
        value
    }

    fn mapped(value: &Value) -> std::result::Result<NewProblem, Entered> {
        map((value, &value.to_string()), whose(), Tz::UTC)
    }

    #[test]
    fn an_open_problem_stays_open_although_an_end_is_given_and_the_end_can_be_read() {
        let problem =
            mapped(&condition(json!({"abatementDateTime": "1950-01-01"}))).expect("a problem");
        assert_eq!(problem.status, ProblemStatus::Active);
        assert_eq!(problem.abatement, None);
        assert_eq!(problem.note.as_deref(), Some("Abatement: 1950-01-01"));
        assert_eq!(
            problem.onset.as_ref().map(kernel::PartialDate::as_str),
            Some("1944-08-12")
        );
        assert_eq!(
            problem.name.as_deref(),
            Some("Chronic sinusitis (disorder)")
        );
    }

    #[test]
    fn what_has_abated_in_any_way_is_over_although_no_status_is_given() {
        for (abatement, on, said) in [
            (
                json!({"abatementString": "years ago"}),
                None,
                Some("Abatement: years ago"),
            ),
            (
                json!({"abatementAge": {"value": 12, "unit": "a"}}),
                None,
                Some("Abatement at the age of 12 a"),
            ),
            (
                json!({"abatementPeriod": {"start": "1950-01", "end": "1950-03"}}),
                Some("1950-03"),
                Some("Abatement: 1950-01 to 1950-03"),
            ),
        ] {
            let mut value = condition(abatement);
            value["clinicalStatus"] = Value::Null;
            let problem = mapped(&value).expect("a problem");
            assert_eq!(problem.status, ProblemStatus::Resolved, "{value}");
            let ended = problem.abatement.as_ref().map(kernel::PartialDate::as_str);
            assert_eq!((ended, problem.note.as_deref()), (on, said));
        }
    }

    #[test]
    fn a_status_in_words_is_read_and_one_that_can_not_be_read_is_no_fact() {
        let said =
            |element: &str, words: &str| mapped(&condition(json!({ element: { "text": words } })));
        let resolved = said("clinicalStatus", "Resolved").expect("a problem");
        assert_eq!(resolved.status, ProblemStatus::Resolved);
        let refuted = said("verificationStatus", "Refuted").expect("a problem");
        assert_eq!(refuted.verification, ProblemVerification::Refuted);
        let mistaken = said("verificationStatus", "Entered in Error");
        assert_eq!(mistaken.err(), Some(Entered::Left(IN_ERROR)));
        for element in ["clinicalStatus", "verificationStatus"] {
            assert!(matches!(
                said(element, "As agreed"),
                Err(Entered::Refused(_))
            ));
        }
    }

    #[test]
    fn what_its_source_took_back_is_left_and_what_is_neither_coded_nor_worded_says_so() {
        let mistaken =
            condition(json!({"verificationStatus": {"coding": [{"code": "entered-in-error"}]}}));
        assert_eq!(mapped(&mistaken).err(), Some(Entered::Left(IN_ERROR)));
        let unsaid = condition(json!({"code": {"coding": [{"system": "urn:local", "code": "X"}]}}));
        assert_eq!(mapped(&unsaid).err(), Some(Entered::refused(UNSAID)));
    }

    #[test]
    fn a_problem_in_words_or_in_a_code_that_is_none_here_is_a_problem_in_words() {
        let icd9 = json!({"system": "http://hl7.org/fhir/sid/icd-9-cm", "code": "473.9", "display": "Sinusitis"});
        let slip =
            json!({"system": "http://snomed.info/sct", "code": "40055001", "display": "Sinusitis"});
        for (coding, said) in [
            (icd9, "http://hl7.org/fhir/sid/icd-9-cm 473.9"),
            (slip, "http://snomed.info/sct 40055001"),
        ] {
            let problem =
                mapped(&condition(json!({"code": {"coding": [coding]}}))).expect("a problem");
            assert_eq!((problem.icd10cm, problem.snomed), (None, None));
            assert_eq!(problem.name.as_deref(), Some("Sinusitis"));
            let note = problem.note.expect("the code");
            assert_eq!(note, format!("Code at its source: {said}"));
        }
        let worded = mapped(&condition(json!({"code": {"text": "Feels unwell"}})));
        assert_eq!(
            worded.expect("a problem").name.as_deref(),
            Some("Feels unwell")
        );
    }
}

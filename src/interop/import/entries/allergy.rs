//! `AllergyIntolerance` → allergy, or the statement that there are none.
//!
//! A code that the loaded code sets do not have costs the code and not the allergy: what a patient reacts to must be seen.

use chrono_tz::Tz;
use clinical::allergies::{
    self, AllergyKind, AllergySeverity, AllergyStatus, AllergyVerification, Criticality,
    NewAllergy, NewStatement, NoKnown, Reaction, Substance, SubstanceKind,
};
use clinical::patients::{self, Patient};
use clinical::terminology::System;
use kernel::ids::{AllergyId, AllergyStatementId, PatientId};
use kernel::{Code, Error, Kind, Result};
use serde_json::Value;

use super::super::batch::Batch;
use super::super::elements::{list, text, texts, tidy, wording};
use super::super::importer::reason;
use super::super::report::ORPHAN;
use super::super::resource::Resource;
use super::codes::Said;
use super::denials::{denies_another, is_not_known, statement};
use super::follow::{CORRECTED, WITHDRAWN};
use super::{Entered, Whose, as_it_came, codes, note, refusal, words};

/// Why a statement no longer stands.
const CONTRADICTED: &str = "An allergy that was imported since contradicts it.";
/// The codes of FHIR for where an allergy stands.
const CLINICAL: &[&str] = &["active", "inactive", "resolved"];
const NOT_KNOWN: &str = "/code says that it is not known whether there is any";
const STATUS_UNREAD: &str = "/clinicalStatus or /verificationStatus is not one of FHIR's";
const DENIES_ANOTHER: &str =
    "/code says that there are none of a kind, or in words, of which that can't be stated here";

fn map(value: &Value, whose: Whose, zone: Tz) -> std::result::Result<NewAllergy, Entered> {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let mut unread = Vec::new();
    let verification = match codes::status(value, "/verificationStatus", codes::VERIFICATION) {
        Said::Code("confirmed") | Said::Nothing => AllergyVerification::Confirmed,
        Said::Code("refuted") => AllergyVerification::Refuted,
        Said::Code("entered-in-error") => {
            return Err(Entered::Left("was entered in error at its source"));
        }
        Said::Code("unconfirmed" | "presumed") => AllergyVerification::Unconfirmed,
        Said::Code(_) | Said::Unread => {
            unread.extend(as_it_came(value, "/verificationStatus", "Verification"));
            AllergyVerification::Unconfirmed
        }
    };
    let status = match codes::status(value, "/clinicalStatus", CLINICAL) {
        Said::Code("inactive") => AllergyStatus::Inactive,
        Said::Code("resolved") => AllergyStatus::Resolved,
        Said::Code(_) | Said::Nothing => AllergyStatus::Active,
        Said::Unread => {
            unread.extend(as_it_came(value, "/clinicalStatus", "Status"));
            AllergyStatus::Active
        }
    };
    if denies_another(code) {
        return Err(Entered::refused(DENIES_ANOTHER));
    }
    if is_not_known(value, code) {
        return Err(Entered::refused(NOT_KNOWN));
    }
    if statement(code).is_some() && !unread.is_empty() {
        return Err(Entered::refused(STATUS_UNREAD));
    }
    let reactions = reactions(value, zone);
    let (substance, mut unsaid) = substance(value, code)?;
    unread.append(&mut unsaid);
    Ok(NewAllergy {
        kind: match text(value, "/type") {
            Some("allergy") => AllergyKind::Allergy,
            Some("intolerance") => AllergyKind::Intolerance,
            _ => AllergyKind::Unknown,
        },
        substance,
        severity: list(value, "/reaction")
            .iter()
            .filter_map(severity)
            .max_by_key(|severity| *severity as u8),
        criticality: match text(value, "/criticality") {
            Some("low") => Criticality::Low,
            Some("high") => Criticality::High,
            _ => Criticality::UnableToAssess,
        },
        status,
        verification,
        onset: codes::partial_date(value, "/onsetDateTime", zone)
            .or_else(|| codes::partial_date(value, "/onsetPeriod/start", zone)),
        reactions,
        note: note(value, unread, 2000),
        encounter_id: whose.encounter,
        recorded_at: None,
    })
}

fn has_an_unread_status(value: &Value) -> bool {
    let of = |place, known| codes::status(value, place, known) == Said::Unread;
    of("/clinicalStatus", CLINICAL) || of("/verificationStatus", codes::VERIFICATION)
}

fn says_a_substance(code: &Value) -> bool {
    wording(code).is_some()
        || [System::Rxnorm, System::Snomed]
            .iter()
            .any(|system| codes::code_in(code, *system).is_some())
}

/// What is reacted to, and what must be said beside it.
fn substance(
    value: &Value,
    code: &Value,
) -> std::result::Result<(Substance, Vec<String>), Entered> {
    let categories = texts(value, "/category");
    let has = |wanted: &str| categories.iter().any(|category| category == wanted);
    // Some sources say it only of what it caused.
    let caused = list(value, "/reaction").iter();
    let caused = caused.filter_map(|reaction| reaction.pointer("/substance"));
    let code = std::iter::once(code)
        .chain(caused)
        .find(|code| says_a_substance(code))
        .ok_or(Entered::refused(
            "/code says neither in a code nor in words to what",
        ))?;
    let rxnorm = codes::code_in(code, System::Rxnorm);
    let snomed = codes::code_in(code, System::Snomed);
    let label = wording(code).and_then(|label| words(label, 200));
    let drug = rxnorm.is_some() || has("medication") || has("biologic");
    let kind = if drug {
        SubstanceKind::Drug
    } else if has("food") {
        SubstanceKind::Food
    } else {
        SubstanceKind::Environment
    };
    let mut unsaid = Vec::new();
    if !drug && categories.is_empty() {
        unsaid.push("Its source does not say of what kind the substance is.".to_owned());
    }
    // A drug is coded in RxNorm; what else is said of it can be read.
    if drug && let Some(code) = &snomed {
        unsaid.push(format!("SNOMED CT {code}"));
    }
    let last = text(value, "/lastOccurrence");
    unsaid.extend(last.map(|last| format!("Last reaction: {last}")));
    unsaid.extend(list(value, "/reaction").iter().filter_map(told_of));
    let code = if drug { rxnorm } else { snomed.clone() };
    Ok((
        Substance {
            kind,
            // Without words and without a code of its kind there is only the other code to show.
            text: label.or_else(|| {
                snomed
                    .filter(|_| code.is_none())
                    .map(|code| format!("SNOMED CT {code}"))
            }),
            code,
        },
        unsaid,
    ))
}

/// What is said of a reaction beside its manifestations.
fn told_of(reaction: &Value) -> Option<String> {
    let to = reaction.pointer("/substance").and_then(wording);
    let route = reaction.pointer("/exposureRoute").and_then(wording);
    let parts = [
        to.map(|to| format!("to {to}")),
        route.map(|route| format!("by {route}")),
        text(reaction, "/description").map(str::to_owned),
        note(reaction, None, 500),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("Reaction: {}", tidy(&parts.join("; "))))
}

fn severity(reaction: &Value) -> Option<AllergySeverity> {
    match text(reaction, "/severity") {
        Some("mild") => Some(AllergySeverity::Mild),
        Some("moderate") => Some(AllergySeverity::Moderate),
        Some("severe") => Some(AllergySeverity::Severe),
        _ => None,
    }
}

fn reactions(value: &Value, zone: Tz) -> Vec<Reaction> {
    list(value, "/reaction")
        .iter()
        .flat_map(|reaction| {
            let severity = severity(reaction);
            let onset = codes::partial_date(reaction, "/onset", zone);
            list(reaction, "/manifestation")
                .iter()
                .filter_map(move |manifestation| {
                    let snomed = codes::code_in(manifestation, System::Snomed);
                    Some(Reaction {
                        manifestation: wording(manifestation)
                            .map(str::to_owned)
                            .or_else(|| snomed.clone().map(|code| format!("SNOMED CT {code}")))
                            .and_then(|label| words(&label, 200))?,
                        snomed,
                        severity,
                        onset: onset.clone(),
                    })
                })
        })
        .take(20)
        .collect()
}

/// The same without its codes.
fn uncoded(mut allergy: NewAllergy) -> NewAllergy {
    let substance = &mut allergy.substance;
    if let Some(code) = substance.code.take() {
        substance.text.get_or_insert(code);
    }
    for reaction in &mut allergy.reactions {
        reaction.snomed = None;
    }
    allergy
}

fn stated(statement: NoKnown, said: &NewAllergy) -> NewStatement {
    NewStatement {
        statement,
        note: said.note.as_deref().and_then(|note| words(note, 500)),
    }
}

const SAID_BY_ANOTHER: &str =
    "warns no more by its source, and another resource says the same: the entry stays as it is";

fn overflow(fits: bool) -> Option<String> {
    (!fits).then(|| "/note or /reaction: there is no room for more".to_owned())
}

/// The allergy that an error names.
fn standing(error: &Error) -> Option<AllergyId> {
    let (name, id) = error.extension()?;
    let id = (*name == "allergy_id").then(|| id.as_str())??;
    id.parse().ok().map(AllergyId)
}

impl Batch<'_> {
    pub(super) async fn allergy(
        &mut self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<Entered> {
        let value = &resource.value;
        let mut new = match map(value, whose, self.importer.zone) {
            Ok(new) => new,
            Err(left) => return Ok(left),
        };
        new.recorded_at = self.recorded_at(value);
        if let Some(broken) = self.broken(&new) {
            return Ok(broken);
        }
        patients::hold(&mut self.tx, whose.patient).await?;
        if let Some(statement) = value.pointer("/code").and_then(statement) {
            return self.no_known(statement, &new, whose).await;
        }
        let shared = match self.revises {
            Some(id) => !self.also_stand(resource, whose, id).await?.is_empty(),
            None => false,
        };
        if let (Some(id), true, false) = (self.revises, shared, new.is_live()) {
            return Ok(Entered::partly("allergy", id, SAID_BY_ANOTHER.to_owned()));
        }
        let error = match self.add_or_revise(person, new.clone(), shared).await {
            Ok((id, fits)) => {
                let unread = has_an_unread_status(value).then(|| STATUS_UNREAD.to_owned());
                let lacks = overflow(fits).or(unread);
                return Ok(Entered::whole("allergy", id).lacking(lacks));
            }
            Err(error) => error,
        };
        let is_the_code = error.kind() == Kind::Invalid
            && !error.fields().is_empty()
            && error.fields().iter().all(|field| {
                field.pointer.ends_with("/code") || field.pointer.ends_with("/snomed")
            });
        if !is_the_code {
            return refusal(error);
        }
        match self.add_or_revise(person, uncoded(new), shared).await {
            Ok((id, _)) => {
                let lacks = format!("its codes: {}", reason(&error));
                Ok(Entered::partly("allergy", id, lacks))
            }
            Err(error) => refusal(error),
        }
    }

    /// Adds the allergy, or tells the one that warns already of the same substance what this one says; so it is told of changes, too, if
    /// other resources stand by what it says. A statement that there are none must not keep it out of the chart: it is withdrawn, as
    /// when registrations are merged. With whether all of it fits there.
    async fn add_or_revise(
        &mut self,
        person: &Patient,
        new: NewAllergy,
        shared: bool,
    ) -> Result<(AllergyId, bool)> {
        if let (Some(id), true) = (self.revises.map(AllergyId), shared) {
            return self.worsen(person, id, &new).await;
        }
        let error = match self.try_allergy(person, new.clone()).await {
            Ok(id) => return Ok((id, true)),
            Err(error) => error,
        };
        match (error.code(), standing(&error)) {
            (Code::AllergyContradictsStatement, _) => {
                self.withdraw_denials(person.id, new.substance.kind).await?;
                Ok((self.try_allergy(person, new).await?, true))
            }
            (Code::AllergyAlreadyActive, Some(id)) if self.revises.is_none() => {
                self.worsen(person, id, &new).await
            }
            _ => Err(error),
        }
    }

    async fn worsen(
        &mut self,
        person: &Patient,
        id: AllergyId,
        new: &NewAllergy,
    ) -> Result<(AllergyId, bool)> {
        let fits = allergies::worsen_in_tx(&mut self.tx, person, id, new, self.now).await?;
        Ok((id, fits))
    }

    async fn withdraw_denials(&mut self, patient: PatientId, kind: SubstanceKind) -> Result<()> {
        let standing = allergies::summary_in_tx(&mut self.tx, patient).await?;
        for one in standing.statements {
            if one.data.statement.denies(kind) {
                allergies::withdraw_in_tx(&mut self.tx, one.id, CONTRADICTED, self.now).await?;
            }
        }
        Ok(())
    }

    async fn try_allergy(&mut self, person: &Patient, new: NewAllergy) -> Result<AllergyId> {
        let (tx, now) = (&mut self.tx, self.now);
        match self.revises.map(AllergyId) {
            Some(id) => allergies::revise_in_tx(tx, person, id, new, now)
                .await
                .map(|()| id),
            None => allergies::add_in_tx(tx, person, new, now).await,
        }
    }

    /// A statement that is not made any more is withdrawn, and what its source says now stands in its place.
    pub(super) async fn follow_statement(
        &mut self,
        resource: &Resource,
        whose: Whose,
        id: AllergyStatementId,
    ) -> Result<Entered> {
        let Some(person) = self.person(whose.patient).await? else {
            return Ok(Entered::refused(ORPHAN));
        };
        patients::hold(&mut self.tx, whose.patient).await?;
        let present = allergies::statement_in_tx(&mut self.tx, whose.patient, id).await?;
        let stands = present.withdrawn_at.is_none();
        let said = match map(&resource.value, whose, self.importer.zone) {
            Ok(said) => Some(said),
            Err(Entered::Left(_)) => None,
            Err(why) => return Ok(why),
        };
        let statement = resource.value.pointer("/code").and_then(statement);
        if let (Some(said), Some(statement)) = (&said, statement)
            && stands
            && said.is_live()
            && present.data == stated(statement, said)
        {
            return Ok(Entered::whole("allergy_statement", id));
        }
        let said = said.filter(|said| statement.is_none() || said.is_live());
        if stands {
            let why = if said.is_some() { CORRECTED } else { WITHDRAWN };
            allergies::withdraw_in_tx(&mut self.tx, id, why, self.now).await?;
        }
        if said.is_none() {
            return Ok(Entered::whole("allergy_statement", id));
        }
        let entered = self.allergy(resource, &person, whose).await?;
        self.lead_to(resource, id.into(), &entered).await?;
        Ok(match entered {
            Entered::Refused(why) => Entered::whole("allergy_statement", id).lacking(Some(why)),
            entered => entered,
        })
    }

    async fn no_known(
        &mut self,
        statement: NoKnown,
        said: &NewAllergy,
        whose: Whose,
    ) -> Result<Entered> {
        if !said.is_live() {
            return Ok(Entered::Left("a statement that no longer stands"));
        }
        let standing = allergies::summary_in_tx(&mut self.tx, whose.patient).await?;
        if let Some(same) = standing
            .statements
            .iter()
            .find(|one| one.data.statement == statement)
        {
            return Ok(Entered::whole("allergy_statement", same.id));
        }
        let new = stated(statement, said);
        let at = (said.recorded_at.unwrap_or(self.now), self.now);
        match allergies::state_in_tx(&mut self.tx, whose.patient, &new, at).await {
            Ok(id) => Ok(Entered::whole("allergy_statement", id)),
            Err(error) => refusal(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mapped(value: &Value) -> std::result::Result<NewAllergy, Entered> {
        let whose = Whose {
            patient: PatientId::new(),
            encounter: None,
        };
        map(value, whose, Tz::UTC)
    }

    #[test]
    fn an_allergy_whose_status_can_not_be_read_is_an_allergy_and_a_statement_is_none() {
        let hl7 = "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical";
        let snomed =
            json!({"system": "http://snomed.info/sct", "code": "55561003", "display": "Active"});
        let said = |element: &str, status: Value| {
            mapped(&json!({"code": {"text": "Penicillin"}, element: status})).expect("an allergy")
        };
        let coded = json!({"coding": [snomed, {"system": hl7, "code": "inactive"}]});
        assert_eq!(
            said("clinicalStatus", coded).status,
            AllergyStatus::Inactive
        );
        let worded = said("clinicalStatus", json!({"text": "Resolved"}));
        assert_eq!(worded.status, AllergyStatus::Resolved);
        let odd = said("clinicalStatus", json!({"text": "See chart"}));
        assert_eq!(odd.status, AllergyStatus::Active);
        let note = odd.note.expect("a note");
        assert!(note.contains("Status at its source: See chart"), "{note}");
        let odd = said("verificationStatus", json!({"text": "By hearsay"}));
        assert_eq!(odd.verification, AllergyVerification::Unconfirmed);
        let none = |status: &str| {
            mapped(
                &json!({"code": {"text": "No known drug allergy"}, "clinicalStatus": {"text": status}}),
            )
        };
        assert!(!none("Inactive").expect("a statement").is_live());
        assert!(matches!(none("See chart"), Err(Entered::Refused(_))));
    }

    #[test]
    fn what_caused_a_reaction_is_the_substance_and_its_worst_counts_whatever_is_said_of_it() {
        let allergy = mapped(&json!({"reaction": [
            {"substance": {"text": "Bactrim"}, "severity": "mild", "manifestation": [{"text": "Nausea"}]},
            {"description": "Stopped breathing", "severity": "severe"}]}))
        .expect("an allergy");
        assert_eq!(allergy.substance.text.as_deref(), Some("Bactrim"));
        assert_eq!(allergy.severity, Some(AllergySeverity::Severe));
        assert_eq!(allergy.reactions.len(), 1);
    }

    #[test]
    fn a_drug_has_its_ingredient_and_the_worst_reaction_counts() {
        let value = json!({"type": "allergy", "category": ["medication"], "criticality": "high",
            "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7984", "display": "Penicillin V"}]},
            "reaction": [{"severity": "mild", "manifestation": [{"text": "Hives"}]}, {"severity": "severe", "manifestation": [{"text": "Anaphylaxis"}],
                "substance": {"text": "Penicillin G"}, "exposureRoute": {"text": "Oral"}, "description": "Within minutes"}]});
        let allergy = mapped(&value).expect("an allergy");
        assert_eq!(allergy.substance.kind, SubstanceKind::Drug);
        assert_eq!(allergy.substance.code.as_deref(), Some("7984"));
        assert_eq!(allergy.severity, Some(AllergySeverity::Severe));
        assert_eq!(allergy.reactions.len(), 2);
        assert_eq!(
            allergy.note.as_deref(),
            Some("Reaction: to Penicillin G; by Oral; Within minutes"),
            "what is said beside the manifestation"
        );
        let bare = uncoded(allergy);
        assert_eq!(
            (bare.substance.code, bare.substance.text.as_deref()),
            (None, Some("Penicillin V"))
        );
    }
}

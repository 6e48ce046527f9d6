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
use super::super::elements::{codings, list, text, texts, tidy, wording};
use super::super::importer::reason;
use super::super::report::ORPHAN;
use super::super::resource::Resource;
use super::follow::{CORRECTED, WITHDRAWN};
use super::{Entered, Whose, code_of, codes, note, refusal, words};

/// Why a statement no longer stands.
const CONTRADICTED: &str = "An allergy that was imported since contradicts it.";
const DENIES_ANOTHER: &str =
    "/code says that there are none of a kind of which that can't be stated here";

/// The statement a code makes, or its words.
fn statement(code: &Value) -> Option<NoKnown> {
    let coded = codings(code).find_map(|coding| match coding.code {
        "716186003" => Some(NoKnown::NoKnownAllergies),
        "409137002" => Some(NoKnown::NoKnownDrugAllergies),
        "429625007" => Some(NoKnown::NoKnownFoodAllergies),
        _ => None,
    });
    coded.or_else(|| match said(code)?.as_str() {
        "no known allergies" | "no known allergy" | "no allergies" | "nka" => {
            Some(NoKnown::NoKnownAllergies)
        }
        "nkda" => Some(NoKnown::NoKnownDrugAllergies),
        words if !words.starts_with("no known") => None,
        words if words.contains("drug") || words.contains("medication") => {
            Some(NoKnown::NoKnownDrugAllergies)
        }
        words if words.contains("food") => Some(NoKnown::NoKnownFoodAllergies),
        _ => None,
    })
}

/// Whether it says that there are none of a kind for which we have no statement: animals, latex, what is in the air.
fn denies_another(code: &Value) -> bool {
    let coded = codings(code).any(|coding| matches!(coding.code, "428607008" | "1003774007"));
    let worded = || said(code).is_some_and(|words| words.starts_with("no known"));
    statement(code).is_none() && (coded || worded())
}

fn said(code: &Value) -> Option<String> {
    wording(code).map(|words| tidy(words).to_lowercase())
}

fn map(value: &Value, whose: Whose, zone: Tz) -> std::result::Result<NewAllergy, Entered> {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let verification = match code_of(value, "/verificationStatus") {
        Some("confirmed") | None => AllergyVerification::Confirmed,
        Some("unconfirmed" | "presumed") => AllergyVerification::Unconfirmed,
        Some("refuted") => AllergyVerification::Refuted,
        Some("entered-in-error") => {
            return Err(Entered::Left("was entered in error at its source"));
        }
        Some(_) => return Err(Entered::refused("/verificationStatus is not one of FHIR's")),
    };
    let status = match code_of(value, "/clinicalStatus") {
        Some("active") | None => AllergyStatus::Active,
        Some("inactive") => AllergyStatus::Inactive,
        Some("resolved") => AllergyStatus::Resolved,
        Some(_) => return Err(Entered::refused("/clinicalStatus is not one of FHIR's")),
    };
    if denies_another(code) {
        return Err(Entered::refused(DENIES_ANOTHER));
    }
    let reactions = reactions(value, zone);
    let (substance, unsaid) = substance(value, code)?;
    Ok(NewAllergy {
        kind: match text(value, "/type") {
            Some("allergy") => AllergyKind::Allergy,
            Some("intolerance") => AllergyKind::Intolerance,
            _ => AllergyKind::Unknown,
        },
        substance,
        severity: reactions
            .iter()
            .filter_map(|reaction| reaction.severity)
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
        note: note(value, unsaid, 2000),
        encounter_id: whose.encounter,
        recorded_at: None,
    })
}

/// What is reacted to, and what must be said beside it.
fn substance(
    value: &Value,
    code: &Value,
) -> std::result::Result<(Substance, Vec<String>), Entered> {
    let categories = texts(value, "/category");
    let has = |wanted: &str| categories.iter().any(|category| category == wanted);
    let rxnorm = codes::code_in(code, System::Rxnorm);
    let snomed = codes::code_in(code, System::Snomed);
    let label = wording(code).and_then(|label| words(label, 200));
    if label.is_none() && rxnorm.is_none() && snomed.is_none() {
        return Err(Entered::refused(
            "/code says neither in a code nor in words to what",
        ));
    }
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

fn reactions(value: &Value, zone: Tz) -> Vec<Reaction> {
    list(value, "/reaction")
        .iter()
        .flat_map(|reaction| {
            let severity = match text(reaction, "/severity") {
                Some("mild") => Some(AllergySeverity::Mild),
                Some("moderate") => Some(AllergySeverity::Moderate),
                Some("severe") => Some(AllergySeverity::Severe),
                _ => None,
            };
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
            Ok((id, fits)) => return Ok(Entered::whole("allergy", id).lacking(overflow(fits))),
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

    #[test]
    fn that_there_are_none_is_understood_in_codes_and_in_words_and_is_never_an_allergy() {
        let code =
            |code: &str| json!({"coding": [{"system": "http://snomed.info/sct", "code": code}]});
        let text = |text: &str| json!({"text": text});
        for (said, stated) in [
            (code("716186003"), Some(NoKnown::NoKnownAllergies)),
            (text("No Known  Allergies"), Some(NoKnown::NoKnownAllergies)),
            (text("NKDA"), Some(NoKnown::NoKnownDrugAllergies)),
            (
                text("No known medication allergies"),
                Some(NoKnown::NoKnownDrugAllergies),
            ),
            (code("428607008"), None),
            (text("No known latex allergy"), None),
        ] {
            assert_eq!(statement(&said), stated, "{said}");
            assert_eq!(denies_another(&said), stated.is_none(), "{said}");
        }
        for allergy in [code("91936005"), text("Nickel"), json!({})] {
            assert_eq!(
                (statement(&allergy), denies_another(&allergy)),
                (None, false)
            );
        }
    }

    #[test]
    fn a_drug_has_its_ingredient_and_the_worst_reaction_counts() {
        let value = json!({"type": "allergy", "category": ["medication"], "criticality": "high",
            "code": {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "7984", "display": "Penicillin V"}]},
            "reaction": [{"severity": "mild", "manifestation": [{"text": "Hives"}]}, {"severity": "severe", "manifestation": [{"text": "Anaphylaxis"}],
                "substance": {"text": "Penicillin G"}, "exposureRoute": {"text": "Oral"}, "description": "Within minutes"}]});
        let whose = Whose {
            patient: PatientId::new(),
            encounter: None,
        };
        let allergy = map(&value, whose, Tz::UTC).expect("an allergy");
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

//! What its source has taken back is taken back here: its entry is marked as entered in error, and says why.
//!
//! Invariants: an entry that another resource brought too stays as long as one of them stands; what somebody here has gone on
//! with stays, and the report names it; what was refused only because the entry stood is looked at again.

use clinical::{
    allergies, care_plans, diagnoses, documents, goals, immunizations, patients, problems,
    procedures, social_history,
};
use kernel::Result;
use kernel::ids::{
    AllergyId, CarePlanId, DiagnosisId, DocumentId, EncounterId, GoalId, ImmunizationId, ProblemId,
    ProcedureId, SocialHistoryId,
};
use serde_json::Value;
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::elements::text;
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::codes::Said;
use super::follow::CHANGED_HERE;
use super::{Entered, Whose, codes, condition, revised};

const SHARED: &str =
    "was entered in error at its source, and another resource brought the same: the entry stays";

const CODED_HERE: &str = "was entered in error at its source, and the diagnosis of its encounter was coded or changed here: the diagnosis stays";

/// Whether the source says that it should never have been there.
pub(in super::super) fn is_in_error(value: &Value) -> bool {
    let said = ["/status", "/docStatus", "/lifecycleStatus"]
        .iter()
        .any(|place| text(value, place) == Some("entered-in-error"));
    let verified = codes::status(value, "/verificationStatus", codes::VERIFICATION);
    said || verified == Said::Code("entered-in-error")
}

impl Batch<'_> {
    /// Takes the entry of a resource back that its source has taken back, and says why. Nobody here has changed it, which is asked here of a
    /// document, and of the diagnosis that goes with a problem.
    pub(in super::super) async fn take_back(
        &mut self,
        resource: &Resource,
        whose: Whose,
        (kind, id): (&'static str, Uuid),
        why: &str,
    ) -> Result<Entered> {
        let others = self.also_stand(resource, whose, id).await?;
        let mut stays = None;
        if kind == "problem" {
            let of_the_visit = others.contains(&whose.encounter);
            if !of_the_visit && !self.take_back_diagnosis(resource, whose, why).await? {
                stays = Some(CODED_HERE.to_owned());
            }
        }
        if !others.is_empty() {
            let stays = stays.iter().map(String::as_str);
            let lacks: Vec<&str> = [SHARED].into_iter().chain(stays).collect();
            return Ok(Entered::whole(kind, id).lacking(Some(lacks.join("; "))));
        }
        if kind == "document" && !store::is_document_untouched(&mut self.tx, DocumentId(id)).await?
        {
            return Ok(Entered::refused(CHANGED_HERE));
        }
        let (tx, now, patient) = (&mut self.tx, self.now, whose.patient);
        let done = match kind {
            "problem" => problems::take_back_in_tx(tx, patient, ProblemId(id), why, now).await,
            "diagnosis" => diagnoses::take_back_in_tx(tx, patient, DiagnosisId(id), why, now).await,
            "allergy" => {
                patients::hold(tx, patient).await?;
                allergies::take_back_in_tx(tx, patient, AllergyId(id), why, now).await
            }
            "procedure" => {
                procedures::take_back_in_tx(tx, patient, ProcedureId(id), why, now).await
            }
            "immunization" => {
                immunizations::take_back_in_tx(tx, patient, ImmunizationId(id), why, now).await
            }
            "care_plan" => care_plans::take_back_in_tx(tx, patient, CarePlanId(id), why, now).await,
            "goal" => goals::take_back_in_tx(tx, patient, GoalId(id), why, now).await,
            "document" => documents::take_back_in_tx(tx, DocumentId(id), why, now).await,
            _ => {
                let id = SocialHistoryId(id);
                social_history::take_back_in_tx(tx, patient, id, why, now).await
            }
        };
        if done.is_ok() {
            self.reconsider(resource, whose).await?;
        }
        Ok(revised(kind, id, done)?.lacking(stays))
    }

    /// What was refused because this entry stood is looked at again, at the end of the run.
    pub(super) async fn reconsider(&mut self, resource: &Resource, whose: Whose) -> Result<()> {
        let kind = &resource.name.resource_type;
        for kept in &mut self.keep {
            let refused = matches!(
                kept.judgement,
                Some(Entered::Refused(_) | Entered::There(_))
            );
            if refused && kept.name.resource_type == *kind && kept.patient == Some(whose.patient) {
                kept.judgement = None;
            }
        }
        store::reconsider(&mut self.tx, whose.patient, kind).await
    }

    /// The encounters of the other resources that lead to the entry and still stand.
    pub(super) async fn also_stand(
        &mut self,
        resource: &Resource,
        whose: Whose,
        id: Uuid,
    ) -> Result<Vec<Option<EncounterId>>> {
        let own = self.stored(&resource.identity());
        let mut others = store::also_lead_to(&mut self.tx, whose.patient, id, &own).await?;
        // Those of the same transaction are not written yet.
        for kept in &self.keep {
            others.retain(|(name, _)| *name != kept.name);
            let leads = self.kept.get(&kept.name).and_then(|now| now.entry.as_ref());
            let stands =
                || serde_json::from_str(&kept.content).is_ok_and(|value| !is_in_error(&value));
            if kept.name != own && leads.is_some_and(|(_, entry)| *entry == id) && stands() {
                others.push((kept.name.clone(), kept.encounter));
            }
        }
        Ok(others.into_iter().map(|(_, encounter)| encounter).collect())
    }

    /// What a condition was coded as on its encounter. Returns whether nobody here has changed that.
    pub(super) async fn take_back_diagnosis(
        &mut self,
        resource: &Resource,
        whose: Whose,
        why: &str,
    ) -> Result<bool> {
        let name = self.stored(&resource.identity());
        let before = store::content_of(&mut self.tx, &name).await?;
        let (Some(encounter), Some(before)) = (whose.encounter, before) else {
            return Ok(true);
        };
        if !condition::is_of_an_encounter(&before) {
            return Ok(true);
        }
        let (icd10cm, snomed) = condition::codes_of(&before);
        let codes = (icd10cm.as_deref(), snomed.as_deref());
        let Some(id) = store::coded_as(&mut self.tx, encounter, codes).await? else {
            return Ok(true);
        };
        if !store::is_untouched(&mut self.tx, "encounter_diagnoses", id.into()).await? {
            return Ok(false);
        }
        diagnoses::take_back_in_tx(&mut self.tx, whose.patient, id, why, self.now).await?;
        Ok(true)
    }
}

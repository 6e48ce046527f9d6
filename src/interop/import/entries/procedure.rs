//! `Procedure` → procedure.

use clinical::patients::Patient;
use clinical::procedures::{
    self, BodySite, Complication, NewProcedure, Outcome, Performer, PerformerFunction,
    ProcedureStatus, ProcedureSystem,
};
use clinical::terminology::System;
use kernel::Result;
use kernel::ids::ProcedureId;
use serde_json::{Value, json};

use super::super::batch::Batch;
use super::super::dates;
use super::super::elements::{list, text, wording};
use super::super::resource::Resource;
use super::{Entered, Whose, code_of, codes, note, refusal, revised, words};

const SYSTEMS: [(System, ProcedureSystem); 4] = [
    (System::Cpt, ProcedureSystem::Cpt),
    (System::Hcpcs, ProcedureSystem::Hcpcs),
    (System::Snomed, ProcedureSystem::Snomed),
    (System::Icd10pcs, ProcedureSystem::Icd10pcs),
];

fn status(value: &Value) -> std::result::Result<ProcedureStatus, Entered> {
    match text(value, "/status") {
        Some("preparation") => Ok(ProcedureStatus::Planned),
        Some("in-progress") => Ok(ProcedureStatus::InProgress),
        Some("on-hold") => Ok(ProcedureStatus::OnHold),
        Some("not-done") => Ok(ProcedureStatus::NotDone),
        Some("stopped" | "aborted") => Ok(ProcedureStatus::Stopped),
        Some("completed") => Ok(ProcedureStatus::Completed),
        Some("entered-in-error") => Err(Entered::Left("was entered in error at its source")),
        _ => Err(Entered::refused("/status does not say whether it was done")),
    }
}

#[expect(clippy::too_many_lines, reason = "one element after the other")]
fn map(
    value: &Value,
    performers: Vec<Performer>,
    whose: Whose,
    zone: chrono_tz::Tz,
) -> std::result::Result<NewProcedure, Entered> {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let (system, coded) = SYSTEMS
        .into_iter()
        .find_map(|(system, ours)| Some((ours, codes::code_in(code, system)?)))
        .ok_or(Entered::refused(
            "is coded in none of CPT, HCPCS, SNOMED CT and ICD-10-PCS",
        ))?;
    let status = status(value)?;
    let time = |place: &str| {
        text(value, place)
            .filter(|said| said.len() > 10)
            .and_then(|said| dates::instant(said, zone))
    };
    let start = time("/performedDateTime").or_else(|| time("/performedPeriod/start"));
    let date = |place: &str| codes::partial_date(value, place, zone);
    let begun = date("/performedDateTime").or_else(|| date("/performedPeriod/start"));
    // Of one whose beginning nobody knows, the day it ended: it was done by then.
    let only_end = text(value, "/performedPeriod/end").filter(|_| begun.is_none());
    let on = begun
        .or_else(|| date("/performedPeriod/end"))
        .filter(|_| start.is_none());
    let end = time("/performedPeriod/end").filter(|end| start.is_some_and(|start| start <= *end));
    let said = text(value, "/performedString").map(|said| format!("Performed: {said}"));
    let ended = only_end.map(|said| format!("Ended: {said}; when it began is not known"));
    let mut more: Vec<String> = said.into_iter().chain(ended).collect();
    more.extend(
        list(value, "/reasonCode")
            .iter()
            .filter_map(wording)
            .map(|said| format!("Reason: {said}")),
    );
    let others = SYSTEMS.into_iter().filter(|(_, ours)| *ours != system);
    more.extend(others.filter_map(|(other, _)| {
        let code = codes::code_in(code, other)?;
        Some(format!("Also coded: {} {code}", other.as_str()))
    }));
    let sites = list(value, "/bodySite").iter().skip(1).filter_map(wording);
    more.extend(sites.map(|site| format!("Body site: {site}")));
    more.extend(text(value, "/location/display").map(|place| format!("Place: {place}")));
    more.extend(list(value, "/focalDevice").iter().filter_map(device));
    let follow = list(value, "/followUp").iter().filter_map(wording);
    more.extend(follow.map(|said| format!("Follow-up: {said}")));
    Ok(NewProcedure {
        system,
        code: coded,
        name: wording(code).and_then(|name| words(name, 300)),
        modifiers: Vec::new(),
        status,
        status_reason: status_reason(value, status),
        performed_on: on,
        performed_start: start,
        performed_end: end,
        performers,
        body_site: list(value, "/bodySite").iter().find_map(|site| {
            Some(BodySite {
                text: words(wording(site)?, 200)?,
                snomed: codes::code_in(site, System::Snomed),
                laterality: None,
            })
        }),
        outcome: match code_of(value, "/outcome") {
            Some("385669000") => Some(Outcome::Successful),
            Some("385670004") => Some(Outcome::PartiallySuccessful),
            Some("385671000") => Some(Outcome::Unsuccessful),
            _ => None,
        },
        outcome_note: value
            .pointer("/outcome")
            .and_then(wording)
            .and_then(|said| words(said, 1000)),
        complications: list(value, "/complication")
            .iter()
            .filter_map(|one| {
                Some(Complication {
                    text: words(wording(one)?, 300)?,
                    icd10cm: codes::code_in(one, System::Icd10cm),
                })
            })
            .take(20)
            .collect(),
        note: note(value, more, 2000),
        encounter_id: whose.encounter,
    })
}

/// What was put in, changed or taken out.
fn device(element: &Value) -> Option<String> {
    let what = text(element, "/manipulated/display");
    let done = element.pointer("/action").and_then(wording);
    match (what, done) {
        (None, None) => None,
        (Some(said), None) | (None, Some(said)) => Some(format!("Device: {said}")),
        (Some(what), Some(done)) => Some(format!("Device: {what} ({done})")),
    }
}

/// One that was not done, or stopped, must say why.
fn status_reason(value: &Value, status: ProcedureStatus) -> Option<String> {
    let said = value.pointer("/statusReason").and_then(wording);
    let needed = matches!(status, ProcedureStatus::NotDone | ProcedureStatus::Stopped);
    said.and_then(|said| words(said, 500))
        .or_else(|| needed.then(|| "Its source gives no reason.".to_owned()))
}

/// What somebody did in it, as far as that is said.
fn function(performer: &Value) -> PerformerFunction {
    let said = performer.pointer("/function").and_then(wording);
    let said = said.unwrap_or_default().to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["anesth", "anaesth"]) {
        PerformerFunction::Anesthesia
    } else if has(&["assist"]) {
        PerformerFunction::Assisting
    } else if has(&["supervis"]) {
        PerformerFunction::Supervising
    } else if has(&["primary", "surgeon", "operator"]) {
        PerformerFunction::Primary
    } else {
        PerformerFunction::Other
    }
}

impl Batch<'_> {
    fn performers(&self, resource: &Resource) -> Vec<Performer> {
        list(&resource.value, "/performer")
            .iter()
            .filter_map(|performer| {
                let provider_id = self.active_provider(resource, performer);
                let name = text(performer, "/actor/display")
                    .and_then(|name| words(name, 200))
                    .filter(|_| provider_id.is_none());
                (provider_id.is_some() || name.is_some()).then_some(Performer {
                    provider_id,
                    name,
                    function: function(performer),
                })
            })
            .take(20)
            .collect()
    }

    pub(super) async fn procedure(
        &mut self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<Entered> {
        let performers = self.performers(resource);
        let mut new = match map(&resource.value, performers, whose, self.importer.zone) {
            Ok(new) => new,
            Err(left) => return Ok(left),
        };
        let (reasons, lacks) = self.reasons(resource).await?;
        new.note = note(&json!({ "note": [{ "text": new.note }] }), reasons, 2000);
        if let Some(broken) = self.broken(&new) {
            return Ok(broken);
        }
        if let Some(id) = self.revises {
            let (tx, now) = (&mut self.tx, self.now);
            let done = procedures::revise_in_tx(tx, person, ProcedureId(id), new, now).await;
            return Ok(revised("procedure", id, done)?.lacking(lacks));
        }
        match procedures::add_in_tx(&mut self.tx, person, new, self.now).await {
            Ok(id) => Ok(Entered::whole("procedure", id).lacking(lacks)),
            Err(error) => refusal(error),
        }
    }

    /// Why it was done, where that is another resource: as it is called there, or as the condition is that it names.
    async fn reasons(&mut self, resource: &Resource) -> Result<(Vec<String>, Option<String>)> {
        let (mut reasons, mut lacks) = (Vec::new(), None);
        for reference in list(&resource.value, "/reasonReference") {
            let said = if let Some(said) = text(reference, "/display") {
                Some(said.to_owned())
            } else {
                let named = self.named(resource, reference, "Condition").await?;
                named.as_ref().and_then(wording).map(str::to_owned)
            };
            match said {
                Some(said) => reasons.push(format!("Reason: {said}")),
                None => lacks = Some("/reasonReference leads to nothing that is known".to_owned()),
            }
        }
        Ok((reasons, lacks))
    }
}

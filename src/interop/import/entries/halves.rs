//! A blood pressure that came as two observations, a systolic and a diastolic one of the same moment, visit, device and site.
//!
//! A reading has both numbers, and which of the two comes first nobody knows: so both wait until everything has been read, and what
//! comes first then finds the other. They make one reading, and lead to its set, both of them.
//!
//! Trap: where several are of one moment, nobody can tell which belong together: none is entered.

use clinical::terminology::System;
use kernel::Result;
use kernel::ids::VitalSetId;
use serde_json::{Value, json};

use super::super::again;
use super::super::batch::Batch;
use super::super::digits;
use super::super::elements::{codings, list};
use super::super::report::ORPHAN;
use super::super::resource::Resource;
use super::super::store::{Judged, Waiting};
use super::super::store_entries as store;
use super::{Entered, codes, is_vital, unread};

const ALONE: &str =
    "is one half of a blood pressure, and the other half is not there, or is there twice";
/// What both must say alike.
const ALIKE: [&str; 5] = [
    "effectiveDateTime",
    "effectiveInstant",
    "effectivePeriod",
    "device",
    "bodySite",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Half {
    Systolic,
    Diastolic,
}

/// Which half of a blood pressure it is, if it is one.
pub(super) fn of(value: &Value) -> Option<Half> {
    let code = value.pointer("/code")?;
    value
        .pointer("/valueQuantity")
        .filter(|_| is_vital(value))?;
    codings(code)
        .filter(|coding| coding.system.and_then(codes::system) == Some(System::Loinc))
        .find_map(|coding| match coding.code {
            "8480-6" => Some(Half::Systolic),
            "8462-4" => Some(Half::Diastolic),
            _ => None,
        })
}

/// Whether it waits for the other half.
pub(in super::super) fn is_half(value: &Value) -> bool {
    of(value).is_some()
        && codes::unfinished(value).is_none()
        && codes::of_another(value).is_none()
        && codes::modified(value).is_none()
}

fn are_alike(one: &Value, other: &Value) -> bool {
    ALIKE.iter().all(|name| one.get(name) == other.get(name))
}

/// The one observation that two would have been, under the name of the first.
fn whole(named: &Resource, systolic: &Resource, diastolic: &Resource) -> Option<Resource> {
    let mut value = systolic.value.clone();
    let members = value.as_object_mut()?;
    members.remove("valueQuantity");
    let code = json!({ "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] });
    members.insert("code".to_owned(), code);
    let mut notes = list(&systolic.value, "/note").to_vec();
    notes.extend(list(&diastolic.value, "/note").iter().cloned());
    notes.dedup();
    members.insert("note".to_owned(), Value::Array(notes));
    // Its numbers with the digits they were written with.
    let part = |code: &str, half: &Resource| {
        let quantity = digits::at(&half.content, "/valueQuantity")?;
        Some(format!(
            r#"{{"code":{{"coding":[{{"code":"{code}"}}]}},"valueQuantity":{quantity}}}"#
        ))
    };
    let text = value.to_string();
    let content = format!(
        r#"{},"component":[{},{}]}}"#,
        text.strip_suffix('}')?,
        part("8480-6", systolic)?,
        part("8462-4", diastolic)?
    );
    Some(Resource {
        value: serde_json::from_str(&content).ok()?,
        content,
        ..named.clone()
    })
}

impl Batch<'_> {
    /// Enters a half with the other, or takes what they made to what they say now.
    pub(in super::super) async fn half(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
    ) -> Result<()> {
        if self.judged.iter().any(|one| one.id == waiting.id) {
            return Ok(());
        }
        let other = self.other_half(waiting, resource).await?;
        let entered = match (&self.only_keep, &other) {
            (Some(why), _) => Entered::Refused(why.clone()),
            (None, None) => Entered::refused(ALONE),
            (None, Some(other)) => self.both(waiting, resource, other).await?,
        };
        self.joined = None;
        if matches!(entered, Entered::As { .. }) {
            self.touched.update(waiting.patient);
        }
        let other = other.iter().map(|(waiting, resource)| (waiting, resource));
        for (waiting, resource) in std::iter::once((waiting, resource)).chain(other) {
            let entered = entered.clone().without(unread::of(&resource.value));
            self.note_entered(resource, &entered);
            self.judged.push(Judged {
                id: waiting.id,
                judgement: Some(entered),
                joined: Vec::new(),
            });
        }
        Ok(())
    }

    async fn other_half(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
    ) -> Result<Option<(Waiting, Resource)>> {
        let half = of(&resource.value);
        let near = store::of_the_moment(&mut self.tx, waiting).await?;
        let near = near
            .into_iter()
            .filter_map(|waiting| Some((again::resource(&waiting)?, waiting)))
            .filter(|(other, _)| is_half(&other.value) && are_alike(&resource.value, &other.value));
        let (same, mut others): (Vec<_>, Vec<_>) =
            near.partition(|(other, _)| of(&other.value) == half);
        let other = others
            .pop()
            .filter(|_| same.is_empty() && others.is_empty());
        Ok(other.map(|(resource, waiting)| (waiting, resource)))
    }

    async fn both(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        (other, its): &(Waiting, Resource),
    ) -> Result<Entered> {
        let (systolic, diastolic) = match of(&resource.value) {
            Some(Half::Systolic) => (resource, its),
            _ => (its, resource),
        };
        let named = if waiting.entry.is_some() {
            resource
        } else {
            its
        };
        let Some(whole) = whole(named, systolic, diastolic) else {
            return Ok(Entered::refused("has no number"));
        };
        let whose = waiting.whose();
        let Some(person) = self.person(whose.patient).await? else {
            return Ok(Entered::refused(ORPHAN));
        };
        let Some(before) = waiting.entry.or(other.entry) else {
            return Ok(self.vital(&whole, &person, whose));
        };
        let entered = self.follow_vital(&whole, whose, VitalSetId(before)).await?;
        // It followed under one name; the other leads where that leads.
        if let Entered::As { kind, id, .. } = &entered
            && waiting.entry.is_some()
            && other.entry == Some(before)
            && *id != before
        {
            store::move_entry(&mut self.tx, &other.name, before, (kind, *id)).await?;
        }
        Ok(entered)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::samples;
    use super::*;

    fn half(code: &str, value: &str) -> Resource {
        let mut value: Value = serde_json::from_str(&format!(
            r#"{{"resourceType":"Observation","id":"{code}","status":"final","category":[{{"coding":[{{"code":"vital-signs"}}]}}],
                "effectiveDateTime":"2020-01-01T10:00:00Z","note":[{{"text":"Left arm"}}],"valueQuantity":{{"value":{value},"code":"mm[Hg]"}}}}"#
        ))
        .expect("JSON");
        value["code"] = json!({ "coding": [{ "system": "http://loinc.org", "code": code }] });
        samples::resource(&value)
    }

    #[test]
    fn two_halves_make_the_observation_they_would_have_been() {
        let (systolic, diastolic) = (half("8480-6", "128"), half("8462-4", "82"));
        assert_eq!(of(&systolic.value), Some(Half::Systolic));
        assert!(is_half(&diastolic.value) && are_alike(&systolic.value, &diastolic.value));
        let whole = whole(&diastolic, &systolic, &diastolic).expect("a pressure");
        assert_eq!(whole.name, diastolic.name);
        assert_eq!(of(&whole.value), None);
        let said = |place: &str| digits::number(&whole.content, place).map(str::to_owned);
        assert_eq!(
            said("/component/0/valueQuantity/value").as_deref(),
            Some("128")
        );
        assert_eq!(
            said("/component/1/valueQuantity/value").as_deref(),
            Some("82")
        );
        assert_eq!(list(&whole.value, "/note").len(), 1);
        let mut elsewhere = diastolic.value.clone();
        elsewhere["device"] = json!({ "display": "Monitor 7" });
        assert!(!are_alike(&systolic.value, &elsewhere));
        elsewhere["status"] = json!("entered-in-error");
        assert!(!is_half(&elsewhere));
    }
}

//! Vital signs that are components of another: a pulse beside a blood pressure, all of a panel that has no members. Each is a reading of its
//! own, in the set of the observation; what can't be one is named.

use clinical::patients::Patient;
use clinical::terminology::System;
use clinical::vitals::{NewReading, SetOf, Source, VitalKind, VitalRecord};
use serde_json::Value;

use super::super::batch::Batch;
use super::super::digits;
use super::super::elements::{codings, list, wording};
use super::super::importer::reason;
use super::super::resource::Resource;
use super::vital::{Measure, map, measure, measured, remark};
use super::{Entered, Whose, codes, halves, oxygen};

/// Whether it has both numbers of a blood pressure.
pub(super) fn has_a_pressure(value: &Value) -> bool {
    let has = |wanted: &str| {
        let mut parts = list(value, "/component").iter();
        parts.any(|part| codes_of(part).any(|code| code == wanted))
    };
    has("8480-6") && has("8462-4")
}

fn codes_of(part: &Value) -> impl Iterator<Item = &str> {
    let code = part.pointer("/code").unwrap_or(&Value::Null);
    codings(code).map(|coding| coding.code)
}

fn is_a_panel(value: &Value) -> bool {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    codings(code)
        .filter(|coding| coding.system.and_then(codes::system) == Some(System::Loinc))
        .any(|coding| matches!(measure(coding.code), Some(Measure::Panel)))
}

/// Whether a component is read with the observation itself, is computed here, or says nothing.
fn is_read(value: &Value, part: &Value, own: Option<VitalKind>) -> bool {
    let of_the_pressure = ["8480-6", "8462-4", "8361-8", "8478-0"];
    let says_nothing = part.pointer("/dataAbsentReason").is_some()
        && ["/valueQuantity", "/valueInteger"]
            .iter()
            .all(|place| part.pointer(place).is_none());
    says_nothing
        || oxygen::is_saturation(value) && oxygen::is_given(part)
        || codes_of(part).any(|code| {
            own == Some(VitalKind::BloodPressure) && of_the_pressure.contains(&code)
                || matches!(measure(code), Some(Measure::Computed))
        })
}

/// The components that are not read with the observation itself, by their place: the reading of each, if it is one.
fn parts(value: &Value, written: &str, own: Option<VitalKind>) -> Vec<(usize, Option<NewReading>)> {
    let mut found: Vec<(usize, Option<NewReading>)> = Vec::new();
    for (at, part) in list(value, "/component").iter().enumerate() {
        if is_read(value, part, own) {
            continue;
        }
        let is_second = |kind: VitalKind| {
            let mut others = found.iter().filter_map(|(_, reading)| reading.as_ref());
            own == Some(kind) || others.any(|other| other.kind == kind)
        };
        let reading = digits::at(written, &format!("/component/{at}"))
            .and_then(|written| map(part, written, Vec::new()).ok())
            .filter(|reading| !is_second(reading.kind));
        found.push((at, reading));
    }
    found
}

type Parts = Vec<(usize, Option<NewReading>)>;

/// The reading an observation makes, and those of its components. A panel has none of its own: there the first is that of a component.
fn all(value: &Value, written: &str, beside: Vec<String>) -> Result<(NewReading, Parts), Entered> {
    let why = match map(value, written, beside) {
        Ok(own) => {
            let parts = parts(value, written, Some(own.kind));
            return Ok((own, parts));
        }
        Err(why) => why,
    };
    let mut parts = parts(value, written, None);
    let is_open = matches!(why, Entered::Refused(_)) && is_a_panel(value);
    let first = parts.iter().position(|(_, reading)| reading.is_some());
    let Some((_, Some(mut first))) = first.filter(|_| is_open).map(|at| parts.remove(at)) else {
        return Err(why);
    };
    let site = value.pointer("/bodySite").and_then(wording);
    let site = site.map(|site| format!("Body site at the source: {site}."));
    first.note = remark(value, site, first.note.take());
    Ok((first, parts))
}

/// What kind of reading a resource made, if it made one: the first, of several.
pub(super) fn kind_of(value: &Value) -> Option<VitalKind> {
    if halves::of(value).is_some() {
        return Some(VitalKind::BloodPressure);
    }
    let (first, _) = all(value, &value.to_string(), Vec::new()).ok()?;
    Some(first.kind)
}

/// Whether every component of the observation is read.
pub(super) fn reads_components(value: &Value) -> bool {
    all(value, &value.to_string(), Vec::new())
        .is_ok_and(|(_, parts)| parts.iter().all(|(_, reading)| reading.is_some()))
}

impl Batch<'_> {
    /// The readings a resource makes, in no set yet: its own, and those of its components; with which of these can't be one. Or why it
    /// makes none.
    pub(super) fn readings(
        &self,
        resource: &Resource,
        person: &Patient,
        whose: Whose,
    ) -> Result<(SetOf, Vec<VitalRecord>, Option<String>), Entered> {
        let (measured_at, measured_on) = measured(&resource.value, self.importer.zone)
            .ok_or(Entered::refused("has no time at which it was measured"))?;
        let of = SetOf {
            patient_id: whose.patient,
            encounter_id: whose.encounter,
            measured_at,
            source: Source::Import,
            recorded_by: None,
            recorded_at: self.now,
        };
        let row = |reading: NewReading| {
            if let Some(broken) = self.broken(&reading) {
                return Err(broken);
            }
            let mut row = of
                .row_of_history(reading, person.data.birth_date)
                .map_err(|error| Entered::Refused(reason(&error)))?;
            row.measured_on.clone_from(&measured_on);
            Ok(row)
        };
        let (value, written) = (&resource.value, resource.content.as_str());
        let (mut beside, mut in_words) = (Vec::new(), Vec::new());
        if oxygen::is_saturation(value) {
            for (reading, said) in oxygen::given(value, written) {
                match reading.map(row) {
                    Some(Ok(row)) => beside.push(row),
                    _ => in_words.push(said),
                }
            }
        }
        let (first, parts) = all(value, written, in_words)?;
        beside.insert(0, row(first)?);
        let mut lacks = Vec::new();
        for (at, reading) in parts {
            match reading.map(row) {
                Some(Ok(row)) => beside.push(row),
                _ => lacks.push(format!("/component/{at}")),
            }
        }
        let lacks = (!lacks.is_empty()).then(|| lacks.join(", "));
        Ok((of, beside, lacks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clinical::vitals::Amount;
    use serde_json::json;

    fn coded(code: &str) -> Value {
        json!({"coding": [{"system": "http://loinc.org", "code": code}]})
    }

    fn part(code: &str, value: i32, unit: &str) -> Value {
        json!({"code": coded(code), "valueQuantity": {"value": value, "code": unit}})
    }

    fn told(value: &Value) -> Option<(VitalKind, Vec<Option<VitalKind>>)> {
        let (first, parts) = all(value, &value.to_string(), Vec::new()).ok()?;
        let kinds = parts
            .iter()
            .map(|(_, one)| one.as_ref().map(|one| one.kind));
        Some((first.kind, kinds.collect()))
    }

    #[test]
    fn a_component_that_is_a_vital_sign_is_a_reading_and_what_is_none_is_not_called_read() {
        let pressure = |more: Value| json!({"code": coded("85354-9"), "component": [part("8480-6", 70, "mm[Hg]"), part("8462-4", 40, "mm[Hg]"), more]});
        let pulse = pressure(part("8867-4", 140, "/min"));
        let expected = (VitalKind::BloodPressure, vec![Some(VitalKind::HeartRate)]);
        assert_eq!(told(&pulse), Some(expected));
        assert!(reads_components(&pulse));
        let mean = pressure(part("8478-0", 50, "mm[Hg]"));
        assert_eq!(told(&mean), Some((VitalKind::BloodPressure, vec![])));
        let odd = pressure(part("9999-9", 1, "/min"));
        assert_eq!(told(&odd), Some((VitalKind::BloodPressure, vec![None])));
        assert!(!reads_components(&odd));
    }

    #[test]
    fn a_panel_without_members_is_a_reading_for_each_component() {
        let mut panel = json!({"code": coded("85353-1"), "note": [{"text": "In bed"}],
            "component": [part("2708-6", 81, "%"), part("8867-4", 188, "/min"), part("8889-8", 190, "/min")]});
        let kinds = vec![Some(VitalKind::HeartRate), None];
        assert_eq!(told(&panel), Some((VitalKind::OxygenSaturation, kinds)));
        let (first, _) = all(&panel, &panel.to_string(), Vec::new()).expect("a reading");
        assert_eq!(first.value, Some(Amount::whole(81)));
        assert!(first.note.is_some_and(|note| note.contains("In bed")));
        panel["hasMember"] = json!([{"reference": "Observation/1"}]);
        let why = all(&panel, &panel.to_string(), Vec::new()).err();
        assert!(matches!(why, Some(Entered::Left(_))));
        let empty = json!({"code": coded("85353-1")});
        let why = all(&empty, "{}", Vec::new()).err();
        assert!(matches!(why, Some(Entered::Refused(_))));
    }
}

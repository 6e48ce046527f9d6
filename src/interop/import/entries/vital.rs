//! `Observation` of the category `vital-signs` → vitals.
//!
//! Readings of one patient, encounter and time make one set, as far as they come in one batch. What is computed here is
//! not entered: body mass index and percentiles.

use std::collections::HashMap;

use chrono_tz::Tz;
use clinical::patients::Patient;
use clinical::terminology::System;
use clinical::vitals::{
    Amount, BodySite, NewReading, Position, SetOf, Unit, VitalKind, VitalRecord,
};
use kernel::PartialDate;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, VitalSetId};
use serde_json::Value;

use super::super::batch::Batch;
use super::super::dates;
use super::super::digits;
use super::super::elements::{codings, list, text, wording};
use super::super::resource::Resource;
use super::{Entered, Whose, codes, note, panel, words};

type Moment = (PatientId, Option<EncounterId>, Instant, Option<PartialDate>);

/// Readings that are written when the batch is, and the sets they make.
#[derive(Default)]
pub(in super::super) struct Pending {
    pub rows: Vec<VitalRecord>,
    sets: HashMap<Moment, (VitalSetId, Vec<VitalKind>)>,
}

impl Pending {
    /// The set of this moment that has no such readings yet, or a new one.
    pub(super) fn set(&mut self, of: &SetOf, rows: &[VitalRecord]) -> VitalSetId {
        let known = rows.first().and_then(|row| row.measured_on.clone());
        let moment = (of.patient_id, of.encounter_id, of.measured_at, known);
        let (set, kinds) = self
            .sets
            .entry(moment)
            .and_modify(|(set, kinds)| {
                if rows.iter().any(|row| kinds.contains(&row.kind())) {
                    *set = of.id();
                    kinds.clear();
                }
            })
            .or_insert_with(|| (of.id(), Vec::new()));
        kinds.extend(rows.iter().map(VitalRecord::kind));
        *set
    }
}

/// When a vital sign was measured: its month must be there before it is written.
pub(in super::super) fn measured_at(value: &Value, zone: Tz) -> Option<Instant> {
    Some(measured(value, zone)?.0)
}

/// When it was measured; and the day, the month or the year, where no more is known.
pub(super) fn measured(value: &Value, zone: Tz) -> Option<(Instant, Option<PartialDate>)> {
    [
        "/effectiveDateTime",
        "/effectiveInstant",
        "/effectivePeriod/start",
    ]
    .iter()
    .filter_map(|place| text(value, place))
    .find_map(|said| Some((dates::instant(said, zone)?, dates::partial(said))))
}

/// What the codes of an observation measure.
pub(super) enum Measure {
    One(VitalKind),
    Pressure,
    Computed,
    Panel,
}

pub(super) fn measure(code: &str) -> Option<Measure> {
    Some(match code {
        "85354-9" | "55284-4" | "35094-2" | "8716-3" => Measure::Pressure,
        "8867-4" | "8889-8" | "8893-0" => Measure::One(VitalKind::HeartRate),
        "9279-1" => Measure::One(VitalKind::RespiratoryRate),
        "8310-5" | "8331-1" | "8329-5" | "8332-9" | "8328-7" | "8333-7" => {
            Measure::One(VitalKind::Temperature)
        }
        "2708-6" | "59408-5" | "20564-1" => Measure::One(VitalKind::OxygenSaturation),
        "3151-8" => Measure::One(VitalKind::InhaledOxygenFlow),
        // The first is what is delivered, and what we write ourselves; the second what was set.
        "3150-6" | "3150-0" => Measure::One(VitalKind::InhaledOxygenConcentration),
        "29463-7" | "3141-9" | "3142-7" => Measure::One(VitalKind::Weight),
        "8302-2" | "3137-7" | "3138-5" | "8306-3" => Measure::One(VitalKind::Height),
        "9843-4" | "8287-5" => Measure::One(VitalKind::HeadCircumference),
        "72514-3" | "38208-5" => Measure::One(VitalKind::Pain),
        "9269-2" => Measure::One(VitalKind::GlasgowComaScore),
        "2339-0" | "2345-7" | "41653-7" => Measure::One(VitalKind::Glucose),
        "39156-5" | "59576-9" | "77606-2" | "8289-1" | "59574-4" | "59575-1" => Measure::Computed,
        "85353-1" | "34565-2" | "8716-4" => Measure::Panel,
        _ => return None,
    })
}

/// Where the code itself says that it was measured.
fn site_of(code: &str) -> Option<BodySite> {
    Some(match code {
        "8331-1" => BodySite::Oral,
        "8332-9" => BodySite::Rectal,
        "8328-7" => BodySite::Axillary,
        "8333-7" => BodySite::Tympanic,
        _ => return None,
    })
}

/// Whether the code says no more than the kind of reading that it becomes.
fn is_plain(code: &str) -> bool {
    matches!(
        code,
        "85354-9"
            | "8867-4"
            | "9279-1"
            | "8310-5"
            | "59408-5"
            | "3151-8"
            | "3150-6"
            | "29463-7"
            | "8302-2"
            | "9843-4"
            | "72514-3"
            | "9269-2"
            | "2339-0"
    )
}

/// Where it was measured, and what has no place but the note: a code that says more than the kind of reading, and a site that has
/// no name here.
fn place(value: &Value) -> (Option<BodySite>, Option<String>) {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let known: Vec<(&str, Option<&str>)> = codings(code)
        .filter(|coding| coding.system.and_then(codes::system) == Some(System::Loinc))
        .filter(|coding| measure(coding.code).is_some())
        .map(|coding| (coding.code, coding.display))
        .collect();
    let named = site(value);
    let coded = known.iter().find_map(|(code, _)| site_of(code));
    let at = named.or(coded);
    let plain = known.iter().any(|(code, _)| is_plain(code));
    let more = known
        .iter()
        .find(|(code, _)| !plain || site_of(code).is_some())
        .filter(|(code, _)| site_of(code).is_none_or(|coded| at != Some(coded)))
        .map(|(code, display)| match display {
            Some(display) => format!("LOINC at the source: {code}, {display}."),
            None => format!("LOINC at the source: {code}."),
        });
    let elsewhere = value
        .pointer("/bodySite")
        .filter(|_| named.is_none())
        .and_then(|site| wording(site).or_else(|| Some(codings(site).next()?.code)))
        .map(|said| format!("Body site at the source: {said}."));
    let said: Vec<String> = more.into_iter().chain(elsewhere).collect();
    (at, words(&said.join(" "), 250))
}

/// The note of a source, behind what must not get lost and before what was said instead of a rounded number.
pub(super) fn remark(
    value: &Value,
    first: Option<String>,
    said: impl IntoIterator<Item = String>,
) -> Option<String> {
    let said: Vec<String> = said.into_iter().collect();
    let taken = first
        .iter()
        .chain(&said)
        .map(|line| line.chars().count() + 1);
    let room = 500_usize.saturating_sub(taken.sum());
    let lines: Vec<String> = first
        .into_iter()
        .chain(note(value, None, room))
        .chain(said)
        .collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A reading that says nothing yet.
pub(super) fn empty(kind: VitalKind) -> NewReading {
    NewReading {
        kind,
        value: None,
        plus: None,
        systolic: None,
        diastolic: None,
        code: None,
        unit: None,
        position: None,
        body_site: None,
        spo2_scale: None,
        device_id: None,
        note: None,
    }
}

/// The reading; or why it can't be one. `beside`: what must be said with it.
pub(super) fn map(
    value: &Value,
    written: &str,
    beside: Vec<String>,
) -> Result<NewReading, Entered> {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    let measured = codings(code)
        .filter(|coding| coding.system.and_then(codes::system) == Some(System::Loinc))
        .find_map(|coding| measure(coding.code))
        .ok_or(Entered::refused(
            "/code is no vital sign that is known here",
        ))?;
    let kind = match measured {
        Measure::Computed => {
            return Err(Entered::Left("is computed here from what was measured"));
        }
        Measure::Panel if !list(value, "/hasMember").is_empty() => {
            return Err(Entered::Left(
                "is a panel, whose members stand for themselves",
            ));
        }
        Measure::Panel if !panel::has_a_pressure(value) => {
            return Err(Entered::refused(
                "is a panel, and no /component is a vital sign that is known here",
            ));
        }
        Measure::Panel | Measure::Pressure => VitalKind::BloodPressure,
        Measure::One(kind) => kind,
    };
    let (body_site, more) = place(value);
    let mut reading = NewReading {
        body_site,
        ..empty(kind)
    };
    if kind == VitalKind::BloodPressure {
        let (systolic, unit) = pressure(value, written, "8480-6")?;
        let (diastolic, _) = pressure(value, written, "8462-4")?;
        (reading.systolic, reading.diastolic, reading.unit) =
            (Some(systolic.number), Some(diastolic.number), Some(unit));
        let said = systolic.said.into_iter().chain(diastolic.said);
        reading.note = remark(value, more, said);
        reading.position = position(value);
    } else {
        let (number, unit) = plain(kind, value, written)?;
        let said = number.said.into_iter().chain(beside);
        reading.note = remark(value, more, said);
        (reading.value, reading.unit) = (Some(number.number), unit);
    }
    Ok(reading)
}

fn plain(
    kind: VitalKind,
    value: &Value,
    written: &str,
) -> Result<(Measured, Option<Unit>), Entered> {
    // A score is a number, or a quantity whose unit is none.
    if is_score(kind) && value.pointer("/valueInteger").is_some() {
        let number = digits::number(written, "/valueInteger");
        return Ok((amount(&Value::Null, number)?.0, None));
    }
    let quantity = value
        .pointer("/valueQuantity")
        .ok_or(Entered::refused("has no /valueQuantity"))?;
    let (number, unit) = amount(quantity, digits::number(written, "/valueQuantity/value"))?;
    Ok((number, unit_of(kind, unit)?))
}

fn is_score(kind: VitalKind) -> bool {
    matches!(kind, VitalKind::Pain | VitalKind::GlasgowComaScore)
}

pub(super) fn unit_of(kind: VitalKind, said: Option<&str>) -> Result<Option<Unit>, Entered> {
    if is_score(kind) {
        return Ok(None);
    }
    let unit = said.and_then(known_unit);
    unit.map(Some).ok_or(Entered::refused(
        "/valueQuantity has no unit that is known here (UCUM)",
    ))
}

/// UCUM, and how it is often written instead.
fn known_unit(said: &str) -> Option<Unit> {
    Unit::from_code(said).or(match said {
        "mmHg" | "mm Hg" => Some(Unit::MmHg),
        "{beats}/min" | "{breaths}/min" | "bpm" | "beats/min" | "1/min" => Some(Unit::PerMinute),
        "C" | "°C" | "degC" => Some(Unit::Celsius),
        "F" | "°F" | "degF" => Some(Unit::Fahrenheit),
        "%{saturation}" => Some(Unit::Percent),
        "lb" | "lbs" | "[lb_us]" => Some(Unit::Pound),
        "in" | "[in_us]" => Some(Unit::Inch),
        _ => None,
    })
}

/// A number that can be kept, and what was said, where that has more decimals.
pub(super) struct Measured {
    pub(super) number: Amount,
    pub(super) said: Option<String>,
}

pub(super) fn amount<'v>(
    quantity: &'v Value,
    written: Option<&str>,
) -> Result<(Measured, Option<&'v str>), Entered> {
    if text(quantity, "/comparator").is_some() {
        return Err(Entered::refused(
            "is more or less than a number, and no number",
        ));
    }
    let written = written.ok_or(Entered::refused("has no number"))?;
    let measured = match written.parse() {
        Ok(number) => Measured { number, said: None },
        // A source that computes in doubles says 70.30000000000001 of what its scale showed as 70.3.
        Err(()) => Measured {
            number: Amount::nearest(written).ok_or(Entered::refused(
                "has a number that is too large or too long",
            ))?,
            said: words(&format!("{written} was said"), 60),
        },
    };
    let unit = text(quantity, "/code").or_else(|| text(quantity, "/unit"));
    Ok((measured, unit))
}

fn pressure(value: &Value, written: &str, wanted: &str) -> Result<(Measured, Unit), Entered> {
    let place = list(value, "/component").iter().position(|component| {
        component
            .pointer("/code")
            .is_some_and(|code| codings(code).any(|coding| coding.code == wanted))
    });
    let component = place.and_then(|place| list(value, "/component").get(place).zip(Some(place)));
    let (quantity, place) = component
        .and_then(|(component, place)| Some((component.pointer("/valueQuantity")?, place)))
        .ok_or(Entered::refused(
            "has not both a systolic and a diastolic pressure",
        ))?;
    let number = digits::number(written, &format!("/component/{place}/valueQuantity/value"));
    let (number, unit) = amount(quantity, number)?;
    let unit = unit.and_then(known_unit).ok_or(Entered::refused(
        "/component has no unit that is known here (UCUM)",
    ))?;
    Ok((number, unit))
}

fn site(value: &Value) -> Option<BodySite> {
    let said = value.pointer("/bodySite").and_then(wording)?.to_lowercase();
    let said: Vec<&str> = said.split(|c: char| !c.is_alphabetic()).collect();
    let has = |word: &str| said.contains(&word);
    let starts = |with: &str| said.iter().any(|word| word.starts_with(with));
    let sides = |left: BodySite, right: BodySite| match (has("left"), has("right")) {
        (true, false) => Some(left),
        (false, true) => Some(right),
        _ => None,
    };
    if has("wrist") {
        sides(BodySite::LeftWrist, BodySite::RightWrist)
    } else if said.iter().any(|word| word.ends_with("arm")) {
        sides(BodySite::LeftArm, BodySite::RightArm)
    } else if has("thigh") {
        sides(BodySite::LeftThigh, BodySite::RightThigh)
    } else if has("ankle") {
        sides(BodySite::LeftAnkle, BodySite::RightAnkle)
    } else {
        let sites: [(bool, BodySite); 11] = [
            (has("finger"), BodySite::Finger),
            (has("toe"), BodySite::Toe),
            (has("earlobe") || has("lobe"), BodySite::EarLobe),
            (has("forehead"), BodySite::Forehead),
            (starts("tempora"), BodySite::Temporal),
            (starts("tympan"), BodySite::Tympanic),
            (has("oral") || has("mouth"), BodySite::Oral),
            (starts("axilla"), BodySite::Axillary),
            (has("rectum") || has("rectal"), BodySite::Rectal),
            (
                starts("esophag") || starts("oesophag"),
                BodySite::Oesophageal,
            ),
            (has("bladder"), BodySite::Bladder),
        ];
        sites.into_iter().find(|(is, _)| *is).map(|(_, site)| site)
    }
}

fn position(value: &Value) -> Option<Position> {
    let places = list(value, "/component").iter().filter(|component| {
        component
            .pointer("/code")
            .is_some_and(|code| codings(code).any(|coding| coding.code == "8361-8"))
    });
    places
        .filter_map(|component| wording(component.pointer("/valueCodeableConcept")?))
        .find_map(|said| match said.to_lowercase().as_str() {
            "sitting" => Some(Position::Sitting),
            "standing" => Some(Position::Standing),
            "supine" | "lying" => Some(Position::Supine),
            _ => None,
        })
}

impl Batch<'_> {
    pub(super) fn vital(&mut self, resource: &Resource, person: &Patient, whose: Whose) -> Entered {
        let (of, mut rows, lacks) = match self.readings(resource, person, whose) {
            Ok(read) => read,
            Err(why) => return why,
        };
        let set = self.vitals.set(&of, &rows);
        for row in &mut rows {
            row.set_id = set;
        }
        self.write_readings(rows);
        Entered::whole("vitals", set).lacking(lacks)
    }

    /// Writes the readings of a resource with the batch; which of them it has made beside the first, it remembers.
    pub(super) fn write_readings(&mut self, rows: Vec<VitalRecord>) {
        self.joined = Some(rows.iter().skip(1).map(|row| row.id.into()).collect());
        self.vitals.rows.extend(rows);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn mapped(value: &Value) -> Result<NewReading, Entered> {
        map(value, &value.to_string(), Vec::new())
    }

    fn coded(code: &str) -> Value {
        json!({"coding": [{"system": "http://loinc.org", "code": code}]})
    }

    fn part(code: &str, value: f64) -> Value {
        json!({"code": coded(code), "valueQuantity": {"value": value, "code": "mm[Hg]"}})
    }

    #[test]
    fn a_pressure_is_one_reading_of_two_numbers() {
        let whole = json!({"code": coded("85354-9"), "component": [part("8462-4", 82.0), part("8480-6", 128.0)]});
        let reading = mapped(&whole).expect("a reading");
        assert_eq!(reading.systolic, Some(Amount::whole(128)));
        assert_eq!(reading.diastolic, Some(Amount::whole(82)));
        let panel = json!({"code": coded("85353-1"), "component": whole["component"]});
        assert_eq!(
            mapped(&panel).expect("a reading").systolic,
            reading.systolic
        );
        let half = json!({"code": coded("85354-9"), "component": [part("8480-6", 128.0)]});
        assert!(matches!(mapped(&half), Err(Entered::Refused(_))));
    }

    #[test]
    fn what_a_code_or_a_site_says_beside_the_kind_of_reading_is_kept() {
        let read = |codes: &[&str], site: Option<&str>, unit: &str| {
            let codings: Vec<Value> = codes
                .iter()
                .map(|code| json!({"system": "http://loinc.org", "code": code}))
                .collect();
            let mut value = json!({"code": {"coding": codings}, "valueQuantity": {"value": 38, "code": unit},
                "note": [{"text": "Restless"}]});
            if let (Some(value), Some(site)) = (value.as_object_mut(), site) {
                value.insert("bodySite".into(), json!({"text": site}));
            }
            let reading = mapped(&value).expect("a reading");
            (reading.body_site, reading.note.unwrap_or_default())
        };
        for (code, site) in [
            ("8331-1", BodySite::Oral),
            ("8332-9", BodySite::Rectal),
            ("8328-7", BodySite::Axillary),
            ("8333-7", BodySite::Tympanic),
        ] {
            let expected = (Some(site), "Restless".to_owned());
            assert_eq!(read(&[code], None, "Cel"), expected, "{code}");
            assert_eq!(read(&["8310-5", code], None, "Cel"), expected, "{code}");
        }
        let (site, note) = read(&["8310-5"], Some("Rectum structure"), "Cel");
        assert_eq!((site, note.as_str()), (Some(BodySite::Rectal), "Restless"));
        let (site, note) = read(&["8332-9"], Some("Mouth"), "Cel");
        assert_eq!(site, Some(BodySite::Oral));
        assert!(
            note.contains("8332-9") && note.ends_with("Restless"),
            "{note}"
        );
        let (site, note) = read(&["8310-5"], Some("Groin"), "Cel");
        assert!(site.is_none() && note.contains("Groin"), "{note}");
        for (code, unit) in [("2708-6", "%"), ("2345-7", "mg/dL"), ("41653-7", "mg/dL")] {
            assert!(read(&[code], None, unit).1.contains(code), "{code}");
        }
        assert_eq!(read(&["2708-6", "59408-5"], None, "%").1, "Restless");
        assert_eq!(read(&["2339-0"], None, "mg/dL").1, "Restless");
    }

    #[test]
    fn a_score_is_read_as_a_quantity_and_as_a_whole_number() {
        for said in [
            json!({"valueInteger": 7}),
            json!({"valueQuantity": {"value": 7, "code": "{score}"}}),
        ] {
            let mut pain = json!({"code": coded("72514-3")});
            if let (Some(pain), Value::Object(said)) = (pain.as_object_mut(), said) {
                pain.extend(said);
            }
            let reading = mapped(&pain).expect("a reading");
            assert_eq!(
                (reading.value, reading.unit),
                (Some(Amount::whole(7)), None)
            );
        }
        let weight = json!({"code": coded("29463-7"), "valueInteger": 80});
        assert!(matches!(mapped(&weight), Err(Entered::Refused(_))));
    }

    #[test]
    fn what_is_computed_is_left_and_a_number_without_a_unit_is_refused() {
        let bmi =
            json!({"code": coded("39156-5"), "valueQuantity": {"value": 22, "code": "kg/m2"}});
        assert!(matches!(mapped(&bmi), Err(Entered::Left(_))));
        let weight = json!({"code": coded("29463-7"), "valueQuantity": {"value": 80}});
        assert!(matches!(mapped(&weight), Err(Entered::Refused(_))));
    }

    #[test]
    fn a_number_is_read_digit_by_digit_and_what_is_rounded_is_said() {
        let weight = |number: &str| {
            let code = coded("29463-7");
            let text = format!(
                r#"{{"code":{code},"valueQuantity":{{"value":{number},"code":"kg"}},"note":[{{"text":"Dressed"}}]}}"#
            );
            let value = serde_json::from_str(&text).expect("JSON");
            map(&value, &text, Vec::new())
        };
        let amount = |text: &str| text.parse::<Amount>().ok();
        let exact = weight("98.60").expect("a reading");
        assert_eq!(exact.value, amount("98.6"));
        assert_eq!(exact.note.as_deref(), Some("Dressed"));
        let computed = weight("70.30000000000001").expect("a reading");
        assert_eq!(computed.value, amount("70.3"));
        assert_eq!(
            computed.note.as_deref(),
            Some("Dressed\n70.30000000000001 was said")
        );
        assert!(matches!(weight("1e9"), Err(Entered::Refused(_))));
    }
}

//! Vital signs on the wire: what is sent.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use kernel::ids::EncounterId;
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::kinds::{BodySite, Position, VitalCode, VitalKind};
use super::units::{Amount, Unit};

/// How far a clock at a bedside may be ahead of ours.
const CLOCK_SKEW: TimeDelta = TimeDelta::minutes(5);

/// What was measured at one time.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "measured_at": "2024-03-10T09:35:00-04:00",
    "readings": [
        { "kind": "blood_pressure", "systolic": 128, "diastolic": 82, "position": "sitting", "body_site": "left_arm" },
        { "kind": "heart_rate", "value": 72 },
        { "kind": "respiratory_rate", "value": 16 },
        { "kind": "temperature", "value": 98.6, "unit": "[degF]", "body_site": "oral" },
        { "kind": "oxygen_saturation", "value": 98 },
        { "kind": "weight", "value": 165.5, "unit": "[lb_av]" },
        { "kind": "height", "value": 5, "plus": 10.5, "unit": "[ft_i]" },
        { "kind": "pain", "value": 2 }
    ]
}))]
pub struct NewVitals {
    /// With an offset. Not in the future, not before the patient's birth.
    pub measured_at: DateTime<Utc>,
    /// An encounter of this patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// 1 to 30. A kind may stand there twice if position or body site differ.
    pub readings: Vec<NewReading>,
}

/// One measurement.
///
/// A blood pressure has `systolic` and `diastolic`; consciousness and pregnancy status have a `code`; every other kind has a
/// `value`, and where it may be in several units, its `unit`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewVitalReading, example = json!({ "kind": "temperature", "value": 98.6, "unit": "[degF]", "body_site": "oral" }))]
pub struct NewReading {
    pub kind: VitalKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub value: Option<Amount>,
    /// Beside feet the inches, beside pounds the ounces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub plus: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub systolic: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>)]
    pub diastolic: Option<Amount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<VitalCode>,
    /// UCUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<Position>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_site: Option<BodySite>,
    /// Of an oxygen saturation: 2 where it is to be kept at 88 to 92 %, as a clinician has decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spo2_scale: Option<i16>,
    /// What measured it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A reading in the units of the house.
#[derive(Clone, Debug)]
pub(super) struct Measured {
    /// As given, with its unit.
    pub reading: NewReading,
    /// Of a blood pressure the systolic.
    pub value: Option<Amount>,
    pub diastolic: Option<Amount>,
}

impl NewReading {
    /// The unit it was said in; `None` where it is no number.
    pub(crate) fn said_in(&self) -> Option<Unit> {
        self.unit.or_else(|| self.kind.units().first().copied())
    }

    /// The number as it was said, of a blood pressure the systolic; feet with their inches in feet.
    pub(crate) fn number(&self) -> Option<Amount> {
        self.value.or(self.systolic)
    }

    /// In the units of the house. The rules of `Validate` hold.
    pub(super) fn measured(mut self) -> Measured {
        self.unit = self.said_in();
        let (Some(unit), Some(quantity)) = (self.unit, self.kind.quantity()) else {
            return Measured {
                reading: self,
                value: None,
                diastolic: None,
            };
        };
        let canonical = |unit: Unit, number: Amount| unit.canonical(number, quantity.decimals());
        // Feet and inches are so many inches, and rounded once.
        let value = self
            .number()
            .map(|number| match unit.smaller().zip(self.plus) {
                Some(((smaller, in_one), plus)) => {
                    canonical(smaller, number.times(in_one).plus(plus))
                }
                None => canonical(unit, number),
            });
        let diastolic = self.diastolic.map(|number| canonical(unit, number));
        Measured {
            reading: self,
            value,
            diastolic,
        }
    }
}

impl Validate for NewVitals {
    fn check(&self, checks: &mut Checks) {
        check_time(checks, self.measured_at);
        checks.require(
            !self.readings.is_empty(),
            "readings",
            "empty",
            "must have at least one reading",
        );
        checks.each("readings", &self.readings, 30, |checks, reading| {
            reading.check(checks);
        });
        let twice = self.readings.iter().enumerate().any(|(place, one)| {
            self.readings[..place].iter().any(|other| {
                (one.kind, one.position, one.body_site)
                    == (other.kind, other.position, other.body_site)
            })
        });
        checks.require(
            !twice,
            "readings",
            "twice",
            "must not have a kind twice in one position at one body site",
        );
    }
}

/// The rules of a measured time that need no patient.
pub(super) fn check_time(checks: &mut Checks, at: DateTime<Utc>) {
    checks.require(
        at.year() >= 1900,
        "measured_at",
        "too_early",
        "must not lie before the year 1900",
    );
    checks.require(
        at <= checks.now() + CLOCK_SKEW,
        "measured_at",
        "in_the_future",
        "must not lie in the future",
    );
}

impl Validate for NewReading {
    fn check(&self, checks: &mut Checks) {
        self.check_shape(checks);
        self.check_unit(checks);
        let scale = self.spo2_scale.is_none_or(|scale| {
            self.kind == VitalKind::OxygenSaturation && (scale == 1 || scale == 2)
        });
        checks.require(
            scale,
            "spo2_scale",
            "not_a_scale",
            "must be 1 or 2, of an oxygen saturation",
        );
        checks.text_if("device_id", self.device_id.as_deref(), 100);
        checks.text_if("note", self.note.as_deref(), 500);
    }
}

impl NewReading {
    /// The members its kind has, and no others.
    fn check_shape(&self, checks: &mut Checks) {
        let pressure = self.kind == VitalKind::BloodPressure;
        let coded = !self.kind.answers().is_empty();
        for (name, present, needed) in [
            ("systolic", self.systolic.is_some(), pressure),
            ("diastolic", self.diastolic.is_some(), pressure),
            ("code", self.code.is_some(), coded),
            ("value", self.value.is_some(), !pressure && !coded),
        ] {
            if needed && !present {
                checks.fail(name, "missing_field", "is needed for this kind");
            } else if present && !needed {
                checks.fail(name, "not_of_this_kind", "is not a member of this kind");
            }
        }
        if let Some(code) = self.code
            && coded
            && !self.kind.answers().contains(&code)
        {
            checks.fail("code", "not_an_answer", "is not an answer of this kind");
        }
    }

    fn check_unit(&self, checks: &mut Checks) {
        let units = self.kind.units();
        match self.unit {
            Some(unit) if !units.contains(&unit) => {
                let known: Vec<&str> = units.iter().map(|unit| unit.code()).collect();
                let rule = if known.is_empty() {
                    "must not be given: this kind has none".to_owned()
                } else {
                    format!("must be one of {}", known.join(", "))
                };
                checks.fail("unit", "not_a_unit_of_this_kind", rule);
            }
            None if units.len() > 1 => {
                checks.fail(
                    "unit",
                    "missing_field",
                    "is needed: this kind has several units",
                );
            }
            _ => {}
        }
        if let Some(plus) = self.plus {
            match self.unit.and_then(Unit::smaller) {
                None => checks.fail(
                    "plus",
                    "not_of_this_unit",
                    "goes with feet and pounds only: so many inches, so many ounces",
                ),
                Some((_, in_one)) => {
                    let whole = self.value.is_some_and(|value| value.rounded(0) == value);
                    let fits = plus >= Amount::whole(0) && plus < Amount::whole(in_one) && whole;
                    checks.require(
                        fits,
                        "plus",
                        "out_of_range",
                        "must be less than one of the larger unit, of which there is a whole number",
                    );
                }
            }
        }
    }
}

/// Whether unusual values were looked at.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Confirm {
    /// Unusual values were looked at, and are right.
    #[serde(default)]
    pub confirm: bool,
}

/// Why readings are an error, and which.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Measured at the neighbour in the next bed" }))]
#[schema(as = VitalsWithdrawal)]
pub struct Withdrawal {
    pub reason: String,
    /// All of the set, unless given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reading_ids: Vec<kernel::ids::VitalId>,
}

impl Validate for Withdrawal {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
        checks.each("reading_ids", &self.reading_ids, 30, |_, _| {});
    }
}

/// What should have been recorded.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "reason": "Systolic and diastolic of the wrong arm",
    "replacement": { "measured_at": "2024-03-10T09:35:00-04:00",
                     "readings": [{ "kind": "blood_pressure", "systolic": 118, "diastolic": 76, "body_site": "right_arm" }] }
}))]
pub struct Correction {
    pub reason: String,
    pub replacement: NewVitals,
}

impl Validate for Correction {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
        checks.within("replacement", |checks| self.replacement.check(checks));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(text: &str) -> NewReading {
        serde_json::from_str(text).expect("a reading")
    }

    fn broken(text: &str) -> Vec<String> {
        let now: DateTime<Utc> = "2024-06-01T12:00:00Z".parse().expect("an instant");
        let mut checks = Checks::at(now);
        reading(text).check(&mut checks);
        checks
            .finish()
            .err()
            .map(|error| {
                error
                    .fields()
                    .iter()
                    .map(|field| format!("{} {}", field.pointer, field.code))
                    .collect()
            })
            .unwrap_or_default()
    }

    #[test]
    fn each_kind_has_its_own_members() {
        for fine in [
            r#"{ "kind": "blood_pressure", "systolic": 120, "diastolic": 80 }"#,
            r#"{ "kind": "blood_pressure", "systolic": 120, "diastolic": 80, "unit": "mm[Hg]" }"#,
            r#"{ "kind": "heart_rate", "value": 72 }"#,
            r#"{ "kind": "consciousness", "code": "alert" }"#,
            r#"{ "kind": "height", "value": 5, "plus": 10.5, "unit": "[ft_i]" }"#,
            r#"{ "kind": "weight", "value": 7, "plus": 3, "unit": "[lb_av]" }"#,
            r#"{ "kind": "oxygen_saturation", "value": 90, "spo2_scale": 2 }"#,
        ] {
            assert_eq!(broken(fine), Vec::<String>::new(), "{fine}");
        }
        for (wrong, said) in [
            (
                r#"{ "kind": "blood_pressure", "systolic": 120 }"#,
                "/diastolic missing_field",
            ),
            (
                r#"{ "kind": "heart_rate", "value": 72, "systolic": 120 }"#,
                "/systolic not_of_this_kind",
            ),
            (
                r#"{ "kind": "consciousness", "code": "pregnant" }"#,
                "/code not_an_answer",
            ),
            (
                r#"{ "kind": "heart_rate", "value": 72, "unit": "kg" }"#,
                "/unit not_a_unit_of_this_kind",
            ),
            (
                r#"{ "kind": "temperature", "value": 36.6 }"#,
                "/unit missing_field",
            ),
            (
                r#"{ "kind": "height", "value": 178, "plus": 3, "unit": "cm" }"#,
                "/plus not_of_this_unit",
            ),
            (
                r#"{ "kind": "height", "value": 5, "plus": 12, "unit": "[ft_i]" }"#,
                "/plus out_of_range",
            ),
            (
                r#"{ "kind": "height", "value": 5.5, "plus": 2, "unit": "[ft_i]" }"#,
                "/plus out_of_range",
            ),
            (
                r#"{ "kind": "heart_rate", "value": 72, "spo2_scale": 2 }"#,
                "/spo2_scale not_a_scale",
            ),
        ] {
            assert_eq!(broken(wrong), [said], "{wrong}");
        }
    }

    #[test]
    fn feet_and_inches_pounds_and_ounces_become_one_number() {
        let of = |text| reading(text).measured().value.map(Amount::to_f64);
        assert_eq!(
            of(r#"{ "kind": "height", "value": 5, "plus": 10.5, "unit": "[ft_i]" }"#),
            Some(179.07)
        );
        assert_eq!(
            of(r#"{ "kind": "weight", "value": 7, "plus": 3, "unit": "[lb_av]" }"#),
            Some(3.2602)
        );
        assert_eq!(
            of(r#"{ "kind": "temperature", "value": 98.6, "unit": "[degF]" }"#),
            Some(37.0)
        );
        let pressure =
            reading(r#"{ "kind": "blood_pressure", "systolic": 120, "diastolic": 80 }"#).measured();
        assert_eq!(
            (pressure.value, pressure.diastolic),
            (Some(Amount::whole(120)), Some(Amount::whole(80)))
        );
        assert_eq!(
            pressure.reading.unit,
            Some(Unit::MmHg),
            "what was meant is written down"
        );
    }
}

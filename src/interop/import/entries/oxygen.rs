//! The oxygen that was given while a saturation was measured: components of a pulse oximetry (US Core), readings of their own here. A
//! score of them asks whether there was any.

use clinical::vitals::{NewReading, VitalKind};
use serde_json::Value;

use super::super::digits;
use super::super::elements::{codings, list};
use super::quantity_at;
use super::vital::{Measure, amount, empty, measure, unit_of};

/// What a component says of the oxygen that was given meanwhile (US Core pulse oximetry): its flow, its concentration.
fn kind_of(component: &Value) -> Option<VitalKind> {
    let code = component.pointer("/code").unwrap_or(&Value::Null);
    codings(code).find_map(|coding| match coding.code {
        "3151-8" => Some(VitalKind::InhaledOxygenFlow),
        "3150-6" => Some(VitalKind::InhaledOxygenConcentration),
        _ => None,
    })
}

/// Whether a component is read here.
pub(super) fn is_given(component: &Value) -> bool {
    kind_of(component).is_some()
}

/// The oxygen that was given while the saturation was measured, a reading each, where it can be one; and in words.
pub(super) fn given(value: &Value, written: &str) -> Vec<(Option<NewReading>, String)> {
    let mut found: Vec<(Option<NewReading>, String)> = Vec::new();
    for (at, component) in list(value, "/component").iter().enumerate() {
        let place = format!("/component/{at}/valueQuantity");
        let said = quantity_at(value, written, &place);
        let (Some(kind), Some(said)) = (kind_of(component), said) else {
            continue;
        };
        let is_second = |(one, _): &(Option<NewReading>, _)| {
            one.as_ref().is_some_and(|reading| reading.kind == kind)
        };
        let number = digits::number(written, &format!("{place}/value"));
        let quantity = component.pointer("/valueQuantity").unwrap_or(&Value::Null);
        let reading = amount(quantity, number)
            .and_then(|(number, unit)| Ok((number, unit_of(kind, unit)?)))
            .ok()
            .filter(|_| !found.iter().any(is_second))
            .map(|(number, unit)| NewReading {
                value: Some(number.number),
                unit,
                note: number.said,
                ..empty(kind)
            });
        found.push((reading, format!("On oxygen: {said}")));
    }
    found
}

/// Whether the observation is of a saturation.
pub(super) fn is_saturation(value: &Value) -> bool {
    let code = value.pointer("/code").unwrap_or(&Value::Null);
    codings(code).any(|coding| {
        matches!(
            measure(coding.code),
            Some(Measure::One(VitalKind::OxygenSaturation))
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clinical::vitals::{Amount, Unit};
    use serde_json::json;

    #[test]
    fn what_was_given_is_a_reading_and_what_can_not_be_one_is_said() {
        let part = |code: &str, quantity: Value| json!({"code": {"coding": [{"code": code}]}, "valueQuantity": quantity});
        let value = json!({"code": {"coding": [{"system": "http://loinc.org", "code": "59408-5"}]}, "component": [
            part("3151-8", json!({"value": 2, "code": "L/min"})),
            part("3151-8", json!({"value": 4, "code": "L/min"})),
            part("3150-6", json!({"value": 28, "unit": "parts"})),
            part("9999-9", json!({"value": 1, "code": "%"}))]});
        let given = given(&value, &value.to_string());
        let said: Vec<&str> = given.iter().map(|(_, said)| said.as_str()).collect();
        assert_eq!(
            said,
            [
                "On oxygen: 2 L/min",
                "On oxygen: 4 L/min",
                "On oxygen: 28 parts"
            ]
        );
        let readings: Vec<&NewReading> = given.iter().filter_map(|(one, _)| one.as_ref()).collect();
        assert_eq!(readings.len(), 1, "{readings:?}");
        assert_eq!(readings[0].kind, VitalKind::InhaledOxygenFlow);
        assert_eq!(
            (readings[0].value, readings[0].unit),
            (Some(Amount::whole(2)), Some(Unit::LitrePerMinute))
        );
    }
}

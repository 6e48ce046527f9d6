//! From rows to what is shown: canonical values, interpretations, and what follows from them.

use std::borrow::Borrow;

use chrono::{NaiveDate, TimeDelta};
use kernel::clock::Instant;

use super::age::Age;
use super::growth::{self, GrowthMeasure, Lms, Percentile};
use super::kinds::{Quantity, VitalCode, VitalKind};
use super::plausibility::{Interpretation, interpret};
use super::records::VitalRecord;
use super::scores::{self, Inputs, Score};
use super::subjects::{HEIGHT_HOLDS, Subject};
use super::units::Amount;
use super::view::{Canonical, Derived, Reading, VitalStatus, Vitals};

/// What is known of the patient when his readings are shown.
#[derive(Clone, Debug)]
pub(super) struct Background {
    pub subject: Subject,
    /// When he was said to be pregnant, or not to be; latest first.
    pub pregnancy: Vec<(Instant, VitalCode)>,
    /// Growth references around his ages.
    pub growth: Vec<Lms>,
    /// How tall he was, where a weight was measured without it; latest first.
    pub heights: Vec<(Instant, Amount)>,
}

/// How long a statement about a pregnancy holds: until it must have ended.
pub(super) const PREGNANCY_DAYS: i64 = 300;

/// How far apart a child's weight and height may lie for a body mass index.
const CHILD_APART: TimeDelta = TimeDelta::days(31);

impl Background {
    /// As it was at a time, the last statement before it counts.
    pub(super) fn pregnant(&self, at: Instant) -> bool {
        let last = self.pregnancy.partition_point(|(stated, _)| *stated > at);
        self.pregnancy.get(last).is_some_and(|(stated, code)| {
            *code == VitalCode::Pregnant && (at - *stated).num_days() <= PREGNANCY_DAYS
        })
    }

    /// The body mass index of what was measured at a time, and when the height was, if it is the last one before.
    fn bmi_at(
        &self,
        at: Instant,
        weight: Option<Amount>,
        height: Option<Amount>,
    ) -> (Option<Amount>, Option<Instant>) {
        let before = || {
            let last = self.heights.iter().find(|(measured, _)| *measured <= at);
            last.filter(|(measured, _)| at - *measured <= HEIGHT_HOLDS)
        };
        let tall = height
            .map(|height| (height, at))
            .or_else(|| before().map(|(measured, height)| (*height, *measured)));
        let index = bmi(
            self.subject.birth_date,
            weight.map(|weight| (weight, at)),
            tall,
        );
        let elsewhere = tall.filter(|_| index.is_some() && height.is_none());
        (index, elsewhere.map(|(_, measured)| measured))
    }

    pub(super) fn age(&self, at: Instant) -> Option<Age> {
        self.subject.age(at)
    }
}

/// The sets of rows that lie together, in their order.
pub(super) fn sets(rows: Vec<VitalRecord>, background: &Background) -> Vec<Vitals> {
    let mut sets: Vec<Vec<VitalRecord>> = Vec::new();
    for row in rows {
        match sets.last_mut() {
            Some(set) if set[0].set_id == row.set_id => set.push(row),
            _ => sets.push(vec![row]),
        }
    }
    sets.into_iter()
        .map(|set| vitals(set, background))
        .collect()
}

fn vitals(rows: Vec<VitalRecord>, background: &Background) -> Vitals {
    let first = rows[0].clone();
    let derived = derived(&rows, background);
    let version = rows.iter().map(|row| row.version).max().unwrap_or(1);
    let age = background.age(first.measured_at);
    Vitals {
        id: first.set_id,
        patient_id: first.patient_id,
        encounter_id: first.encounter_id,
        measured_at: first.measured_at,
        measured_on: first.measured_on,
        source: first.source,
        replaces: first.replaces,
        recorded_by: first.recorded_by,
        recorded_at: first.recorded_at,
        version,
        derived,
        readings: rows.into_iter().map(|row| reading(row, age)).collect(),
    }
}

/// One reading, as it is shown.
pub(super) fn reading(row: VitalRecord, age: Option<Age>) -> Reading {
    let quantity = row.measured.reading.kind.quantity();
    let canonical = row
        .measured
        .value
        .zip(quantity)
        .map(|(value, quantity)| Canonical {
            value,
            diastolic: row.measured.diastolic,
            unit: quantity.unit(),
        });
    let side = |quantity, value: Option<Amount>| {
        age.zip(value)
            .and_then(|(age, value)| interpret(quantity, value, age))
    };
    let interpretation = quantity.and_then(|quantity| {
        let first = side(quantity, row.measured.value);
        let second = side(Quantity::Diastolic, row.measured.diastolic);
        [first, second]
            .into_iter()
            .flatten()
            .max_by_key(|side| match side {
                Interpretation::Normal => 0,
                Interpretation::Low => 1,
                Interpretation::High => 2,
            })
    });
    Reading {
        id: row.id,
        loinc: row.measured.reading.kind.loinc(),
        given: row.measured.reading,
        canonical,
        interpretation,
        confirmed: row.confirmed,
        status: row.status,
        error_reason: row.error_reason,
        replaced_by: row.replaced_by,
    }
}

/// What follows from the readings of one set that stand.
pub(super) fn derived(rows: &[impl Borrow<VitalRecord>], background: &Background) -> Derived {
    let rows: Vec<&VitalRecord> = rows.iter().map(Borrow::borrow).collect();
    let find = |kind: VitalKind| {
        let mut rows = rows.iter().copied();
        rows.find(|row| row.measured.reading.kind == kind && row.status == VitalStatus::Final)
    };
    let value = |kind| find(kind).and_then(|row| row.measured.value);
    let Some(at) = rows.first().map(|row| row.measured_at) else {
        return Derived::default();
    };
    let Some(age) = background.age(at) else {
        return Derived::default();
    };
    let pressure = find(VitalKind::BloodPressure).map(|row| &row.measured);
    let (weight, height) = (value(VitalKind::Weight), value(VitalKind::Height));
    let (bmi, bmi_height_at) = background.bmi_at(at, weight, height);
    let inputs = Inputs {
        years: age.years(),
        pregnant: background.pregnant(at),
        respiratory_rate: value(VitalKind::RespiratoryRate),
        oxygen_saturation: value(VitalKind::OxygenSaturation),
        scale_2: find(VitalKind::OxygenSaturation)
            .is_some_and(|row| row.measured.reading.spo2_scale == Some(2)),
        on_oxygen: on_oxygen(
            value(VitalKind::InhaledOxygenFlow),
            value(VitalKind::InhaledOxygenConcentration),
        ),
        systolic: pressure.and_then(|measured| measured.value),
        heart_rate: value(VitalKind::HeartRate),
        consciousness: find(VitalKind::Consciousness).and_then(|row| row.measured.reading.code),
        glasgow_coma_score: value(VitalKind::GlasgowComaScore),
        temperature: value(VitalKind::Temperature),
    };
    Derived {
        mean_arterial_pressure: pressure
            .and_then(|measured| mean_pressure(measured.value?, measured.diastolic?)),
        bmi: bmi.map(growth::shown_bmi),
        bmi_height_at,
        percentiles: percentiles(
            &background.growth,
            age,
            [
                (GrowthMeasure::Weight, weight),
                (GrowthMeasure::Height, height),
                (
                    GrowthMeasure::HeadCircumference,
                    value(VitalKind::HeadCircumference),
                ),
                (GrowthMeasure::Bmi, bmi),
            ],
        ),
        news2: begun(scores::news2(&inputs), &inputs),
        qsofa: begun(scores::qsofa(&inputs), &inputs),
    }
}

/// A set in which nothing but a weight was measured shows no score at all.
fn begun(score: Score, inputs: &Inputs) -> Option<Score> {
    let measured = inputs.respiratory_rate.is_some()
        || inputs.systolic.is_some()
        || inputs.heart_rate.is_some()
        || inputs.oxygen_saturation.is_some()
        || inputs.consciousness.is_some();
    measured.then_some(score)
}

fn on_oxygen(flow: Option<Amount>, concentration: Option<Amount>) -> Option<bool> {
    if flow.is_none() && concentration.is_none() {
        return None;
    }
    Some(
        flow.is_some_and(|flow| flow > Amount::whole(0))
            || concentration.is_some_and(|share| share > Amount::whole(21)),
    )
}

/// The exact body mass index of a weight and a height; of a child only where they were measured close to each other, of others within
/// three years.
pub(super) fn bmi(
    birth_date: NaiveDate,
    weight: Option<(Amount, Instant)>,
    height: Option<(Amount, Instant)>,
) -> Option<Amount> {
    let ((kilograms, w), (centimetres, h)) = weight.zip(height)?;
    let child = Age::at(birth_date, w.max(h)).is_some_and(growth::covers);
    let apart = if child { CHILD_APART } else { HEIGHT_HOLDS };
    let close = (w - h).abs() <= apart;
    close.then(|| growth::bmi(kilograms, centimetres)).flatten()
}

/// A third of the way from the diastolic to the systolic, to a tenth.
pub(super) fn mean_pressure(systolic: Amount, diastolic: Amount) -> Option<Amount> {
    let mean = (systolic.to_f64() + 2.0 * diastolic.to_f64()) / 3.0;
    Amount::new((mean * 10.0).round() / 10.0)
}

/// Where a child stands, of what was measured.
pub(super) fn percentiles(
    lines: &[Lms],
    age: Age,
    values: [(GrowthMeasure, Option<Amount>); 4],
) -> Vec<Percentile> {
    values
        .into_iter()
        .filter_map(|(measure, value)| growth::percentile(lines, measure, value?, age))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_pressure_lies_nearer_to_the_diastolic() {
        assert_eq!(
            mean_pressure(Amount::whole(120), Amount::whole(80)).map(Amount::to_f64),
            Some(93.3)
        );
    }

    #[test]
    fn room_air_is_no_oxygen_and_nothing_said_is_not_room_air() {
        let whole = |number| Some(Amount::whole(number));
        assert_eq!(on_oxygen(None, None), None);
        assert_eq!(on_oxygen(whole(0), None), Some(false));
        assert_eq!(on_oxygen(None, whole(21)), Some(false));
        assert_eq!(on_oxygen(whole(2), None), Some(true));
        assert_eq!(on_oxygen(whole(0), whole(28)), Some(true));
    }
}

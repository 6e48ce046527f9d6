//! May these readings be written down? Plausibility, asked of rows before they are inserted.

use kernel::clock::Instant;
use kernel::{Code, Error, FieldError, Result};
use platform::db::TenantTx;

use super::age::Age;
use super::kinds::{Quantity, VitalKind};
use super::plausibility::{Finding, judge, judge_change, judge_pressure};
use super::records::VitalRecord;
use super::store_series::{self, Asked};
use super::units::Amount;

/// How old a value may be for the next to be compared with it.
const REMEMBERED_DAYS: i32 = 400;

/// What is wrong with a row.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub impossible: Vec<FieldError>,
    pub unusual: Vec<FieldError>,
}

impl Findings {
    /// Refuses what can't be true, and what is unusual unless it was looked at.
    pub fn allow(self, confirmed: bool) -> Result<()> {
        if !self.impossible.is_empty() {
            return Err(Error::invalid(self.impossible));
        }
        if !self.unusual.is_empty() && !confirmed {
            return Err(Error::new(Code::UnusualValue).with_fields(self.unusual));
        }
        Ok(())
    }

    fn add(&mut self, finding: Finding) {
        match finding {
            Finding::Impossible(error) => self.impossible.push(error),
            Finding::Unusual(error) => self.unusual.push(error),
        }
    }
}

/// Whether the kind is compared with the value before.
fn changes_slowly(kind: VitalKind) -> bool {
    matches!(
        kind,
        VitalKind::Weight | VitalKind::Height | VitalKind::HeadCircumference
    )
}

/// The last value before each row, of the kinds that are compared with it.
pub(super) async fn before(
    tx: &mut TenantTx,
    rows: &[VitalRecord],
) -> Result<Vec<Option<(Amount, Instant)>>> {
    let (places, questions): (Vec<usize>, Vec<Asked>) = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| changes_slowly(row.measured.reading.kind))
        .map(|(place, row)| {
            let asked = Asked {
                patient: row.patient_id,
                kind: row.measured.reading.kind,
                at: row.measured_at,
            };
            (place, asked)
        })
        .unzip();
    let mut found = vec![None; rows.len()];
    let answers = store_series::before(tx, &questions, REMEMBERED_DAYS).await?;
    for (place, answer) in places.into_iter().zip(answers) {
        found[place] = answer;
    }
    Ok(found)
}

/// Judges a row, and marks it if it is unusual. `pointer` leads to the reading.
pub(super) fn judge_row(
    row: &mut VitalRecord,
    before: Option<(Amount, Instant)>,
    age: Age,
    pointer: &str,
) -> Findings {
    let mut findings = Findings::default();
    let given = &row.measured.reading;
    let (Some(quantity), Some(unit), Some(value), Some(number)) = (
        given.kind.quantity(),
        given.unit,
        row.measured.value,
        given.number(),
    ) else {
        return findings;
    };
    let member = if quantity == Quantity::Systolic {
        "systolic"
    } else {
        "value"
    };
    let place = format!("{pointer}/{member}");
    if let Some(finding) = judge(quantity, (number, unit), value, age, &place) {
        findings.add(finding);
    } else if let Some(before) = before
        && let Some(finding) = judge_change(quantity, before, (value, row.measured_at), age, &place)
    {
        findings.add(finding);
    }
    if let (Some(diastolic), Some(said)) = (row.measured.diastolic, given.diastolic) {
        let place = format!("{pointer}/diastolic");
        if let Some(finding) = judge(Quantity::Diastolic, (said, unit), diastolic, age, &place) {
            findings.add(finding);
        }
        if let Some(finding) = judge_pressure(value, diastolic, pointer) {
            findings.add(finding);
        }
    }
    row.confirmed = !findings.unusual.is_empty();
    findings
}

/// Judges the rows of one set.
pub(super) async fn admit(
    tx: &mut TenantTx,
    rows: &mut [VitalRecord],
    age: Age,
    confirmed: bool,
    pointer: &str,
) -> Result<()> {
    let before = before(tx, rows).await?;
    let mut all = Findings::default();
    for (place, (row, before)) in rows.iter_mut().zip(before).enumerate() {
        let found = judge_row(row, before, age, &format!("{pointer}/readings/{place}"));
        all.impossible.extend(found.impossible);
        all.unusual.extend(found.unusual);
    }
    all.allow(confirmed)
}

//! The latest of each kind beside the few before it: what a chart shows of vital signs.
//!
//! As of an instant, what was on record then counts: recorded before, and not withdrawn before.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalSetId};
use kernel::{PartialDate, Result};
use platform::db::TenantTx;
use serde::Serialize;
use utoipa::ToSchema;

use super::age::Age;
use super::derive;
use super::growth::shown_bmi;
use super::kinds::VitalKind;
use super::records::VitalRecord;
use super::store_series;
use super::trend::{Point, Summary, summarise};
use super::units::Amount;
use super::view::Reading;

/// How far ahead a chart looks: a bedside clock may be ahead of ours, and what it measured last is the latest all the same.
pub(crate) const AHEAD: TimeDelta = TimeDelta::hours(1);
/// How far back a chart looks; where nothing was measured since, from what was measured last.
const SINCE: TimeDelta = TimeDelta::days(3 * 365);
/// Readings of a kind that make its direction.
const READINGS: i64 = 10;

/// The latest reading of a kind, and where it is going.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RecentVital {
    pub set_id: VitalSetId,
    pub measured_at: DateTime<Utc>,
    /// Of what was imported and is known by its day, month or year alone: that, to be shown in place of `measured_at`, which is where
    /// it begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2015-03")]
    pub measured_on: Option<PartialDate>,
    #[serde(flatten)]
    pub reading: Reading,
    /// Of the last ten readings, in the unit the kind is kept in; of a blood pressure the systolic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trend: Option<Summary>,
}

/// The kinds measured in the three years before `until`, in their order; if there are none, in the three years before the last
/// measurement. `then`: as it stood at that instant.
pub(crate) async fn recent_in_tx(
    tx: &mut TenantTx,
    (patient, birth): (PatientId, NaiveDate),
    until: Instant,
    then: Option<Instant>,
) -> Result<Vec<RecentVital>> {
    let recently = (until - SINCE, until);
    let mut rows = store_series::recent(tx, patient, recently, then, READINGS).await?;
    // Of whoever was away for long the last values, which have their dates: nothing would read as never measured. Each kind is looked
    // for in three years of months, not in a life of them.
    let born = birth.and_time(NaiveTime::MIN).and_utc();
    if rows.is_empty() && born < recently.0 {
        let before = (born, recently.0);
        if let Some(last) = store_series::last_measured(tx, patient, before, then).await? {
            rows = store_series::recent(tx, patient, (last - SINCE, last), then, READINGS).await?;
        }
    }
    let mut kinds: BTreeMap<usize, Vec<VitalRecord>> = BTreeMap::new();
    for row in rows {
        let kind = row.measured.reading.kind;
        let place = VitalKind::ALL.iter().position(|other| *other == kind);
        kinds
            .entry(place.unwrap_or(usize::MAX))
            .or_default()
            .push(row);
    }
    Ok(kinds
        .into_values()
        .filter_map(|rows| recent(rows, birth, then.is_some()))
        .collect())
}

/// `rows`: of one kind, the latest first.
fn recent(rows: Vec<VitalRecord>, birth: NaiveDate, past: bool) -> Option<RecentVital> {
    let points: Vec<Point> = rows
        .iter()
        .rev()
        .filter_map(|row| {
            Some(Point {
                at: row.measured_at,
                on: row.measured_on.clone(),
                value: row.measured.value?,
            })
        })
        .collect();
    let mut latest = rows.into_iter().next()?;
    if past {
        latest = latest.unwithdrawn();
    }
    let age = Age::at(birth, latest.measured_at);
    Some(RecentVital {
        set_id: latest.set_id,
        measured_at: latest.measured_at,
        measured_on: latest.measured_on.clone(),
        reading: derive::reading(latest, age),
        trend: summarise(&points),
    })
}

/// The body mass index from the latest weight and height.
pub(crate) fn bmi_in(recent: &[RecentVital], birth: NaiveDate) -> Option<Amount> {
    let of = |kind: VitalKind| {
        let mut recent = recent.iter();
        let one = recent.find(|one| one.reading.given.kind == kind)?;
        Some((one.reading.canonical.as_ref()?.value, one.measured_at))
    };
    derive::bmi(birth, of(VitalKind::Weight), of(VitalKind::Height)).map(shown_bmi)
}

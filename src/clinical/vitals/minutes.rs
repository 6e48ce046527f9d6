//! What devices send, judged beside what else stands of the same patient's minute.
//!
//! A monitor sends its readings one by one, and several devices send theirs in requests of their own: the set of one moment is
//! seldom whole. A set that came from a device is therefore judged with the readings of the kinds it lacks that lie nearest to
//! it in its minute. What somebody measured by hand he wrote down together, and it is judged by itself.
//!
//! Invariants: a set's own reading comes before any other of its kind; of the sets of devices in one minute the worst alone
//! calls, so that a minute calls once.
//!
//! Trap: two requests at the same time do not see each other's readings; each is judged without them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::Timelike;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalSetId};
use platform::db::TenantTx;

use super::derive::{self, Background};
use super::kinds::VitalKind;
use super::records::VitalRecord;
use super::subjects::Subject;
use super::view::{Source, VitalStatus};
use super::{store_series, warnings};
use crate::alerts::{self, NewAlert, Raised};

/// A patient's minute.
type Minute = (PatientId, Instant);

fn minute_of(row: &VitalRecord) -> Minute {
    (row.patient_id, beginning(row.measured_at))
}

fn beginning(at: Instant) -> Instant {
    at.with_second(0)
        .and_then(|at| at.with_nanosecond(0))
        .unwrap_or(at)
}

/// Whether a score counts the kind.
const fn is_scored(kind: VitalKind) -> bool {
    match kind {
        VitalKind::BloodPressure
        | VitalKind::HeartRate
        | VitalKind::RespiratoryRate
        | VitalKind::Temperature
        | VitalKind::OxygenSaturation
        | VitalKind::InhaledOxygenFlow
        | VitalKind::InhaledOxygenConcentration
        | VitalKind::GlasgowComaScore
        | VitalKind::Consciousness => true,
        VitalKind::Weight
        | VitalKind::Height
        | VitalKind::HeadCircumference
        | VitalKind::Pain
        | VitalKind::Glucose
        | VitalKind::PregnancyStatus => false,
    }
}

/// What stands of some minutes, by kind and in the order of time.
#[derive(Default)]
struct Beside<'a>(HashMap<Minute, HashMap<VitalKind, Vec<&'a VitalRecord>>>);

impl<'a> Beside<'a> {
    fn of(rows: impl Iterator<Item = &'a VitalRecord>) -> Self {
        let mut found = Self::default();
        for row in rows.filter(|row| is_scored(row.kind())) {
            let minute = found.0.entry(minute_of(row)).or_default();
            minute.entry(row.kind()).or_default().push(row);
        }
        for kind in found.0.values_mut().flat_map(HashMap::values_mut) {
            kind.sort_by_key(|row| row.measured_at);
        }
        found
    }

    /// The set, and of each kind it lacks the nearest reading of its minute; of two as near the later.
    fn complete(&self, set: &[&'a VitalRecord]) -> Vec<&'a VitalRecord> {
        let mut rows = set.to_vec();
        let Some(first) = set.first() else {
            return rows;
        };
        let own: HashSet<VitalKind> = set.iter().map(|row| row.kind()).collect();
        let others = self.0.get(&minute_of(first)).into_iter().flatten();
        for (_, others) in others.filter(|(kind, _)| !own.contains(*kind)) {
            let next = others.partition_point(|row| row.measured_at <= first.measured_at);
            let near = &others[next.saturating_sub(1)..others.len().min(next + 1)];
            let distance = |row: &&&VitalRecord| {
                let apart = (row.measured_at - first.measured_at).abs();
                (apart, Reverse(row.measured_at))
            };
            rows.extend(near.iter().min_by_key(distance));
        }
        rows
    }
}

/// The alerts that sets call for, in the order of time; of the sets of devices in one minute the worst alone.
fn called<'a>(
    sets: Vec<Vec<&'a VitalRecord>>,
    beside: &Beside<'a>,
    backgrounds: &HashMap<PatientId, Background>,
) -> Vec<(Source, NewAlert)> {
    let mut by_hand = Vec::new();
    let mut worst: BTreeMap<_, NewAlert> = BTreeMap::new();
    for set in sets {
        let Some(first) = set.first().copied() else {
            continue;
        };
        let Some(background) = backgrounds.get(&first.patient_id) else {
            continue;
        };
        if first.source != Source::Device {
            let alerts = warnings::called(&derive::derived(&set, background), first);
            by_hand.extend(alerts.into_iter().map(|alert| (first.source, alert)));
            continue;
        }
        let whole = beside.complete(&set);
        for alert in warnings::called(&derive::derived(&whole, background), first) {
            let (patient, minute) = minute_of(first);
            let place = (minute, patient, alert.kind.as_str());
            if worst
                .get(&place)
                .is_none_or(|other| rank(other) < rank(&alert))
            {
                worst.insert(place, alert);
            }
        }
    }
    let devices = worst.into_values().map(|alert| (Source::Device, alert));
    by_hand.into_iter().chain(devices).collect()
}

/// How bad it is; of the same the latest, because most is known there.
fn rank(alert: &NewAlert) -> (i16, bool, Instant) {
    (alert.score, !alert.at_least, alert.measured_at)
}

/// Rows of sets, set by set, of the kinds that scores count.
fn sets_of<'a>(rows: impl Iterator<Item = &'a VitalRecord>) -> Vec<Vec<&'a VitalRecord>> {
    let mut sets: BTreeMap<_, Vec<&VitalRecord>> = BTreeMap::new();
    for row in rows.filter(|row| is_scored(row.kind())) {
        sets.entry(row.set_id.0).or_default().push(row);
    }
    sets.into_values().collect()
}

/// The alerts that what devices have just sent calls for, before it is written, and those that stand and are less. What is
/// old calls nobody.
pub(super) async fn of_batch(
    tx: &mut TenantTx,
    subjects: &HashMap<PatientId, Subject>,
    rows: &[VitalRecord],
    now: Instant,
) -> Result<(Vec<NewAlert>, Vec<Raised>)> {
    let sent: Vec<&VitalRecord> = rows
        .iter()
        .filter(|row| is_scored(row.kind()) && warnings::is_fresh(row.measured_at, now))
        .collect();
    let minutes: HashSet<Minute> = sent.iter().map(|row| minute_of(row)).collect();
    let times = || sent.iter().map(|row| row.measured_at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let minutes: Vec<Minute> = minutes.into_iter().collect();
    let stored = store_series::of_minutes(tx, &minutes).await?;
    let beside = Beside::of(stored.iter().chain(sent.iter().copied()));
    let backgrounds = backgrounds(tx, subjects, &sent, rows, (first, last)).await?;
    let called = called(sets_of(sent.iter().copied()), &beside, &backgrounds);
    if called.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let patients: HashSet<PatientId> = called.iter().map(|(_, new)| new.patient_id).collect();
    let patients: Vec<PatientId> = patients.into_iter().collect();
    let span = (beginning(first), last);
    let raised = alerts::raised_in_tx(tx, &patients, span).await?;
    let new = called.into_iter().map(|(_, alert)| alert).collect();
    let device_sets = stored.iter().filter(|row| row.source == Source::Device);
    let device_sets = device_sets.map(|row| row.set_id).collect();
    Ok(beyond(new, raised, &device_sets))
}

/// Of the new alerts those that say more than what was raised of their minute, and of what was raised what they take the place of:
/// the open ones of devices. Each is looked up, for a batch may be one patient's day.
fn beyond(
    mut new: Vec<NewAlert>,
    mut raised: Vec<Raised>,
    device_sets: &HashSet<VitalSetId>,
) -> (Vec<NewAlert>, Vec<Raised>) {
    let of_new = |one: &NewAlert| (one.patient_id, one.kind, beginning(one.measured_at));
    let of_old = |one: &Raised| (one.patient_id, one.kind, beginning(one.measured_at));
    let mut said: HashMap<_, i16> = HashMap::new();
    for old in &raised {
        let score = said.entry(of_old(old)).or_insert(old.score);
        *score = old.score.max(*score);
    }
    new.retain(|new| said.get(&of_new(new)).is_none_or(|said| *said < new.score));
    let more: HashSet<_> = new.iter().map(of_new).collect();
    raised.retain(|old| {
        old.is_open && device_sets.contains(&old.set_id) && more.contains(&of_old(old))
    });
    (new, raised)
}

/// What is known of the patients; nobody's growth matters here.
async fn backgrounds(
    tx: &mut TenantTx,
    subjects: &HashMap<PatientId, Subject>,
    sent: &[&VitalRecord],
    rows: &[VitalRecord],
    (first, last): (Instant, Instant),
) -> Result<HashMap<PatientId, Background>> {
    let patients: HashSet<PatientId> = sent
        .iter()
        .filter(|row| subjects[&row.patient_id].may_be_pregnant(row.measured_at))
        .map(|row| row.patient_id)
        .collect();
    let patients: Vec<PatientId> = patients.into_iter().collect();
    let mut stated = Vec::new();
    if !patients.is_empty() {
        let from = first - chrono::TimeDelta::days(derive::PREGNANCY_DAYS);
        stated = store_series::pregnancies(tx, &patients, (from, last), None).await?;
        // What the batch says itself is not written yet.
        let here = rows.iter().filter_map(|row| {
            let said = row.kind() == VitalKind::PregnancyStatus;
            let code = row.measured.reading.code.filter(|_| said)?;
            Some((row.patient_id, row.measured_at, code))
        });
        stated.extend(here);
        stated.sort_by_key(|(_, at, _)| Reverse(*at));
    }
    let mut found: HashMap<PatientId, Background> = sent
        .iter()
        .map(|row| {
            let background = Background {
                subject: subjects[&row.patient_id],
                pregnancy: Vec::new(),
                growth: Vec::new(),
                heights: Vec::new(),
            };
            (row.patient_id, background)
        })
        .collect();
    for (patient, at, code) in stated {
        if let Some(background) = found.get_mut(&patient) {
            background.pregnancy.push((at, code));
        }
    }
    Ok(found)
}

/// After readings were withdrawn: the open alerts of that minute become what is left calls for. One whose score or level is
/// another now is withdrawn and raised anew; what nobody was called for stays so.
pub(super) async fn follow(
    tx: &mut TenantTx,
    subject: Subject,
    at: Instant,
    now: Instant,
) -> Result<()> {
    let span = (beginning(at), beginning(at) + chrono::TimeDelta::minutes(1));
    let raised = alerts::raised_in_tx(tx, &[subject.id], span).await?;
    if raised.iter().all(|old| !old.is_open) {
        return Ok(());
    }
    let rows = store_series::of_minutes(tx, &[(subject.id, span.0)]).await?;
    let background = subject.background(tx, (at, at), None).await?;
    let backgrounds = HashMap::from([(subject.id, background)]);
    let standing = || rows.iter().filter(|row| row.status == VitalStatus::Final);
    let mut called = called(sets_of(standing()), &Beside::of(standing()), &backgrounds);
    let wrong: Vec<Raised> = raised
        .iter()
        .filter(|old| old.is_open && !called.iter().any(|(_, new)| old.says(new)))
        .copied()
        .collect();
    called.retain(|(source, new)| {
        let replaces = wrong.iter().any(|old| {
            old.kind == new.kind && (*source == Source::Device || old.set_id == new.set_id)
        });
        let said = raised.iter().any(|old| {
            let kept = !wrong.iter().any(|wrong| wrong.id == old.id);
            kept && old.kind == new.kind
                && (old.set_id == new.set_id || *source == Source::Device && old.score >= new.score)
        });
        replaces && !said
    });
    let new: Vec<NewAlert> = called.into_iter().map(|(_, alert)| alert).collect();
    alerts::withdraw_in_tx(tx, &wrong, now).await?;
    alerts::raise_in_tx(tx, &new, now).await
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use kernel::ids::ClinicalAlertId;
    use serde_json::Value;

    use super::*;
    use crate::alerts::{AlertKind, AlertLevel};

    fn at(second: i64) -> Instant {
        let start: Instant = "2026-01-01T00:00:00Z".parse().expect("an instant");
        start + TimeDelta::seconds(second)
    }

    fn new(patient: PatientId, second: i64, score: i16) -> NewAlert {
        NewAlert {
            patient_id: patient,
            encounter_id: None,
            kind: AlertKind::News2,
            level: AlertLevel::Urgent,
            score,
            at_least: false,
            parts: Value::Null,
            set_id: VitalSetId::new(),
            measured_at: at(second),
        }
    }

    fn raised(patient: PatientId, second: i64, score: i16) -> Raised {
        Raised {
            id: ClinicalAlertId::new(),
            patient_id: patient,
            kind: AlertKind::News2,
            level: AlertLevel::Urgent,
            score,
            at_least: false,
            set_id: VitalSetId::new(),
            measured_at: at(second),
            is_open: true,
        }
    }

    #[test]
    fn what_says_more_of_a_minute_takes_the_place_of_what_a_device_called_for() {
        let patient = PatientId::new();
        let said = |score| vec![raised(patient, 5, score)];
        let device: HashSet<VitalSetId> = HashSet::new();
        let (called, gone) = beyond(vec![new(patient, 50, 6)], said(6), &device);
        assert!(called.is_empty() && gone.is_empty(), "said already");
        let (called, gone) = beyond(vec![new(patient, 50, 7)], said(6), &device);
        assert_eq!(
            (called.len(), gone.len()),
            (1, 0),
            "it was measured by hand"
        );
        let old = said(6);
        let device = HashSet::from([old[0].set_id]);
        let (called, gone) = beyond(vec![new(patient, 50, 7)], old, &device);
        assert_eq!((called.len(), gone.len()), (1, 1));
        let (called, gone) = beyond(vec![new(patient, 61, 5)], said(6), &device);
        assert_eq!((called.len(), gone.len()), (1, 0), "another minute");
        let (called, _) = beyond(vec![new(PatientId::new(), 50, 5)], said(6), &device);
        assert_eq!(called.len(), 1, "another patient");
        let worst = vec![raised(patient, 5, 8), raised(patient, 6, 3)];
        assert!(
            beyond(vec![new(patient, 50, 7)], worst, &device)
                .0
                .is_empty()
        );
    }

    #[test]
    fn a_day_of_one_patient_is_looked_up_and_not_searched_through() {
        let patient = PatientId::new();
        let minutes = 0..200_000;
        let old: Vec<Raised> = minutes
            .clone()
            .map(|minute| raised(patient, minute * 60, 5))
            .collect();
        let all = minutes.map(|minute| new(patient, minute * 60, 5 + i16::from(minute % 2 == 0)));
        let device = old.iter().map(|old| old.set_id).collect();
        // By pairs these would be 40,000,000,000 comparisons.
        let (called, gone) = beyond(all.collect(), old, &device);
        assert_eq!((called.len(), gone.len()), (100_000, 100_000));
    }
}

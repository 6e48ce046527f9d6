//! Which scores call somebody.

use chrono::TimeDelta;
use kernel::clock::Instant;
use serde_json::json;

use super::records::VitalRecord;
use super::scores::{Risk, Score};
use super::view::Derived;
use crate::alerts::{AlertKind, AlertLevel, NewAlert};

/// A score is called out while somebody can act on it: what is written down later, or brought in from elsewhere, calls nobody.
const FRESH: TimeDelta = TimeDelta::hours(24);

/// The scores out of range, by how urgently they call.
///
/// NEWS2: 7 and more is an emergency; 5 and 6, and 3 in a single part, are urgent. qSOFA: 2 and more is urgent. Where parts
/// are missing, what the others add up to counts: monitors send neither consciousness nor oxygen.
fn of(derived: &Derived) -> Vec<(AlertKind, AlertLevel, &Score)> {
    let news2 = derived.news2.as_ref().and_then(|score| {
        let level = match score.risk? {
            Risk::High => AlertLevel::Emergency,
            Risk::Medium | Risk::LowMedium => AlertLevel::Urgent,
            Risk::Low => return None,
        };
        Some((AlertKind::News2, level, score))
    });
    let qsofa = derived
        .qsofa
        .as_ref()
        .filter(|score| score.risk == Some(Risk::High))
        .map(|score| (AlertKind::Qsofa, AlertLevel::Urgent, score));
    news2.into_iter().chain(qsofa).collect()
}

/// Whether somebody can still act on what was measured then.
pub(super) fn is_fresh(measured_at: Instant, now: Instant) -> bool {
    now - measured_at <= FRESH
}

/// The alerts that scores of a set call for. `set`: a row of it.
pub(super) fn called(derived: &Derived, set: &VitalRecord) -> Vec<NewAlert> {
    of(derived)
        .into_iter()
        .map(|(kind, level, score)| NewAlert {
            patient_id: set.patient_id,
            encounter_id: set.encounter_id,
            kind,
            level,
            score: score.known().unwrap_or_default(),
            at_least: score.score.is_none(),
            parts: json!(score.parts),
            set_id: set.set_id,
            measured_at: set.measured_at,
        })
        .collect()
}

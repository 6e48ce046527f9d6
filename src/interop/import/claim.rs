//! Of several states of one resource in the same run, which one counts.
//!
//! The last one, or the one last updated; under `ifNoneExist` the first. Decided before anything is written, so that a
//! second run decides the same and changes nothing.

use super::dates;
use super::outline::Outline;
use super::reference::Name;
use super::report::Place;
use super::resource::digest;

/// Which of two states counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub place: Place,
    last_updated: Option<i64>,
    first_wins: bool,
    pub again: bool,
}

impl Claim {
    pub(super) fn of(outline: &Outline<'_>) -> Self {
        let last_updated = outline
            .last_updated
            .as_deref()
            .and_then(|text| dates::instant(text, chrono_tz::UTC));
        Self {
            place: outline.place,
            last_updated: last_updated.map(|at| at.timestamp_micros()),
            first_wins: outline
                .condition
                .as_ref()
                .is_some_and(|condition| !condition.updates),
            again: false,
        }
    }

    /// Whether it yields to the other.
    pub(super) fn yields_to(&self, other: &Claim) -> bool {
        match (self.last_updated, other.last_updated) {
            _ if self.first_wins || other.first_wins => other.place < self.place,
            (Some(mine), Some(theirs)) if mine != theirs => theirs > mine,
            _ => other.place > self.place,
        }
    }
}

/// Sixteen bytes that stand for a name.
pub(super) fn mark(name: &Name) -> u128 {
    let hash = digest(&[name.resource_type.as_bytes(), name.id.as_bytes()]);
    hash.iter()
        .take(16)
        .fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}

//! The board on the wire.

use chrono::{DateTime, Utc};
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, EncounterId, FacilityId, PatientId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a patient is in his visit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BoardState {
    Expected,
    /// Expected, and the time has passed.
    Late,
    /// Here, and waiting.
    Arrived,
    /// In a room, and waiting.
    Roomed,
    /// With the provider.
    InRoom,
    Done,
    /// Did not come.
    Missed,
}

impl BoardState {
    /// From the appointment's status, whether its patient was put into a room, and the time.
    pub(super) fn of(status: &str, roomed: bool, starts_at: Instant, now: Instant) -> Self {
        match status {
            "checked_in" if roomed => Self::Roomed,
            "checked_in" => Self::Arrived,
            "in_progress" => Self::InRoom,
            "completed" => Self::Done,
            "no_show" => Self::Missed,
            _ if starts_at < now => Self::Late,
            _ => Self::Expected,
        }
    }
}

/// A visit of today, or of who is here for another day near by.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct BoardEntry {
    pub appointment_id: AppointmentId,
    pub patient_id: PatientId,
    #[schema(example = "Adaeze Marie Okafor-Lindqvist")]
    pub patient: String,
    pub encounter_id: Option<EncounterId>,
    pub facility_id: FacilityId,
    pub service: String,
    pub provider_id: Option<ProviderId>,
    pub provider: Option<String>,
    /// The one he is or was in; before, the one that is reserved.
    pub room: Option<String>,
    pub state: BoardState,
    pub priority: String,
    pub starts_at: DateTime<Utc>,
    /// On the facility's wall clock.
    #[schema(example = "2027-03-09T10:00:00")]
    pub local_start: String,
    pub checked_in_at: Option<DateTime<Utc>>,
    pub roomed_at: Option<DateTime<Utc>>,
    pub started_at: Option<DateTime<Utc>>,
    pub completed_at: Option<DateTime<Utc>>,
    /// Minutes since he came, until the provider saw him; none before he came.
    pub waiting_minutes: Option<i64>,
    /// Minutes of them in a room: since he was put there, until the provider saw him.
    pub roomed_minutes: Option<i64>,
    /// Minutes he is late, while he is.
    pub late_minutes: Option<i64>,
    /// Minutes since the visit was to be over, while he is in the house all the same: it lasts, or nobody has ended it.
    pub overdue_minutes: Option<i64>,
}

/// How many are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct BoardCounts {
    pub expected: u32,
    pub late: u32,
    pub arrived: u32,
    pub roomed: u32,
    pub in_room: u32,
    pub done: u32,
    pub missed: u32,
    /// In the house, and their visits were to be over.
    pub overdue: u32,
    /// Of those who wait at this moment, in a room or not.
    pub longest_wait_minutes: Option<i64>,
}

impl BoardCounts {
    pub(super) fn of(entries: &[BoardEntry]) -> Self {
        let mut counts = Self::default();
        for entry in entries {
            let count = match entry.state {
                BoardState::Expected => &mut counts.expected,
                BoardState::Late => &mut counts.late,
                BoardState::Arrived => &mut counts.arrived,
                BoardState::Roomed => &mut counts.roomed,
                BoardState::InRoom => &mut counts.in_room,
                BoardState::Done => &mut counts.done,
                BoardState::Missed => &mut counts.missed,
            };
            *count += 1;
            counts.overdue += u32::from(entry.overdue_minutes.is_some());
            if matches!(entry.state, BoardState::Arrived | BoardState::Roomed) {
                counts.longest_wait_minutes =
                    counts.longest_wait_minutes.max(entry.waiting_minutes);
            }
        }
        counts
    }
}

/// Today, at one facility or all: the day on each facility's own wall clock, and whoever else is in the house.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Board {
    pub as_of: DateTime<Utc>,
    pub counts: BoardCounts,
    /// In the order of their times; of the patients the caller may see.
    pub entries: Vec<BoardEntry>,
    /// Whether there are more than the 2000 shown: then ask for one facility.
    pub truncated: bool,
}

/// Which board.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichBoard {
    /// Of one facility; else of all.
    pub facility_id: Option<FacilityId>,
}

/// Which visits that nobody has ended.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNotEnded {
    /// Of one facility; else of all.
    pub facility_id: Option<FacilityId>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_from_status_and_time() {
        let now: Instant = "2026-03-08T12:00:00Z".parse().expect("an instant");
        let soon = now + chrono::TimeDelta::minutes(1);
        let past = now - chrono::TimeDelta::minutes(1);
        for (status, roomed, start, state) in [
            ("scheduled", false, soon, BoardState::Expected),
            ("confirmed", false, past, BoardState::Late),
            ("checked_in", false, past, BoardState::Arrived),
            ("checked_in", true, past, BoardState::Roomed),
            ("in_progress", true, past, BoardState::InRoom),
            ("completed", true, past, BoardState::Done),
            ("no_show", true, past, BoardState::Missed),
        ] {
            assert_eq!(
                BoardState::of(status, roomed, start, now),
                state,
                "{status}"
            );
        }
    }
}

//! What an encounter is, where it stands, and which steps lead on.
//!
//! `scheduled` → `in_progress` → `completed`; a scheduled one may also end as `cancelled` or `no_show`. The last three are
//! ends: a new visit is a new encounter. Rescheduling is no step: it leaves a scheduled encounter scheduled. Nor is it that a
//! patient who was marked as missed arrives at the appointment it was planned for: then it was never missed (following.rs).

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// What kind of visit or stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EncounterClass {
    OfficeVisit,
    Inpatient,
    Emergency,
    Telemedicine,
    Procedure,
    Consultation,
}

impl EncounterClass {
    /// Whether the patient may lie in a bed.
    pub const fn has_bed(self) -> bool {
        matches!(self, Self::Inpatient | Self::Emergency | Self::Procedure)
    }
}

/// Where an encounter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EncounterStatus {
    Scheduled,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
}

impl EncounterStatus {
    /// The statuses one step away.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Scheduled => &[Self::InProgress, Self::Cancelled, Self::NoShow],
            Self::InProgress => &[Self::Completed],
            Self::Completed | Self::Cancelled | Self::NoShow => &[],
        }
    }

    /// Whether nothing leads on.
    pub const fn is_end(self) -> bool {
        self.allowed().is_empty()
    }

    /// The next status, if one step leads there.
    pub fn step(self, next: Self) -> Result<Self> {
        if self.allowed().contains(&next) {
            Ok(next)
        } else {
            Err(self.refusal())
        }
    }

    /// Refuses what only an encounter of this status takes.
    pub fn require(self, needed: Self) -> Result<()> {
        if self == needed {
            Ok(())
        } else {
            Err(self.refusal())
        }
    }

    fn refusal(self) -> Error {
        Error::new(Code::IllegalTransition).with("allowed", json!(self.allowed()))
    }
}

#[cfg(test)]
mod tests {
    use super::EncounterStatus::{Cancelled, Completed, InProgress, NoShow, Scheduled};
    use super::*;

    const ALL: [EncounterStatus; 5] = [Scheduled, InProgress, Completed, Cancelled, NoShow];

    #[test]
    fn exactly_four_steps_are_legal() {
        let legal: Vec<_> = ALL
            .iter()
            .flat_map(|from| ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.step(*to).is_ok())
            .collect();
        assert_eq!(
            legal,
            [
                (Scheduled, InProgress),
                (Scheduled, Cancelled),
                (Scheduled, NoShow),
                (InProgress, Completed)
            ]
        );
    }

    #[test]
    fn an_illegal_step_names_the_legal_ones() {
        let error = Scheduled.step(Completed).expect_err("a step is left out");
        assert_eq!(error.code(), Code::IllegalTransition);
        let (name, steps) = error.extension().expect("the legal steps");
        assert_eq!(
            (*name, steps.clone()),
            ("allowed", json!(["in_progress", "cancelled", "no_show"]))
        );
        let error = Completed.step(Cancelled).expect_err("completed is an end");
        assert_eq!(error.extension().expect("the legal steps").1, json!([]));
    }

    #[test]
    fn three_statuses_are_ends() {
        assert_eq!(
            ALL.map(EncounterStatus::is_end),
            [false, false, true, true, true]
        );
    }
}

//! Where an appointment stands, and which steps lead on.
//!
//! `scheduled` → `confirmed` → `checked_in` → `in_progress` → `completed`; confirming may be left out. Until it begins it may
//! end as `cancelled` or `no_show`, and until the patient is here as `rescheduled`: another appointment took its place. Who was
//! marked as missed and comes late is `checked_in` after all (late.rs).

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppointmentStatus {
    Scheduled,
    Confirmed,
    CheckedIn,
    InProgress,
    Completed,
    Cancelled,
    NoShow,
    Rescheduled,
}

impl AppointmentStatus {
    /// The statuses one step away.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Scheduled => &[
                Self::Confirmed,
                Self::CheckedIn,
                Self::Cancelled,
                Self::NoShow,
                Self::Rescheduled,
            ],
            Self::Confirmed => &[
                Self::CheckedIn,
                Self::Cancelled,
                Self::NoShow,
                Self::Rescheduled,
            ],
            Self::CheckedIn => &[Self::InProgress, Self::Cancelled, Self::NoShow],
            Self::InProgress => &[Self::Completed],
            Self::NoShow => &[Self::CheckedIn],
            Self::Completed | Self::Cancelled | Self::Rescheduled => &[],
        }
    }

    /// Whether it is still to come.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Scheduled | Self::Confirmed)
    }

    /// Whether it did not take place.
    pub const fn is_void(self) -> bool {
        matches!(self, Self::Cancelled | Self::NoShow | Self::Rescheduled)
    }

    /// The next status, if one step leads there.
    ///
    /// # Errors
    /// `illegal_transition`, naming the steps that are legal.
    pub fn step(self, next: Self) -> Result<Self> {
        if self.allowed().contains(&next) {
            Ok(next)
        } else {
            Err(Error::new(Code::IllegalTransition).with("allowed", json!(self.allowed())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AppointmentStatus::{
        Cancelled, CheckedIn, Completed, Confirmed, InProgress, NoShow, Rescheduled, Scheduled,
    };
    use super::*;

    const ALL: [AppointmentStatus; 8] = [
        Scheduled,
        Confirmed,
        CheckedIn,
        InProgress,
        Completed,
        Cancelled,
        NoShow,
        Rescheduled,
    ];

    #[test]
    fn exactly_fourteen_steps_are_legal() {
        let legal = ALL
            .iter()
            .flat_map(|from| ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.step(*to).is_ok())
            .count();
        assert_eq!(legal, 14);
    }

    #[test]
    fn what_is_over_leads_nowhere_and_says_so() {
        for end in [Completed, Cancelled, Rescheduled] {
            for next in ALL {
                let error = end.step(next).expect_err("an end");
                assert_eq!(error.extension().expect("the legal steps").1, json!([]));
            }
        }
        let error = Scheduled.step(InProgress).expect_err("a step is left out");
        assert_eq!(
            error.extension().expect("the legal steps").1,
            json!([
                "confirmed",
                "checked_in",
                "cancelled",
                "no_show",
                "rescheduled"
            ])
        );
    }
}

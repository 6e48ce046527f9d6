//! Where a procedure stands, and which steps lead on.
//!
//! `planned` → `in_progress` ⇄ `on_hold` → `completed` or `stopped`; what is planned may also be written down as done, or not
//! be done at all. The last three are ends; `entered_in_error` has an operation of its own.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where a procedure stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ProcedureStatus {
    Planned,
    InProgress,
    OnHold,
    /// It was planned and never begun.
    NotDone,
    /// It was begun and not finished.
    Stopped,
    #[default]
    Completed,
    EnteredInError,
}

impl ProcedureStatus {
    /// The statuses one step away.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Planned => &[Self::InProgress, Self::Completed, Self::NotDone],
            Self::InProgress => &[Self::OnHold, Self::Completed, Self::Stopped],
            Self::OnHold => &[Self::InProgress, Self::Stopped],
            Self::NotDone | Self::Stopped | Self::Completed | Self::EnteredInError => &[],
        }
    }

    /// Whether it has begun, so that there is a time at which it did.
    pub const fn has_begun(self) -> bool {
        matches!(
            self,
            Self::InProgress | Self::OnHold | Self::Stopped | Self::Completed
        )
    }

    /// Whether somebody must say why.
    pub const fn needs_reason(self) -> bool {
        matches!(self, Self::NotDone | Self::Stopped)
    }

    /// The next status, if one step leads there.
    ///
    /// # Errors
    /// `illegal_transition`, naming the legal steps.
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
    use super::ProcedureStatus::{
        Completed, EnteredInError, InProgress, NotDone, OnHold, Planned, Stopped,
    };

    #[test]
    fn exactly_eight_steps_are_legal_and_four_statuses_are_ends() {
        let all = [
            Planned,
            InProgress,
            OnHold,
            NotDone,
            Stopped,
            Completed,
            EnteredInError,
        ];
        let legal = all
            .iter()
            .flat_map(|from| all.iter().map(move |to| from.step(*to).is_ok()))
            .filter(|legal| *legal)
            .count();
        assert_eq!(legal, 8);
        for end in [NotDone, Stopped, Completed, EnteredInError] {
            assert!(end.allowed().is_empty());
        }
        assert!(Completed.step(Planned).is_err());
    }
}

//! Where a goal stands, and which steps lead on. Whether it was reached is its achievement, which is no step.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where a goal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GoalStatus {
    Proposed,
    Active,
    OnHold,
    Completed,
    Cancelled,
    /// It should never have been made; it stays to be seen.
    EnteredInError,
}

impl GoalStatus {
    /// The statuses one step away. To have been made in error is no step: it may turn out at any time.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Proposed | Self::OnHold => &[Self::Active, Self::Cancelled],
            Self::Active => &[Self::OnHold, Self::Completed, Self::Cancelled],
            Self::Completed => &[Self::Active],
            Self::Cancelled | Self::EnteredInError => &[],
        }
    }

    /// The next status, if one step leads there.
    pub fn step(self, next: Self) -> Result<Self> {
        self.require_standing()?;
        if self.allowed().contains(&next) {
            Ok(next)
        } else {
            Err(Error::new(Code::IllegalTransition).with("allowed", json!(self.allowed())))
        }
    }

    /// Refuses what was made in error.
    pub fn require_standing(self) -> Result<()> {
        if self == Self::EnteredInError {
            return Err(Error::new(Code::EnteredInError));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::GoalStatus::{Active, Cancelled, Completed, EnteredInError, OnHold, Proposed};
    use super::*;

    #[test]
    fn exactly_these_steps_are_legal() {
        let all = [
            Proposed,
            Active,
            OnHold,
            Completed,
            Cancelled,
            EnteredInError,
        ];
        let legal: Vec<_> = all
            .iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.step(*to).is_ok())
            .collect();
        assert_eq!(
            legal,
            [
                (Proposed, Active),
                (Proposed, Cancelled),
                (Active, OnHold),
                (Active, Completed),
                (Active, Cancelled),
                (OnHold, Active),
                (OnHold, Cancelled),
                (Completed, Active)
            ]
        );
    }

    #[test]
    fn a_mistake_takes_no_step() {
        let refused = EnteredInError.step(Active).expect_err("it does not stand");
        assert_eq!(refused.code(), Code::EnteredInError);
    }
}

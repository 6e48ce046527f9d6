//! Where a care plan stands, and which steps lead on.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where a care plan stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CarePlanStatus {
    Draft,
    Active,
    OnHold,
    Completed,
    Revoked,
    /// It should never have been made; it stays to be seen.
    EnteredInError,
}

impl CarePlanStatus {
    /// The statuses one step away. To have been made in error is no step: it may turn out at any time.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Active, Self::Revoked],
            Self::Active => &[Self::OnHold, Self::Completed, Self::Revoked],
            Self::OnHold => &[Self::Active, Self::Completed, Self::Revoked],
            Self::Completed | Self::Revoked | Self::EnteredInError => &[],
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
    use super::CarePlanStatus::{Active, Completed, Draft, EnteredInError, OnHold, Revoked};
    use super::*;

    #[test]
    fn exactly_these_steps_are_legal() {
        let all = [Draft, Active, OnHold, Completed, Revoked, EnteredInError];
        let legal: Vec<_> = all
            .iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.step(*to).is_ok())
            .collect();
        assert_eq!(
            legal,
            [
                (Draft, Active),
                (Draft, Revoked),
                (Active, OnHold),
                (Active, Completed),
                (Active, Revoked),
                (OnHold, Active),
                (OnHold, Completed),
                (OnHold, Revoked)
            ]
        );
    }

    #[test]
    fn a_mistake_takes_no_step() {
        let refused = EnteredInError.step(Active).expect_err("it does not stand");
        assert_eq!(refused.code(), Code::EnteredInError);
    }
}

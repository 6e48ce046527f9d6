//! Where a referral stands, and which steps lead on: sent, answered, scheduled, and closed by the note of the consultant.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReferralStatus {
    Draft,
    Sent,
    Accepted,
    Scheduled,
    Declined,
    Completed,
    Cancelled,
    /// It should never have been made; it stays to be seen.
    EnteredInError,
}

impl ReferralStatus {
    /// The statuses one step away. To have been made in error is no step: it may turn out at any time.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Draft => &[Self::Sent, Self::Cancelled],
            Self::Sent => &[Self::Accepted, Self::Declined, Self::Cancelled],
            // Scheduled again: the appointment was moved.
            Self::Accepted | Self::Scheduled => {
                &[Self::Scheduled, Self::Completed, Self::Cancelled]
            }
            Self::Declined | Self::Completed | Self::Cancelled | Self::EnteredInError => &[],
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
    use super::ReferralStatus::{
        Accepted, Cancelled, Completed, Declined, Draft, EnteredInError, Scheduled, Sent,
    };
    use super::*;

    #[test]
    fn exactly_these_steps_are_legal() {
        let all = [
            Draft,
            Sent,
            Accepted,
            Scheduled,
            Declined,
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
                (Draft, Sent),
                (Draft, Cancelled),
                (Sent, Accepted),
                (Sent, Declined),
                (Sent, Cancelled),
                (Accepted, Scheduled),
                (Accepted, Completed),
                (Accepted, Cancelled),
                (Scheduled, Scheduled),
                (Scheduled, Completed),
                (Scheduled, Cancelled)
            ]
        );
    }

    #[test]
    fn a_mistake_takes_no_step() {
        let refused = EnteredInError.step(Sent).expect_err("it does not stand");
        assert_eq!(refused.code(), Code::EnteredInError);
    }
}

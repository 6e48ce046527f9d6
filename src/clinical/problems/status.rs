//! Where a problem stands, and which steps lead on.
//!
//! Among the open statuses every step is a matter of judgement. Resolving is an end, and reactivating undoes it.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Where a problem stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ProblemStatus {
    #[default]
    Active,
    Chronic,
    InRemission,
    Resolved,
}

impl ProblemStatus {
    /// The statuses one step away.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Chronic, Self::InRemission, Self::Resolved],
            Self::Chronic => &[Self::Active, Self::InRemission, Self::Resolved],
            Self::InRemission => &[Self::Active, Self::Chronic, Self::Resolved],
            Self::Resolved => &[Self::Active, Self::Chronic],
        }
    }

    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Resolved)
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
    use super::ProblemStatus::{Active, Chronic, InRemission, Resolved};
    use super::*;

    #[test]
    fn only_a_resolved_problem_is_closed_and_it_comes_back_active_or_chronic() {
        for open in [Active, Chronic, InRemission] {
            assert!(open.is_open());
            assert_eq!(open.step(Resolved).ok(), Some(Resolved));
            assert!(open.step(open).is_err());
        }
        assert!(!Resolved.is_open());
        let error = Resolved.step(InRemission).expect_err("no step");
        assert_eq!(error.code(), Code::IllegalTransition);
        assert_eq!(
            error.extension().map(|(_, steps)| steps.clone()),
            Some(json!(["active", "chronic"]))
        );
    }
}

//! Where a registration stands, and which steps lead on.
//!
//! Everybody may become inactive, be transferred or die, and come back: an inactive patient returns, a transferred one is
//! taken on again, a death was recorded for the wrong person. Between two ways of being gone there is no step but death.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PatientStatus {
    #[default]
    Active,
    /// No longer comes; the record rests.
    Inactive,
    Deceased,
    /// Cared for elsewhere.
    Transferred,
    /// The same person as another registration, which has all that was in this one: see `replaced_by`.
    Merged,
}

impl PatientStatus {
    /// The statuses one step away.
    pub const fn allowed(self) -> &'static [Self] {
        match self {
            Self::Active => &[Self::Inactive, Self::Deceased, Self::Transferred],
            Self::Inactive | Self::Transferred => &[Self::Active, Self::Deceased],
            Self::Deceased => &[Self::Active],
            // Only by taking the merge back.
            Self::Merged => &[],
        }
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
    use super::PatientStatus::{Active, Deceased, Inactive, Transferred};
    use super::*;

    const ALL: [PatientStatus; 4] = [Active, Inactive, Deceased, Transferred];

    #[test]
    fn exactly_eight_steps_are_legal() {
        let legal: Vec<_> = ALL
            .iter()
            .flat_map(|from| ALL.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| from.step(*to).is_ok())
            .collect();
        assert_eq!(
            legal,
            [
                (Active, Inactive),
                (Active, Deceased),
                (Active, Transferred),
                (Inactive, Active),
                (Inactive, Deceased),
                (Deceased, Active),
                (Transferred, Active),
                (Transferred, Deceased),
            ]
        );
    }

    #[test]
    fn an_illegal_step_names_the_legal_ones() {
        let error = Deceased.step(Transferred).expect_err("no step");
        assert_eq!(error.code(), Code::IllegalTransition);
        let (name, steps) = error.extension().expect("the legal steps");
        assert_eq!((*name, steps.clone()), ("allowed", json!(["active"])));
    }
}

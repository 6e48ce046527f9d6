//! What of a registration is clinical: the front desk and billing, who open and keep registrations, neither read nor write it.

use kernel::{Error, FieldError, Result};
use platform::access::Role;
use platform::http::MergePatch;

use super::model::{NewPatient, Patient};

const FIELDS: [&str; 3] = ["blood_type", "health_goals", "risk_factors"];

impl Patient {
    /// Leaves out what the role may not read.
    #[must_use]
    pub(super) fn shown_to(mut self, role: Role) -> Self {
        if !may(role) {
            self.data.blood_type = None;
            self.data.health_goals.clear();
            self.data.risk_factors.clear();
        }
        self
    }
}

/// Refuses a registration that says what the role may not write.
pub(super) fn require_writable(new: &NewPatient, role: Role) -> Result<()> {
    let said = [
        new.blood_type.is_some(),
        !new.health_goals.is_empty(),
        !new.risk_factors.is_empty(),
    ];
    let said = FIELDS.into_iter().zip(said).filter(|(_, said)| *said);
    refuse(said.map(|(field, _)| field), role)
}

/// Refuses a change of what the role may not write.
pub(super) fn require_changeable(patch: &MergePatch, role: Role) -> Result<()> {
    refuse(
        FIELDS.into_iter().filter(|field| patch.touches(field)),
        role,
    )
}

fn may(role: Role) -> bool {
    !matches!(role, Role::Staff | Role::Billing)
}

fn refuse(fields: impl Iterator<Item = &'static str>, role: Role) -> Result<()> {
    let refused: Vec<FieldError> = fields
        .filter(|_| !may(role))
        .map(|field| {
            let rule = "is clinical, and not for the caller's role";
            FieldError::new(format!("/{field}"), "not_for_role", rule)
        })
        .collect();
    if refused.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(refused))
    }
}

//! What of an encounter is clinical: the front desk and billing, who plan encounters and bill them, do not read it.
//!
//! The front desk writes down why somebody wants to come when it books for him, and corrects that until he has come; it is
//! answered what it has said, once. What was coded is billing's to read where it is coded: diagnoses and procedures.

use kernel::{Error, FieldError, Result};
use platform::access::{Permission, Role};
use platform::http::MergePatch;

use super::model::{Encounter, NewEncounter};
use super::status::EncounterStatus;

impl Encounter {
    /// Leaves out what the role may not read.
    #[must_use]
    pub fn shown_to(mut self, role: Role) -> Self {
        if !Permission::ClinicalPartRead.allows(role) {
            self.record.chief_complaint = None;
            self.record.reason_codes.0.clear();
            self.record.disposition = None;
        }
        self
    }
}

/// Refuses a booking that says what the role may not write.
pub(super) fn require_bookable(new: &NewEncounter, role: Role) -> Result<()> {
    refuse(
        (!new.reason_codes.is_empty()).then_some("reason_codes"),
        role,
    )
}

/// Refuses a change of what the role may not write.
pub(super) fn require_changeable(
    patch: &MergePatch,
    status: EncounterStatus,
    role: Role,
) -> Result<()> {
    let planned = status == EncounterStatus::Scheduled;
    let fields = [("reason_codes", false), ("chief_complaint", planned)];
    let refused = fields
        .into_iter()
        .filter(|(field, may)| !may && patch.touches(field));
    refuse(refused.map(|(field, _)| field), role)
}

fn refuse(fields: impl IntoIterator<Item = &'static str>, role: Role) -> Result<()> {
    if Permission::ClinicalPartRead.allows(role) {
        return Ok(());
    }
    let refused: Vec<FieldError> = fields
        .into_iter()
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

//! What a note may refer to. An id of another tenant and one that is nobody's are the same field error.

use kernel::ids::{PatientId, UserId};
use kernel::{Code, Error, FieldError, Result};
use platform::access::{Ctx, Permission};
use platform::db::TenantTx;

use super::kinds::NoteType;
use super::model::NoteDraft;
use super::store;
use crate::encounters;

/// Refuses a type that the caller's role does not write: nurses write nursing notes.
pub(super) fn require_type(ctx: &Ctx, note_type: NoteType) -> Result<()> {
    if note_type == NoteType::Nursing || Permission::NoteWriteAny.allows(ctx.principal().role) {
        Ok(())
    } else {
        Err(Error::new(Code::Forbidden)
            .detail("Your role permits writing and signing notes of the type nursing only."))
    }
}

/// Checks what `wanted` refers to and `present` did not.
pub(super) async fn check(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<&NoteDraft>,
    wanted: &NoteDraft,
    (author, note_type): (UserId, NoteType),
) -> Result<()> {
    let mut broken = Vec::new();
    if let Some(encounter) = wanted.encounter_id
        && present.and_then(|present| present.encounter_id) != Some(encounter)
        && encounters::find_in_tx(tx, Some(patient), encounter)
            .await?
            .is_none()
    {
        broken.push(FieldError::new(
            "/encounter_id",
            "no_such_encounter",
            "must name an encounter of this patient",
        ));
    }
    if let Some(supervisor) = wanted.supervisor_id
        && present.and_then(|present| present.supervisor_id) != Some(supervisor)
        && (supervisor == author || !store::consents(tx, supervisor, note_type).await?)
    {
        broken.push(FieldError::new(
            "/supervisor_id",
            "no_such_supervisor",
            "must name the active account of a provider other than the author, whose own notes need no co-signature",
        ));
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(broken))
    }
}

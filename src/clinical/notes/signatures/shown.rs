//! Whether a note shows what was signed. The chain vouches for the payloads; this compares the note's row with them. Pure.

use kernel::ids::PatientId;
use kernel::{Error, Result};
use serde_json::{Value, json};

use super::chain;
use super::store::{Counted, Entry};
use super::verify::Fault;
use crate::notes::kinds::{EntryKind, NoteStatus};
use crate::notes::model::Note;

/// What a note's row is held against.
pub(super) struct Evidence<'a> {
    pub entries: &'a [Entry],
    pub counted: Counted,
    /// The registrations of the patient: an entry names the one it was signed for, which may have been merged since.
    pub registrations: Vec<PatientId>,
}

/// What the note shows otherwise than it was signed.
pub(super) fn faults(note: &Note, evidence: &Evidence<'_>) -> Result<Vec<Fault>> {
    let payloads: Vec<Value> = evidence
        .entries
        .iter()
        .map(|entry| serde_json::from_str(&entry.payload).map_err(Error::internal))
        .collect::<Result<_>>()?;
    let text = serde_json::to_value(&note.content).map_err(Error::internal)?;
    let signed_text = payloads
        .iter()
        .rev()
        .map(|payload| &payload["content"]["sections"])
        .find(|sections| sections.is_object());
    let mut faults = Vec::new();
    if signed_text != Some(&text) {
        faults.push(Fault::ShownText);
    }
    if !payloads
        .iter()
        .all(|payload| is_headed(note, payload, evidence))
        || !payloads.first().is_some_and(|first| is_signed(note, first))
    {
        faults.push(Fault::ShownHeader);
    }
    if note.summary.status != status(evidence.entries) {
        faults.push(Fault::ShownStatus);
    }
    let last = evidence.entries.last().map(|entry| &entry.hash);
    if usize::try_from(evidence.counted.entries) != Ok(evidence.entries.len())
        || evidence.counted.last_hash.as_ref() != last
    {
        faults.push(Fault::Count);
    }
    Ok(faults)
}

/// Whether the payload names the note as it is.
fn is_headed(note: &Note, payload: &Value, evidence: &Evidence<'_>) -> bool {
    let mut header = chain::header(note);
    let signed = &payload["note"];
    if evidence
        .registrations
        .iter()
        .any(|id| signed["patient_id"] == json!(id))
    {
        header["patient_id"] = signed["patient_id"].clone();
    }
    header == *signed
}

/// Whether the note names who signed it, and when.
fn is_signed(note: &Note, original: &Value) -> bool {
    let summary = &note.summary;
    original["signer"]["user_id"] == json!(summary.signed_by)
        && original["signed_at"] == json!(summary.signed_at.map(chain::rendered))
}

/// Where a note with these entries stands.
fn status(entries: &[Entry]) -> NoteStatus {
    let has = |wanted: &[EntryKind]| entries.iter().any(|entry| wanted.contains(&entry.kind));
    if has(&[EntryKind::Retraction]) {
        NoteStatus::EnteredInError
    } else if has(&[
        EntryKind::Addendum,
        EntryKind::Correction,
        EntryKind::Amendment,
    ]) {
        NoteStatus::Amended
    } else {
        NoteStatus::Signed
    }
}

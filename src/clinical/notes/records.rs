//! Notes inside a transaction that somebody else holds: written for an author, and signed in his name where he did sign.
//!
//! For data of a demonstration, whose authors are made up. Whoever imports notes of others must not use it: a signature says
//! that its signer has read the text here.

use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId, UserId};
use kernel::{Checks, Result, Validate};
use platform::access::Role;
use platform::crypto::TenantKeys;
use platform::db::SystemTx;

use super::kinds::{EntryKind, NoteStatus};
use super::model::NewNote;
use super::signatures::{self, Body, Signatory};
use super::texts::{self, TextKind};
use super::{releases, service, store};

/// Who wrote a note, and whether he signed it.
#[derive(Clone, Copy, Debug)]
pub struct Author {
    pub user: UserId,
    pub role: Role,
    /// When he signed, and released it to the patient; `None`: it is a draft.
    pub signed_at: Option<Instant>,
}

/// Writes a note. Its patient and encounter must exist.
///
/// # Errors
/// Field errors of the note.
pub async fn record_in_tx(
    tx: &mut SystemTx,
    keys: &TenantKeys,
    patient: PatientId,
    new: &NewNote,
    author: Author,
    now: Instant,
) -> Result<NoteId> {
    let mut checks = Checks::at(now);
    new.check(&mut checks);
    checks.finish()?;
    tx.speak_for(Some(author.user)).await?;
    let id = NoteId::new();
    let written = author.signed_at.unwrap_or(now);
    store::insert(tx, id, patient, new, author.user, written).await?;
    let of = (id, patient);
    texts::add(tx, of, TextKind::Saved, 1, &new.content, written).await?;
    if let Some(at) = author.signed_at {
        let note = store::get(tx, id).await?;
        note.content.require_complete(new.r#type, "/content")?;
        let by = Signatory {
            user: author.user,
            role: author.role.as_str(),
            keys,
            at,
        };
        let body = Body::Text {
            number: note.summary.text_number,
            content: &note.content,
            reason: None,
        };
        signatures::append_by(&by, tx, &note, EntryKind::Original, body, None).await?;
        let mut state = store::State::of(&note);
        state.status = NoteStatus::Signed;
        state.signed_by = Some(author.user);
        state.signed_at = Some(at);
        state.released_at = Some(at);
        store::set_state(tx, id, &state, at).await?;
        releases::follow(at, tx, id).await?;
    }
    let note = store::get(tx, id).await?;
    service::index(tx, &note).await?;
    tx.speak_for(None).await?;
    Ok(id)
}

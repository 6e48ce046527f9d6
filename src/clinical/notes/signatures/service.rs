//! Signing, adding, correcting; reading, checking and exporting what was signed.
//!
//! The note's row is locked first, so its chain grows by one entry at a time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::clock::Instant;
use kernel::ids::{NoteEntryId, NoteId, UserId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::crypto::TenantKeys;
use platform::crypto::tenant_signing::{self, RecordKey};
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;

use super::chain::{self, Body, Link};
use super::model::{NewAddendum, NewCorrection, NewSignature, NoteEntries};
use super::shown::{self, Evidence};
use super::store::{self, Entry};
use super::verify::{FORMAT, NoteKey, SignedEntry, SignedNote, Verification};
use crate::notes::kinds::{CosignatureStatus, EntryKind, NoteStatus};
use crate::notes::model::Note;
use crate::notes::store as notes;
use crate::notes::texts::{self, TextKind};
use crate::notes::{cosignatures, references, releases, service};
use crate::patients::AsOf;

const HOW_TO_VERIFY: &str = "For each entry: write payload as canonical JSON (RFC 8785); its SHA-256 must be hash; signature must be an Ed25519 \
     signature by the key key_id over the bytes of 'chartwell.record.v1', one NUL byte and the 32 bytes of the hash; \
     payload.previous must be the hash of the entry before; and if the key has a compromised_at, payload.signed_at must be \
     before it. Or run: chartwell notes verify FILE";

/// Signs one's own draft.
pub(super) async fn sign(ctx: &Ctx, id: NoteId, new: NewSignature) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteSign).await?;
    let note = notes::lock(&mut tx, id).await?;
    let summary = &note.summary;
    references::require_type(ctx, summary.r#type)?;
    summary.status.require_draft()?;
    if summary.author_id != ctx.user() {
        return Err(Error::new(Code::NotTheAuthor));
    }
    if summary.text_number != new.text_number {
        return Err(Error::new(Code::VersionStale)
            .detail("The draft was saved again since the text named in text_number."));
    }
    note.content.require_complete(summary.r#type, "/content")?;
    let body = Body::Text {
        number: summary.text_number,
        content: &note.content,
        reason: None,
    };
    let attestation = new.attestation.as_deref();
    append(ctx, &mut tx, &note, EntryKind::Original, body, attestation).await?;
    // Whom the organisation has assigned wins over whom the author names.
    let assigned = cosignatures::supervisor_of(&mut tx, ctx.user(), summary.r#type).await?;
    let supervisor = assigned.or(summary.supervisor_id);
    let mut state = notes::State::of(&note);
    state.status = NoteStatus::Signed;
    state.signed_by = Some(ctx.user());
    state.signed_at = Some(ctx.now());
    state.release_wanted = new.release;
    state.supervisor_id = supervisor;
    state.cosignature = supervisor.map(|_| CosignatureStatus::Pending);
    if new.release && supervisor.is_none() {
        state.released_at = Some(ctx.now());
    }
    notes::set_state(&mut tx, id, &state, ctx.now()).await?;
    if let Some(supervisor) = supervisor {
        cosignatures::request(ctx, &mut tx, &note, supervisor).await?;
    }
    finish(ctx, tx, id).await
}

/// Adds to a signed note.
pub(super) async fn add(ctx: &Ctx, id: NoteId, new: NewAddendum) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteSign).await?;
    let note = notes::lock(&mut tx, id).await?;
    references::require_type(ctx, note.summary.r#type)?;
    note.summary.status.require_signed()?;
    let body = Body::Added { text: &new.text };
    let attestation = new.attestation.as_deref();
    add_entry(ctx, &mut tx, &note, EntryKind::Addendum, body, attestation).await?;
    finish(ctx, tx, id).await
}

/// Replaces the text that a signed note shows; both texts stay signed.
pub(super) async fn correct(ctx: &Ctx, id: NoteId, new: NewCorrection) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteSign).await?;
    let note = notes::lock(&mut tx, id).await?;
    let summary = &note.summary;
    references::require_type(ctx, summary.r#type)?;
    summary.status.require_signed()?;
    if summary.author_id != ctx.user() {
        return Err(Error::new(Code::NotTheAuthor));
    }
    new.content.require_complete(summary.r#type, "/content")?;
    let at = (id, summary.patient_id);
    let version = summary.version + 1;
    let number = texts::add(
        &mut tx,
        at,
        TextKind::Corrected,
        version,
        &new.content,
        ctx.now(),
    )
    .await?;
    let body = Body::Text {
        number,
        content: &new.content,
        reason: Some(&new.reason),
    };
    let mut corrected = note.clone();
    corrected.summary.text_number = number;
    let attestation = new.attestation.as_deref();
    add_entry(
        ctx,
        &mut tx,
        &corrected,
        EntryKind::Correction,
        body,
        attestation,
    )
    .await?;
    finish(ctx, tx, id).await
}

/// Adds an entry to a signed note, locked before, and takes the note to `amended`. Of whoever is supervised it goes to his
/// supervisor, whosever note it is; what a supervisor had returned goes to his queue again, once its author has answered.
/// Returns the entry's id.
pub(in crate::notes) async fn add_entry(
    ctx: &Ctx,
    tx: &mut TenantTx,
    note: &Note,
    kind: EntryKind,
    body: Body<'_>,
    attestation: Option<&str>,
) -> Result<NoteEntryId> {
    let id = append(ctx, tx, note, kind, body, attestation).await?;
    let mut state = notes::State::of(note);
    state.status = NoteStatus::Amended;
    let asked = cosignatures::ask_about_entry(ctx, tx, note).await?;
    state.supervisor_id = state.supervisor_id.or(asked);
    state.cosignature = cosignatures::standing(tx, note.summary.id).await?;
    notes::set_state(tx, note.summary.id, &state, ctx.now()).await?;
    Ok(id)
}

/// Signs an entry and appends it to the chain of a note, locked before. The note's state is the caller's to change.
pub(in crate::notes) async fn append(
    ctx: &Ctx,
    tx: &mut TenantTx,
    note: &Note,
    kind: EntryKind,
    body: Body<'_>,
    attestation: Option<&str>,
) -> Result<NoteEntryId> {
    let by = Signatory {
        user: ctx.user(),
        role: ctx.principal().role.as_str(),
        keys: &ctx.app().tenant_keys,
        at: ctx.now(),
    };
    append_by(&by, tx, note, kind, body, attestation).await
}

/// Who signs, when, and with whose key.
pub(in crate::notes) struct Signatory<'a> {
    pub user: UserId,
    pub role: &'static str,
    pub keys: &'a TenantKeys,
    pub at: Instant,
}

/// As [`append`], for whoever has no request.
pub(in crate::notes) async fn append_by(
    by: &Signatory<'_>,
    tx: &mut TenantTx,
    note: &Note,
    kind: EntryKind,
    body: Body<'_>,
    attestation: Option<&str>,
) -> Result<NoteEntryId> {
    let (sequence, previous) = match store::last(tx, note.summary.id).await? {
        Some(last) => (last.sequence + 1, Some(last.hash()?)),
        None => (1, None),
    };
    let link = Link {
        id: NoteEntryId::new(),
        sequence,
        kind,
        previous,
    };
    let signer = store::signer(tx, by.user, by.role).await?;
    let attestation = attestation.unwrap_or(kind.attestation());
    let at = by.at;
    let payload = chain::payload(tx.tenant(), note, &link, body, &signer, attestation, at)?;
    let hash = chain::hash(&payload);
    let cipher = by.keys.cipher(tx).await?;
    let signature = tenant_signing::sign(tx, &cipher, &hash, at).await?;
    store::insert(tx, note, &link, &payload, &hash, &signature, at).await?;
    Ok(link.id)
}

/// Ends a change of a signed note: what the patient may read and what can be searched follow.
async fn finish(ctx: &Ctx, mut tx: CallerTx, id: NoteId) -> Result<Answer<Note>> {
    releases::follow(ctx.now(), &mut tx, id).await?;
    service::commit(tx, id).await
}

/// What was signed, until today or until then.
pub(super) async fn list(
    ctx: &Ctx,
    id: NoteId,
    as_of: Option<AsOf>,
) -> Result<Answer<NoteEntries>> {
    let then = as_of.map(|then| then.instant(ctx));
    let (mut tx, note) = service::begin_read(ctx, id, then).await?;
    let patient = note.patient_id;
    let mut entries = store::entries(&mut tx, id).await?;
    entries.retain(|entry| then.is_none_or(|then| entry.signed_at <= then));
    let items = entries.iter().map(Entry::shown).collect::<Result<_>>()?;
    let body = NoteEntries { items };
    tx.finish(Disclosure::of("note", Action::Read, patient, id, body))
        .await
}

pub(super) async fn verify(ctx: &Ctx, id: NoteId) -> Result<Answer<Verification>> {
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let note = notes::get(&mut tx, id).await?;
    note.summary.signed_at.ok_or(Code::NoteNotSigned)?;
    let (entries, keys) = signed(ctx, &mut tx, id).await?;
    let mut found = file(ctx, id, &entries, &keys)?.verify();
    let patient = note.summary.patient_id;
    let evidence = Evidence {
        entries: &entries,
        counted: store::counted(&mut tx, id).await?,
        registrations: store::registrations(&mut tx, patient).await?,
    };
    for fault in shown::faults(&note, &evidence)? {
        found.add_fault(fault);
    }
    tx.finish(Disclosure::of("note", Action::Read, patient, id, found))
        .await
}

pub(super) async fn export(ctx: &Ctx, id: NoteId) -> Result<Answer<SignedNote>> {
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let note = notes::get(&mut tx, id).await?;
    note.summary.signed_at.ok_or(Code::NoteNotSigned)?;
    let (entries, keys) = signed(ctx, &mut tx, id).await?;
    let mut body = file(ctx, id, &entries, &keys)?;
    body.amendment_requests = note.amendment_requests;
    let patient = note.summary.patient_id;
    tx.finish(Disclosure::of("note", Action::Export, patient, id, body))
        .await
}

async fn signed(ctx: &Ctx, tx: &mut TenantTx, id: NoteId) -> Result<(Vec<Entry>, Vec<RecordKey>)> {
    let entries = store::entries(tx, id).await?;
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    let keys = tenant_signing::public_keys(tx, &cipher).await?;
    Ok((entries, keys))
}

fn file(ctx: &Ctx, id: NoteId, entries: &[Entry], keys: &[RecordKey]) -> Result<SignedNote> {
    let signed = |entry: &Entry| {
        Ok(SignedEntry {
            payload: serde_json::from_str(&entry.payload).map_err(Error::internal)?,
            hash: hex::encode(&entry.hash),
            signature: STANDARD.encode(&entry.signature),
            key_id: entry.key_id,
        })
    };
    let used = |key: &&RecordKey| entries.iter().any(|entry| entry.key_id == key.id);
    let public = |key: &RecordKey| NoteKey {
        id: key.id,
        algorithm: "Ed25519".to_owned(),
        public_key: STANDARD.encode(key.public),
        retired_at: key.retired_at,
        compromised_at: key.compromised_at,
    };
    Ok(SignedNote {
        format: FORMAT.to_owned(),
        note_id: id,
        exported_at: ctx.now(),
        how_to_verify: HOW_TO_VERIFY.to_owned(),
        entries: entries.iter().map(signed).collect::<Result<_>>()?,
        keys: keys.iter().filter(used).map(public).collect(),
        amendment_requests: Vec::new(),
    })
}

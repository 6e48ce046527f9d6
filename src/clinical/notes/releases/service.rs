//! Releasing, withholding, and the patient's own reading.

use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{ListReleased, ReleasedDocument, ReleasedNote, ReleasedPart};
use super::store;
use crate::entries::{Then, image_as_of, page_as_of};
use crate::notes::amendment_requests::{about_note_then, amendments_then};
use crate::notes::kinds::{CosignatureStatus, EntryKind};
use crate::notes::model::Note;
use crate::notes::store as notes;
use crate::notes::{service, signatures};
use crate::patients::{self, AsOf};

pub(super) async fn release(ctx: &Ctx, id: NoteId) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteRelease).await?;
    let note = notes::lock(&mut tx, id).await?;
    note.summary.status.require_signed()?;
    let open = note
        .summary
        .cosignature
        .is_some_and(|state| state != CosignatureStatus::Cosigned);
    if open {
        return Err(Error::new(Code::CosignatureOpen));
    }
    if note.summary.released_at.is_none() {
        let mut state = notes::State::of(&note);
        state.release_wanted = true;
        state.released_at = Some(ctx.now());
        notes::set_state(&mut tx, id, &state, ctx.now()).await?;
        follow(ctx.now(), &mut tx, id).await?;
    }
    service::commit(tx, id).await
}

pub(super) async fn withhold(ctx: &Ctx, id: NoteId) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteRelease).await?;
    let note = notes::lock(&mut tx, id).await?;
    note.summary.status.require_signed()?;
    store::withdraw(&mut tx, id).await?;
    let mut state = notes::State::of(&note);
    state.release_wanted = false;
    state.released_at = None;
    notes::set_state(&mut tx, id, &state, ctx.now()).await?;
    service::commit(tx, id).await
}

/// Makes the copy for the patient, of a note whose state says that it is released. While a co-signature is open he goes on
/// reading what he had: what waits for consent is not handed out.
pub(in crate::notes) async fn follow(now: Instant, tx: &mut TenantTx, id: NoteId) -> Result<()> {
    let note = notes::get(tx, id).await?;
    let open = note
        .summary
        .cosignature
        .is_some_and(|state| state != CosignatureStatus::Cosigned);
    if open || note.summary.released_at.is_none() {
        return Ok(());
    }
    copy(now, tx, &note).await
}

/// Makes the copy for the patient, or renews it.
async fn copy(now: Instant, tx: &mut TenantTx, note: &Note) -> Result<()> {
    let mut parts = Vec::new();
    let mut author = note.summary.author.clone().unwrap_or_default();
    for entry in signatures::entries(tx, note.summary.id).await? {
        let shown = entry.shown()?;
        if shown.kind == EntryKind::Original {
            author.clone_from(&shown.signer);
        }
        parts.push(ReleasedPart {
            kind: shown.kind,
            content: shown.content,
            text: shown.text.or(shown.reason),
            signer: shown.signer,
            signed_at: shown.signed_at,
        });
    }
    let document = ReleasedDocument {
        r#type: note.summary.r#type,
        title: note.summary.title.clone(),
        specialty: note.summary.specialty.clone(),
        author,
        parts,
    };
    store::put(tx, note, &document, now).await
}

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListReleased,
) -> Result<Answer<Page<ReleasedNote>>> {
    if let Some(at) = query.as_of {
        let then = Then {
            patient,
            at,
            limit: query.limit,
            cursor: query.cursor,
        };
        let (mut tx, mut page) = page_as_of(ctx, then, &(), |_: &ReleasedNote| true).await?;
        let mut about = amendments_then(&mut tx, patient, at.instant(ctx)).await?;
        for note in &mut page.items {
            note.amendment_requests.0 = about.remove(&note.id.0).unwrap_or_default();
        }
        return tx.finish(disclose(patient, page)).await;
    }
    let paging = Paging::new(ctx, &patient, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteReadReleased).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::page(&mut tx, patient, after, paging.fetch()).await?;
    let page = paging.page(rows, |note| (note.noted_at, note.id))?;
    tx.finish(disclose(patient, page)).await
}

fn disclose(patient: PatientId, page: Page<ReleasedNote>) -> Disclosure<Page<ReleasedNote>> {
    let mut subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|note| Subject {
            patient: Some(note.patient_id),
            resource: Some(note.id.into()),
        })
        .collect();
    if subjects.is_empty() {
        subjects.push(patients::subject(patient));
    }
    Disclosure::list("note", subjects, page)
}

/// As the patient could read it then.
pub(super) async fn open_as_of(
    ctx: &Ctx,
    patient: PatientId,
    id: NoteId,
    then: AsOf,
) -> Result<Answer<ReleasedNote>> {
    let (mut tx, mut note): (_, ReleasedNote) = image_as_of(ctx, patient, id.0, then).await?;
    note.amendment_requests.0 = about_note_then(&mut tx, (patient, id), then.instant(ctx)).await?;
    let version = note.version;
    tx.finish(Disclosure::of("note", Action::Read, patient, id, note).version(version))
        .await
}

pub(super) async fn open(
    ctx: &Ctx,
    patient: PatientId,
    id: NoteId,
) -> Result<Answer<ReleasedNote>> {
    let mut tx = ctx.begin(Permission::NoteReadReleased).await?;
    let note = store::find(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = note.version;
    tx.finish(Disclosure::of("note", Action::Read, patient, id, note).version(version))
        .await
}

//! Beginning, opening, listing and saving notes, and marking one as entered in error.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::audit::{Action, Subject};
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, IfMatch, MergePatch, Paging, require_order};
use serde::Deserialize;
use serde_json::json;

use super::kinds::{EntryKind, NoteStatus};
use super::model::{ListNotes, ListUnsigned, NewNote, Note, NoteDraft, NoteSummary, Retraction};
use super::signatures::{self, Body};
use super::texts::{NoteHeader, TextKind};
use super::{amendment_requests, cosignatures, references, releases, store, templates, texts};
use crate::entries::{self, Remembered, Then};
use crate::patients::{self, AsOf};
use crate::search::{self, SearchText};

/// The age of a draft that the work list shows, unless asked otherwise, and at most, in hours.
const USUAL_AGE: u32 = 24;
const LARGEST_AGE: u32 = 366 * 24;

pub(super) async fn begin(ctx: &Ctx, patient: PatientId, mut new: NewNote) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteWrite).await?;
    patients::require(&mut tx, patient).await?;
    references::require_type(ctx, new.r#type)?;
    let author = ctx.user();
    references::check(&mut tx, patient, None, &new.draft(), (author, new.r#type)).await?;
    if let Some(template) = new.template_id {
        let filled = templates::fill_for(ctx, &mut tx, patient, template, &new).await?;
        new.content = new.content.or(filled);
    }
    let id = NoteId::new();
    let now = ctx.now();
    store::insert(&mut tx, id, patient, &new, author, now).await?;
    texts::add(
        &mut tx,
        (id, patient),
        TextKind::Saved,
        1,
        &new.content,
        now,
    )
    .await?;
    let note = store::get(&mut tx, id).await?;
    index(&mut tx, &note).await?;
    let version = note.summary.version;
    let location = format!("/api/v1/notes/{id}");
    tx.commit(
        Disclosure::of("note", Action::Create, patient, id, note)
            .created_at(location)
            .version(version),
    )
    .await
}

pub(super) async fn open(ctx: &Ctx, id: NoteId) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let note = store::get(&mut tx, id).await?;
    let (patient, version) = (note.summary.patient_id, note.summary.version);
    tx.finish(Disclosure::of("note", Action::Read, patient, id, note).version(version))
        .await
}

/// Begins to read what belongs to a note, of today, or of a time at which there was the note. What it is, or was.
pub(super) async fn begin_read(
    ctx: &Ctx,
    id: NoteId,
    then: Option<Instant>,
) -> Result<(CallerTx, NoteSummary)> {
    let Some(then) = then else {
        let mut tx = ctx.begin(Permission::NoteRead).await?;
        let summary = store::get(&mut tx, id).await?.summary;
        return Ok((tx, summary));
    };
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) = entries::read_row_as_of(&mut tx, NoteSummary::TABLE, id.0, then).await?;
    let summary = NoteSummary::of_image(&image).map_err(Error::internal)?;
    Ok((tx, summary))
}

/// What the image of a note says besides its summary.
#[derive(Deserialize)]
struct Wish {
    #[serde(default)]
    release_wanted: bool,
}

/// The note as it stood, with the text that counted then: texts are only ever added.
pub(super) async fn open_as_of(ctx: &Ctx, id: NoteId, then: AsOf) -> Result<Answer<Note>> {
    let then = then.instant(ctx);
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) = entries::read_row_as_of(&mut tx, NoteSummary::TABLE, id.0, then).await?;
    let wish: Wish = serde_json::from_str(image.get()).map_err(Error::internal)?;
    let summary = NoteSummary::of_image(&image).map_err(Error::internal)?;
    let content = texts::content(&mut tx, (id, None), summary.text_number)
        .await?
        .ok_or_else(Error::not_found)?;
    let (patient, version) = (summary.patient_id, summary.version);
    let about = (patient, id);
    let amendment_requests = amendment_requests::about_note_then(&mut tx, about, then).await?;
    let note = Note {
        summary,
        content,
        release_wanted: wish.release_wanted,
        amendment_requests,
    };
    tx.finish(Disclosure::of("note", Action::Read, patient, id, note).version(version))
        .await
}

async fn list_as_of(
    ctx: &Ctx,
    patient: PatientId,
    at: AsOf,
    query: ListNotes,
) -> Result<Answer<Page<NoteSummary>>> {
    let filters = (
        (query.r#type, query.status, query.author_id),
        (query.encounter_id, query.from, query.to),
    );
    let then = Then {
        patient,
        at,
        limit: query.limit,
        cursor: query.cursor,
    };
    entries::list_as_of(ctx, then, &filters, |note: &NoteSummary| {
        query.r#type.is_none_or(|wanted| note.r#type == wanted)
            && query.status.is_none_or(|wanted| note.status == wanted)
            && query
                .author_id
                .is_none_or(|wanted| note.author_id == wanted)
            && (query.encounter_id.is_none() || note.encounter_id == query.encounter_id)
            && query.from.is_none_or(|from| note.noted_at >= from)
            && query.to.is_none_or(|to| note.noted_at < to)
    })
    .await
}

/// Saves a draft as a new text. One made from an older version is refused, and kept: that refusal is a commit.
pub(super) async fn save(
    ctx: &Ctx,
    id: NoteId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteWrite).await?;
    let note = store::lock(&mut tx, id).await?;
    references::require_type(ctx, note.summary.r#type)?;
    note.summary.status.require_draft()?;
    if if_match.require(note.summary.version).is_err() {
        return Err(keep_refused(ctx, tx, &note, if_match, patch).await?);
    }
    let present = note.draft();
    let wanted: NoteDraft = patch.apply(&present)?;
    let (patient, author) = (note.summary.patient_id, note.summary.author_id);
    let by = (author, note.summary.r#type);
    references::check(&mut tx, patient, Some(&present), &wanted, by).await?;
    let now = ctx.now();
    let number = if wanted.content == present.content {
        note.summary.text_number
    } else {
        let version = note.summary.version + 1;
        texts::add(
            &mut tx,
            (id, patient),
            TextKind::Saved,
            version,
            &wanted.content,
            now,
        )
        .await?
    };
    store::update_draft(&mut tx, id, &wanted, number, now).await?;
    commit(tx, id).await
}

/// Keeps the text of somebody who was slower, and what else he said of the draft, and says under which number.
async fn keep_refused(
    ctx: &Ctx,
    mut tx: CallerTx,
    note: &Note,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Error> {
    let stale = Error::new(Code::VersionStale);
    let (id, patient) = (note.summary.id, note.summary.patient_id);
    let Some(base) = texts::as_of_version(&mut tx, id, if_match.0).await? else {
        return Ok(stale);
    };
    // A version that never was is no base.
    if if_match.0 > note.summary.version {
        return Ok(stale);
    }
    let mut from = note.draft();
    from.content = base;
    let lost: NoteDraft = patch.apply(&from)?;
    let header = wanted_otherwise(&lost, &note.draft(), patch)?;
    let text_lost = patch.touches("content") && lost.content != note.content;
    if !text_lost && header.0.is_empty() {
        return Ok(stale);
    }
    let of = (id, patient);
    let said = (&lost.content, &header);
    let number = texts::keep_conflicted(&mut tx, of, if_match.0, said, ctx.now()).await?;
    tx.commit(Disclosure::of("note", Action::Update, patient, id, ()).without_body())
        .await?;
    Ok(stale
        .detail("Somebody else saved this draft in the meantime. What you wrote is kept as well: see the note's texts.")
        .with("conflicted_text", json!(number)))
}

/// What a patch says of a draft besides its text, and otherwise than it is.
fn wanted_otherwise(
    lost: &NoteDraft,
    present: &NoteDraft,
    patch: &MergePatch,
) -> Result<NoteHeader> {
    let members = |draft: &NoteDraft| serde_json::to_value(draft).map_err(Error::internal);
    let (lost, present) = (members(lost)?, members(present)?);
    let otherwise = [
        "title",
        "specialty",
        "encounter_id",
        "noted_at",
        "supervisor_id",
    ]
    .into_iter()
    .filter(|name| patch.touches(name) && lost.get(name) != present.get(name))
    .map(|name| (name.to_owned(), lost.get(name).cloned().unwrap_or_default()));
    Ok(NoteHeader(otherwise.collect()))
}

/// Goes on with the draft of somebody whose account is not in use any more, as its author.
pub(super) async fn take_over(ctx: &Ctx, id: NoteId) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteWrite).await?;
    let note = store::lock(&mut tx, id).await?;
    references::require_type(ctx, note.summary.r#type)?;
    note.summary.status.require_draft()?;
    if store::is_active(&mut tx, note.summary.author_id).await? {
        return Err(Error::new(Code::AuthorActive));
    }
    store::set_author(&mut tx, id, ctx.user(), ctx.now()).await?;
    commit(tx, id).await
}

/// Whether the caller may retract the note: its author, or, if the author has left, who supervises it or administers.
async fn require_retractor(ctx: &Ctx, tx: &mut TenantTx, summary: &NoteSummary) -> Result<()> {
    if summary.author_id == ctx.user() {
        return references::require_type(ctx, summary.r#type);
    }
    if store::is_active(tx, summary.author_id).await? {
        return Err(Error::new(Code::NotTheAuthor));
    }
    let stands_in = ctx.principal().role == Role::Admin
        || summary.supervisor_id == Some(ctx.user())
        || cosignatures::supervisor_of(tx, summary.author_id, summary.r#type).await?
            == Some(ctx.user());
    if stands_in {
        Ok(())
    } else {
        Err(Error::new(Code::NotTheAuthor))
    }
}

/// Marks a note as entered in error. Of a signed one, with a signed entry.
pub(super) async fn retract(ctx: &Ctx, id: NoteId, why: Retraction) -> Result<Answer<Note>> {
    let mut tx = ctx.begin(Permission::NoteRetract).await?;
    let note = store::lock(&mut tx, id).await?;
    require_retractor(ctx, &mut tx, &note.summary).await?;
    let now = ctx.now();
    match note.summary.status {
        NoteStatus::EnteredInError => return Err(Error::new(Code::NoteRetracted)),
        NoteStatus::Draft => {}
        NoteStatus::Signed | NoteStatus::Amended => {
            let body = Body::Reason {
                reason: &why.reason,
            };
            let attestation = why.attestation.as_deref();
            signatures::append(
                ctx,
                &mut tx,
                &note,
                EntryKind::Retraction,
                body,
                attestation,
            )
            .await?;
        }
    }
    let mut state = store::State::of(&note);
    state.status = NoteStatus::EnteredInError;
    state.retract_reason = Some(why.reason);
    state.released_at = None;
    releases::withdraw(&mut tx, id).await?;
    store::set_state(&mut tx, id, &state, now).await?;
    search::remove_note(&mut tx, id).await?;
    let note = store::get(&mut tx, id).await?;
    finish(tx, note).await
}

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListNotes,
) -> Result<Answer<Page<NoteSummary>>> {
    require_order(query.from, query.to)?;
    if let Some(at) = query.as_of {
        return list_as_of(ctx, patient, at, query).await;
    }
    let filters = (
        patient,
        query.r#type,
        query.status,
        query.author_id,
        query.encounter_id,
        query.from,
        query.to,
    );
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::of_patient(&mut tx, patient, &query, after, paging.fetch()).await?;
    let page = paging.page(rows, |note| (note.noted_at, note.id))?;
    let mut subjects = subjects(&page.items);
    if subjects.is_empty() {
        subjects.push(patients::subject(patient));
    }
    tx.finish(Disclosure::list("note", subjects, page)).await
}

pub(super) async fn unsigned(ctx: &Ctx, query: ListUnsigned) -> Result<Answer<Page<NoteSummary>>> {
    let hours = query.older_than_hours.unwrap_or(USUAL_AGE);
    if hours > LARGEST_AGE {
        let rule = "must be at most 8784";
        let field = FieldError::new("?older_than_hours", "out_of_range", rule);
        return Err(Error::new(Code::InvalidParameter).with_fields(vec![field]));
    }
    let filters = (hours, query.author_id);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let before: Instant = ctx.now() - TimeDelta::hours(hours.into());
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let rows = store::unsigned(&mut tx, before, query.author_id, after, paging.fetch()).await?;
    let page = paging.page(rows, |note| (note.created_at, note.id))?;
    let subjects = subjects(&page.items);
    tx.finish(Disclosure::list("note", subjects, page)).await
}

fn subjects(notes: &[NoteSummary]) -> Vec<Subject> {
    let subject = |note: &NoteSummary| Subject {
        patient: Some(note.patient_id),
        resource: Some(note.id.into()),
    };
    notes.iter().map(subject).collect()
}

/// Puts the note's text where it is searched.
pub(super) async fn index(tx: &mut TenantTx, note: &Note) -> Result<()> {
    let summary = &note.summary;
    let mut text = note.content.plain();
    if summary.status == NoteStatus::Amended {
        text.push_str("\n\n");
        text.push_str(&signatures::added_text(tx, summary.id).await?);
    }
    if let Some(title) = &summary.title {
        text.insert_str(0, &format!("{title}\n\n"));
    }
    let entry = SearchText {
        source: search::Source::Note(summary.id),
        patient: summary.patient_id,
        author: Some(summary.author_id),
        r#type: summary.r#type.as_str(),
        happened_at: summary.noted_at,
        text: &text,
    };
    search::put(tx, &entry).await
}

/// Ends a change of a note that was written to the database: what can be searched follows.
pub(super) async fn commit(mut tx: CallerTx, id: NoteId) -> Result<Answer<Note>> {
    let note = store::get(&mut tx, id).await?;
    index(&mut tx, &note).await?;
    finish(tx, note).await
}

async fn finish(tx: CallerTx, note: Note) -> Result<Answer<Note>> {
    let (id, patient) = (note.summary.id, note.summary.patient_id);
    let version = note.summary.version;
    tx.commit(Disclosure::of("note", Action::Update, patient, id, note).version(version))
        .await
}

//! SQL of notes: where one stands. Its texts and entries have stores of their own.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, NoteId, NoteTemplateId, PatientId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::amendment_requests;
use super::content::NoteContent;
use super::kinds::{CosignatureStatus, NoteStatus, NoteType};
use super::model::{ListNotes, NewNote, Note, NoteDraft, NoteSummary};
use crate::entries::Remembered;

impl Remembered for NoteSummary {
    const TABLE: &'static str = "notes";
    const RESOURCE: &'static str = "note";
    const ORDER: &'static str = "noted_at";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

struct Row {
    id: NoteId,
    patient_id: PatientId,
    r#type: NoteType,
    status: NoteStatus,
    author_id: UserId,
    author: Option<String>,
    title: Option<String>,
    specialty: Option<String>,
    encounter_id: Option<EncounterId>,
    noted_at: Instant,
    template_id: Option<NoteTemplateId>,
    supervisor_id: Option<UserId>,
    cosignature: Option<CosignatureStatus>,
    text_number: i32,
    signed_by: Option<UserId>,
    signed_at: Option<Instant>,
    released_at: Option<Instant>,
    retract_reason: Option<String>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    content: Json<NoteContent>,
    release_wanted: bool,
}

impl From<Row> for Note {
    fn from(row: Row) -> Self {
        Self {
            content: row.content.0,
            release_wanted: row.release_wanted,
            amendment_requests: Vec::new(),
            summary: NoteSummary {
                id: row.id,
                patient_id: row.patient_id,
                r#type: row.r#type,
                status: row.status,
                author_id: row.author_id,
                author: row.author,
                title: row.title,
                specialty: row.specialty,
                encounter_id: row.encounter_id,
                noted_at: row.noted_at,
                template_id: row.template_id,
                supervisor_id: row.supervisor_id,
                cosignature: row.cosignature,
                text_number: row.text_number,
                signed_by: row.signed_by,
                signed_at: row.signed_at,
                released_at: row.released_at,
                retract_reason: row.retract_reason,
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: NoteId) -> Result<Option<Note>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select n.id as "id: _", n.patient_id as "patient_id: _", n.type as "type: _", n.status as "status: _",
                  n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, '') as "author?",
                  n.title, n.specialty, n.encounter_id as "encounter_id: _", n.noted_at, n.template_id as "template_id: _",
                  n.supervisor_id as "supervisor_id: _", n.cosignature as "cosignature: _", n.text_number,
                  n.signed_by as "signed_by: _", n.signed_at, n.released_at, n.retract_reason, n.version, n.created_at,
                  n.updated_at, t.content as "content: _", n.release_wanted
             from app.notes n
             join app.note_texts t on t.tenant_id = $1 and t.note_id = n.id and t.number = n.text_number
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = n.author_id
            where n.tenant_id = $1 and n.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(mut note) = row.map(Note::from) else {
        return Ok(None);
    };
    if note.summary.signed_at.is_some() {
        note.amendment_requests = amendment_requests::about_note(tx, id).await?;
    }
    Ok(Some(note))
}

pub(super) async fn get(tx: &mut TenantTx, id: NoteId) -> Result<Note> {
    find(tx, id).await?.ok_or_else(Error::not_found)
}

/// A note of the patient, as far as the caller may see.
pub(crate) async fn find_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: NoteId,
) -> Result<Option<NoteSummary>> {
    let found = find(tx, id).await?.map(|note| note.summary);
    Ok(found.filter(|summary| summary.patient_id == patient))
}

/// Fetches the note to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: NoteId) -> Result<Note> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.notes where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, id).await
}

/// Inserts a draft. Its first text is inserted after it.
pub(super) async fn insert(
    tx: &mut TenantTx,
    id: NoteId,
    patient: PatientId,
    new: &NewNote,
    author: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.notes (tenant_id, id, patient_id, encounter_id, type, specialty, title, author_id, noted_at, template_id,
                supervisor_id, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        tenant as _,
        id as _,
        patient as _,
        new.encounter_id as _,
        new.r#type as _,
        new.specialty,
        new.title,
        author as _,
        new.noted_at.unwrap_or(now),
        new.template_id as _,
        new.supervisor_id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes the draft over the one locked before.
pub(super) async fn update_draft(
    tx: &mut TenantTx,
    id: NoteId,
    draft: &NoteDraft,
    text_number: i32,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.notes set title = $3, specialty = $4, encounter_id = $5, noted_at = coalesce($6, noted_at), supervisor_id = $7,
                text_number = $8, version = version + 1, updated_at = $9
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        draft.title,
        draft.specialty,
        draft.encounter_id as _,
        draft.noted_at,
        draft.supervisor_id as _,
        text_number,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The state of a note that steps change.
pub(super) struct State {
    pub status: NoteStatus,
    pub text_number: i32,
    pub cosignature: Option<CosignatureStatus>,
    pub supervisor_id: Option<UserId>,
    pub release_wanted: bool,
    pub signed_by: Option<UserId>,
    pub signed_at: Option<Instant>,
    pub released_at: Option<Instant>,
    pub retract_reason: Option<String>,
}

impl State {
    pub fn of(note: &Note) -> Self {
        let summary = &note.summary;
        Self {
            status: summary.status,
            text_number: summary.text_number,
            cosignature: summary.cosignature,
            supervisor_id: summary.supervisor_id,
            release_wanted: note.release_wanted,
            signed_by: summary.signed_by,
            signed_at: summary.signed_at,
            released_at: summary.released_at,
            retract_reason: summary.retract_reason.clone(),
        }
    }
}

/// Takes the note, locked before, to another state, and counts what was signed on it.
pub(super) async fn set_state(
    tx: &mut TenantTx,
    id: NoteId,
    state: &State,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.notes n set status = $3, text_number = $4, cosignature = $5, supervisor_id = $6, release_wanted = $7,
                signed_by = $8, signed_at = $9, released_at = $10, retract_reason = $11, version = n.version + 1, updated_at = $12,
                (entry_count, last_hash) = (select coalesce(max(e.sequence), 0), (array_agg(e.hash order by e.sequence desc))[1]
                                              from app.note_entries e where e.tenant_id = $1 and e.note_id = $2)
          where n.tenant_id = $1 and n.id = $2",
        tenant as _,
        id as _,
        state.status as _,
        state.text_number,
        state.cosignature as _,
        state.supervisor_id as _,
        state.release_wanted,
        state.signed_by as _,
        state.signed_at,
        state.released_at,
        state.retract_reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Makes another the author of a draft, locked before. A supervisor of his own notes he is not.
pub(super) async fn set_author(
    tx: &mut TenantTx,
    id: NoteId,
    author: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.notes set author_id = $3, supervisor_id = nullif(supervisor_id, $3), version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        author as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the account is in use.
pub(super) async fn is_active(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.users
                           where tenant_id = $1 and id = $2 and status = 'active' and deleted_at is null) as "found!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether it is the active account of somebody who may co-sign.
pub(super) async fn is_supervisor(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.users
                           where tenant_id = $1 and id = $2 and role = 'provider' and status = 'active' and deleted_at is null)
               as "found!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether it is the active account of somebody who may co-sign, and whose own notes of the type need nobody's consent.
pub(super) async fn consents(tx: &mut TenantTx, user: UserId, note_type: NoteType) -> Result<bool> {
    let tenant = tx.tenant();
    let supervised = sqlx::query_scalar!(
        r#"select exists (select from app.note_supervisions s
                           where s.tenant_id = $1 and s.user_id = $2 and s.status = 'active'
                             and (s.note_types = '{}' or $3 = any(s.note_types))) as "found!""#,
        tenant as _,
        user as _,
        note_type.as_str(),
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(!supervised && is_supervisor(tx, user).await?)
}

/// Where a page ended.
pub(super) type Place = (Instant, NoteId);

/// A patient's notes, newest first.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    query: &ListNotes,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<NoteSummary>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        NoteSummary,
        r#"select n.id as "id: _", n.patient_id as "patient_id: _", n.type as "type: _", n.status as "status: _",
                  n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, '') as "author?",
                  n.title, n.specialty, n.encounter_id as "encounter_id: _", n.noted_at, n.template_id as "template_id: _",
                  n.supervisor_id as "supervisor_id: _", n.cosignature as "cosignature: _", n.text_number,
                  n.signed_by as "signed_by: _", n.signed_at, n.released_at, n.retract_reason, n.version, n.created_at,
                  n.updated_at
             from app.notes n
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = n.author_id
            where n.tenant_id = $1 and n.patient_id = $2
              and ($3::text is null or n.type = $3)
              and ($4::text is null or n.status = $4)
              and ($5::uuid is null or n.author_id = $5)
              and ($6::uuid is null or n.encounter_id = $6)
              and ($7::timestamptz is null or n.noted_at >= $7)
              and ($8::timestamptz is null or n.noted_at < $8)
              and ($9::timestamptz is null or (n.noted_at, n.id) < ($9, $10::uuid))
            order by n.noted_at desc, n.id desc
            limit $11"#,
        tenant as _,
        patient as _,
        query.r#type as _,
        query.status as _,
        query.author_id as _,
        query.encounter_id as _,
        query.from,
        query.to,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Drafts begun before an instant, the oldest first.
pub(super) async fn unsigned(
    tx: &mut TenantTx,
    before: Instant,
    author: Option<UserId>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<NoteSummary>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        NoteSummary,
        r#"select n.id as "id: _", n.patient_id as "patient_id: _", n.type as "type: _", n.status as "status: _",
                  n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, '') as "author?",
                  n.title, n.specialty, n.encounter_id as "encounter_id: _", n.noted_at, n.template_id as "template_id: _",
                  n.supervisor_id as "supervisor_id: _", n.cosignature as "cosignature: _", n.text_number,
                  n.signed_by as "signed_by: _", n.signed_at, n.released_at, n.retract_reason, n.version, n.created_at,
                  n.updated_at
             from app.notes n
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = n.author_id
            where n.tenant_id = $1 and n.status = 'draft' and n.created_at <= $2
              and ($3::uuid is null or n.author_id = $3)
              and ($4::timestamptz is null or (n.created_at, n.id) > ($4, $5::uuid))
            order by n.created_at, n.id
            limit $6"#,
        tenant as _,
        before,
        author as _,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

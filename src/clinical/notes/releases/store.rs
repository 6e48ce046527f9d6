//! SQL of released notes.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId};
use platform::db::TenantTx;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{ReleasedDocument, ReleasedNote};
use crate::entries::Remembered;
use crate::notes::model::Note;

impl Remembered for ReleasedNote {
    const TABLE: &'static str = "released_notes";
    const RESOURCE: &'static str = "note";
    const ORDER: &'static str = "noted_at";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

pub(super) async fn put(
    tx: &mut TenantTx,
    note: &Note,
    document: &ReleasedDocument,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.released_notes (tenant_id, id, patient_id, document, noted_at, author_id, released_by, released_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, app.user_id(), $7, $8, $8)
         on conflict (tenant_id, id) do update
            set document = excluded.document, version = released_notes.version + 1, updated_at = excluded.updated_at",
        tenant as _,
        note.summary.id as _,
        note.summary.patient_id as _,
        Json(document) as _,
        note.summary.noted_at,
        note.summary.author_id as _,
        note.summary.released_at.unwrap_or(now),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the copy away, if there is one. The history keeps it.
pub(in crate::notes) async fn withdraw(tx: &mut TenantTx, id: NoteId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.released_notes where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the patient has this note released to him, as far as the caller may see.
pub(in crate::notes) async fn is_released_to_caller(
    tx: &mut TenantTx,
    patient: PatientId,
    id: NoteId,
) -> Result<bool> {
    Ok(find(tx, patient, id).await?.is_some())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: NoteId,
) -> Result<Option<ReleasedNote>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        ReleasedNote,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.noted_at, r.released_at, r.document as "document: _", r.version,
                  (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'status', a.status, 'request', a.request, 'reason', a.reason,
                              'requested_at', a.created_at, 'basis', a.basis, 'decision', a.decision, 'decided_at', a.decided_at,
                              'disagreement', a.disagreement) order by a.created_at, a.id), '[]')
                     from app.note_amendment_requests a
                    where a.tenant_id = $1 and a.note_id = r.id and a.status <> 'withdrawn') as "amendment_requests!: _"
             from app.released_notes r
            where r.tenant_id = $1 and r.patient_id = $2 and r.id = $3"#,
        tenant as _,
        patient as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    after: Option<(Instant, NoteId)>,
    fetch: i64,
) -> Result<Vec<ReleasedNote>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        ReleasedNote,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.noted_at, r.released_at, r.document as "document: _", r.version,
                  (select coalesce(jsonb_agg(jsonb_build_object('id', a.id, 'status', a.status, 'request', a.request, 'reason', a.reason,
                              'requested_at', a.created_at, 'basis', a.basis, 'decision', a.decision, 'decided_at', a.decided_at,
                              'disagreement', a.disagreement) order by a.created_at, a.id), '[]')
                     from app.note_amendment_requests a
                    where a.tenant_id = $1 and a.note_id = r.id and a.status <> 'withdrawn') as "amendment_requests!: _"
             from app.released_notes r
            where r.tenant_id = $1 and r.patient_id = $2
              and ($3::timestamptz is null or (r.noted_at, r.id) < ($3, $4::uuid))
            order by r.noted_at desc, r.id desc
            limit $5"#,
        tenant as _,
        patient as _,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

//! SQL of texts. There is no update: a trigger refuses one.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId, mint};
use platform::db::TenantTx;
use sqlx::types::Json;

use super::model::{NoteHeader, NoteText, TextKind};
use crate::notes::content::NoteContent;

/// Adds a text to a note whose row the transaction has locked or made. Returns its number.
pub(in crate::notes) async fn add(
    tx: &mut TenantTx,
    (note, patient): (NoteId, PatientId),
    kind: TextKind,
    row_version: i64,
    content: &NoteContent,
    now: Instant,
) -> Result<i32> {
    let tenant = tx.tenant();
    let number = sqlx::query_scalar!(
        r#"insert into app.note_texts (tenant_id, id, patient_id, note_id, number, kind, row_version, content, saved_by, saved_at)
           select $1, $2, $3, $4, coalesce(max(t.number), 0) + 1, $5, $6, $7, app.user_id(), $8
             from app.note_texts t where t.tenant_id = $1 and t.note_id = $4
           returning number"#,
        tenant as _,
        mint(),
        patient as _,
        note as _,
        kind as _,
        row_version,
        Json(content) as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(number)
}

/// Keeps what was refused, because another had saved in the meantime: its text, and what else was said of the draft. The note's
/// row must be locked. Returns its number.
pub(in crate::notes) async fn keep_conflicted(
    tx: &mut TenantTx,
    (note, patient): (NoteId, PatientId),
    row_version: i64,
    (content, header): (&NoteContent, &NoteHeader),
    now: Instant,
) -> Result<i32> {
    let tenant = tx.tenant();
    let number = sqlx::query_scalar!(
        r#"insert into app.note_texts (tenant_id, id, patient_id, note_id, number, kind, row_version, content, header, saved_by, saved_at)
           select $1, $2, $3, $4, coalesce(max(t.number), 0) + 1, 'conflicted', $5, $6, nullif($7::jsonb, '{}'), app.user_id(), $8
             from app.note_texts t where t.tenant_id = $1 and t.note_id = $4
           returning number"#,
        tenant as _,
        mint(),
        patient as _,
        note as _,
        row_version,
        Json(content) as _,
        Json(header) as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(number)
}

/// The text a note showed at a version of its row.
pub(in crate::notes) async fn as_of_version(
    tx: &mut TenantTx,
    note: NoteId,
    version: i64,
) -> Result<Option<NoteContent>> {
    let tenant = tx.tenant();
    let content = sqlx::query_scalar!(
        r#"select t.content as "content: Json<NoteContent>" from app.note_texts t
            where t.tenant_id = $1 and t.note_id = $2 and t.kind <> 'conflicted' and t.row_version <= $3
            order by t.number desc limit 1"#,
        tenant as _,
        note as _,
        version,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(content.map(|content| content.0))
}

/// The text with this number, of today or `then`.
pub(in crate::notes) async fn content(
    tx: &mut TenantTx,
    (note, then): (NoteId, Option<Instant>),
    number: i32,
) -> Result<Option<NoteContent>> {
    let tenant = tx.tenant();
    let content = sqlx::query_scalar!(
        r#"select t.content as "content: Json<NoteContent>" from app.note_texts t
            where t.tenant_id = $1 and t.note_id = $2 and t.number = $3 and t.saved_at <= coalesce($4::timestamptz, 'infinity')"#,
        tenant as _,
        note as _,
        number,
        then,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(content.map(|content| content.0))
}

/// Texts of a note, of today or `then`, the newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    note: NoteId,
    (kind, then): (Option<TextKind>, Option<Instant>),
    after: Option<i32>,
    fetch: i64,
) -> Result<Vec<NoteText>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        NoteText,
        r#"select t.number, t.kind as "kind: _", t.row_version as note_version, t.saved_by as "saved_by: _",
                  u.given_name || ' ' || u.family_name as "saved_by_name?", t.saved_at, t.content as "content: _", t.header as "header: _"
             from app.note_texts t
             left join app.users u on u.tenant_id = $1 and u.id = t.saved_by
            where t.tenant_id = $1 and t.note_id = $2
              and ($3::text is null or t.kind = $3)
              and ($4::integer is null or t.number < $4)
              and t.saved_at <= coalesce($6::timestamptz, 'infinity')
            order by t.number desc
            limit $5"#,
        tenant as _,
        note as _,
        kind as _,
        after,
        fetch,
        then,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

//! SQL of the search among the notes that were released to a patient. He has few: they are read, and their words looked at.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{NoteId, PatientId};
use platform::db::TenantTx;

use crate::notes::kinds::NoteType;
use crate::search::{FoundReleasedNote, MARKS, Place, SearchTexts, Span, pieces};

/// Those that match, newest first.
pub(crate) async fn released_matching(
    tx: &mut TenantTx,
    patient: PatientId,
    query: Option<&str>,
    asked: &SearchTexts,
    span: Span,
) -> Result<Vec<Place>> {
    let tenant = tx.tenant();
    let (at, id) = span.after.unzip();
    let rows = sqlx::query!(
        "select r.noted_at, r.id
           from app.released_notes r
          where r.tenant_id = $1 and r.patient_id = $2
            and ($3::text is null
                 or to_tsvector('pg_catalog.english', app.released_text(r.document)) @@ to_tsquery('pg_catalog.english', $3))
            and ($4::uuid is null or r.author_id = $4)
            and ($5::text is null or r.document ->> 'type' = $5)
            and ($6::timestamptz is null or r.noted_at >= $6)
            and ($7::timestamptz is null or r.noted_at < $7)
            and ($8::timestamptz is null or (r.noted_at, r.id) < ($8, $9::uuid))
          order by r.noted_at desc, r.id desc
          limit $10",
        tenant as _,
        patient as _,
        query,
        asked.author_id as _,
        asked.r#type as _,
        asked.from,
        asked.to,
        at,
        id,
        span.fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.noted_at, row.id)).collect())
}

struct Row {
    id: NoteId,
    patient_id: PatientId,
    note_type: NoteType,
    title: Option<String>,
    author: Option<String>,
    noted_at: Instant,
    released_at: Instant,
    headline: String,
}

/// Of these copies those the caller may read, in any order, with what was found in them.
pub(crate) async fn released_found(
    tx: &mut TenantTx,
    ids: &[NoteId],
    query: Option<&str>,
) -> Result<Vec<FoundReleasedNote>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select r.id as "id: _", r.patient_id as "patient_id: _", r.document ->> 'type' as "note_type!: _",
                  r.document ->> 'title' as title, r.document ->> 'author' as author, r.noted_at, r.released_at,
                  ts_headline('pg_catalog.english', app.released_text(r.document),
                              coalesce(to_tsquery('pg_catalog.english', $3), ''::tsquery), $4) as "headline!"
             from app.released_notes r
            where r.tenant_id = $1 and r.id = any($2)"#,
        tenant as _,
        ids as _,
        query,
        MARKS,
    )
    .fetch_all(tx.conn())
    .await?;
    let found = rows.into_iter().map(|row| FoundReleasedNote {
        id: row.id,
        patient_id: row.patient_id,
        r#type: row.note_type,
        title: row.title,
        author: row.author,
        noted_at: row.noted_at,
        released_at: row.released_at,
        snippet: pieces(&row.headline),
    });
    Ok(found.collect())
}

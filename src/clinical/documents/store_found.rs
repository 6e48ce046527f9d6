//! SQL of documents that a search found.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, EncounterId, PatientId, UserId};
use platform::db::TenantTx;

use super::model::{Category, DocumentKind};
use crate::search::{FoundDocument, MARKS, pieces};

struct Row {
    id: DocumentId,
    patient_id: PatientId,
    category: Category,
    kind: DocumentKind,
    title: String,
    document_date: NaiveDate,
    encounter_id: Option<EncounterId>,
    number: i32,
    filename: String,
    content_type: String,
    author_id: Option<UserId>,
    released_at: Option<Instant>,
    headline: String,
}

/// Of these documents those whose newest version the caller may read, in any order, with what was found in it.
///
/// A headline of a long text takes as long as reading all of it (100 ms of 300 kB), so it is made of the first piece that has
/// what was looked for; of one whose words lie far apart, of its beginning.
pub(crate) async fn found(
    tx: &mut TenantTx,
    ids: &[DocumentId],
    query: Option<&str>,
) -> Result<Vec<FoundDocument>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select d.id as "id: _", d.patient_id as "patient_id!: _", d.category as "category: _", d.kind as "kind: _", d.title,
                  d.document_date, d.encounter_id as "encounter_id: _", v.number, v.filename, v.content_type,
                  v.uploaded_by as "author_id: _", v.released_at,
                  ts_headline('pg_catalog.english',
                              concat_ws(E'\n', d.title, coalesce(
                                  (select p.piece
                                     from (select substr(t.body, 1 + 30000 * k, 30000) from generate_series(0, length(t.body) / 30000) k) as p (piece)
                                    where length(t.body) > 30000
                                      and to_tsvector('pg_catalog.english', p.piece) @@ to_tsquery('pg_catalog.english', $3)
                                    limit 1),
                                  left(t.body, 30000))),
                              coalesce(to_tsquery('pg_catalog.english', $3), ''::tsquery), $4) as "headline!"
             from app.documents d
             join app.document_versions v on v.tenant_id = $1 and v.document_id = d.id and v.number = d.current_number
             join app.document_texts t on t.tenant_id = $1 and t.version_id = v.id
            where d.tenant_id = $1 and d.id = any($2) and d.status = 'current' and d.patient_id is not null"#,
        tenant as _,
        ids as _,
        query,
        MARKS,
    )
    .fetch_all(tx.conn())
    .await?;
    let found = rows.into_iter().map(|row| FoundDocument {
        id: row.id,
        patient_id: row.patient_id,
        category: row.category,
        kind: row.kind,
        title: row.title,
        document_date: row.document_date,
        encounter_id: row.encounter_id,
        number: row.number,
        filename: row.filename,
        content_type: row.content_type,
        author_id: row.author_id,
        released_at: row.released_at,
        snippet: pieces(&row.headline),
    });
    Ok(found.collect())
}

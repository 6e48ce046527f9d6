//! SQL of the search.

use kernel::Result;
use kernel::ids::{DocumentId, DocumentVersionId};
use platform::db::TenantTx;

use super::model::DocumentSearch;
use super::query::Wanted;

pub(super) struct Hit {
    pub version_id: DocumentVersionId,
    pub document_id: DocumentId,
    pub rank: f32,
    /// What was found stands between U+0001 and U+0002.
    pub snippet: String,
}

/// The best first. Ids come from the function that may use the index; their texts are read as the caller.
pub(super) async fn find(
    tx: &mut TenantTx,
    wanted: &Wanted,
    asked: &DocumentSearch,
    after: Option<(f32, DocumentVersionId)>,
    limit: i64,
) -> Result<Vec<Hit>> {
    let tenant = tx.tenant();
    let (rank, id) = after.unzip();
    let rows = sqlx::query_as!(
        Hit,
        r#"select t.version_id as "version_id: _", t.document_id as "document_id: _", f.rank as "rank!",
                  ts_headline('english', t.body,
                              websearch_to_tsquery('english', $2)
                              || coalesce((select to_tsquery('simple', string_agg(quote_literal(word) || ':*', ' | ')) from unnest($3::text[]) word), ''),
                              E'StartSel=\x01, StopSel=\x02, MaxFragments=2, MaxWords=24, MinWords=8, FragmentDelimiter=" … "') as "snippet!"
             from app.search_documents($2, $3, $4, $5, $6, $7, $8, $9) f
             join app.document_texts t on t.tenant_id = $1 and t.version_id = f.version_id
            order by f.rank desc, f.version_id"#,
        tenant as _,
        wanted.phrases,
        &wanted.prefixes,
        asked.patient_id as _,
        asked.category as _,
        asked.kind as _,
        rank,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

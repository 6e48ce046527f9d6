//! SQL of moving the days of documents in the search.

use kernel::Result;
use platform::db::TenantTx;
use uuid::Uuid;

/// Puts the documents behind a place, in the order of their ids, where their days begin now. Returns the last looked at, `None`
/// if there was none, and how many moved.
pub(super) async fn move_days(
    tx: &mut TenantTx,
    after: Uuid,
    limit: i64,
) -> Result<(Option<Uuid>, u64)> {
    let tenant = tx.tenant();
    // Held first, in one order: whoever changes a document changes its row here, too.
    let ids = sqlx::query_scalar!(
        r#"select s.source_id from app.search_texts s
            where s.tenant_id = $1 and s.kind = 'document' and s.source_id > $2
            order by s.source_id limit $3 for no key update"#,
        tenant as _,
        after,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let Some(last) = ids.last().copied() else {
        return Ok((None, 0));
    };
    let moved = sqlx::query!(
        r#"update app.search_texts s set happened_at = app.document_instant(d.document_date)
             from app.documents d
            where s.tenant_id = $1 and s.kind = 'document' and s.source_id = any($2)
              and d.tenant_id = $1 and d.id = s.source_id
              and s.happened_at <> app.document_instant(d.document_date)"#,
        tenant as _,
        &ids
    )
    .execute(tx.conn())
    .await?;
    Ok((Some(last), moved.rows_affected()))
}

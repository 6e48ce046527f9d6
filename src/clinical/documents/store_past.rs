//! SQL of documents as they stood.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::DocumentId;
use platform::db::TenantTx;
use serde_json::Value;

/// The images, at an instant, of all versions that these documents had then.
pub(super) async fn versions(
    tx: &mut TenantTx,
    documents: &[DocumentId],
    at: Instant,
) -> Result<Vec<Value>> {
    let tenant = tx.tenant();
    // A version is never deleted: those of today are all there ever were, and the history of each is found by its id.
    let images = sqlx::query_scalar!(
        r#"select l.after as "after!" from app.document_versions v
            cross join lateral (select a.after from app.audit_log a
                                 where a.tenant_id = $1 and a.table_name = 'document_versions' and a.row_id = v.id and a.at <= $3
                                 order by a.at desc, a.version desc limit 1) l
            where v.tenant_id = $1 and v.document_id = any($2)"#,
        tenant as _,
        documents as _,
        at,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(images)
}

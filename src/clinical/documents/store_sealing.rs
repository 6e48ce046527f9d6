//! SQL of sealing document keys anew, after a new data key. Versions and parts of uploads each have one.

use futures_util::FutureExt as _;
use kernel::Result;
use platform::crypto::reseal::{Resealed, SealedColumn, SealedValue};
use platform::db::TenantTx;
use uuid::Uuid;

/// What the tenant's data key seals here.
pub(super) const SEALED: SealedColumn = SealedColumn {
    table: "document_versions",
    column: "sealed_key",
    page: |tx, mark, after, limit| page(tx, mark, after, limit).boxed(),
    count: |tx, mark| count(tx, mark).boxed(),
    put: |tx, resealed| put(tx, resealed).boxed(),
};

async fn page(tx: &mut TenantTx, mark: &str, after: Uuid, limit: i64) -> Result<Vec<SealedValue>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SealedValue,
        r#"select t.id, t.sealed_key as "sealed!" from app.document_versions t
            where t.tenant_id = $1 and t.id > $2 and t.sealed_key is not null and not starts_with(t.sealed_key, $3)
            order by t.id limit $4"#,
        tenant as _,
        after,
        mark,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

async fn count(tx: &mut TenantTx, mark: &str) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.document_versions t
            where t.tenant_id = $1 and t.sealed_key is not null and not starts_with(t.sealed_key, $2)"#,
        tenant as _,
        mark
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// Neither version nor time change: what is sealed is the same.
async fn put(tx: &mut TenantTx, resealed: &Resealed) -> Result<u64> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.document_versions t set sealed_key = n.after
             from unnest($2::uuid[], $3::text[], $4::text[]) as n (id, before, after)
            where t.tenant_id = $1 and t.id = n.id and t.sealed_key = n.before"#,
        tenant as _,
        &resealed.ids,
        &resealed.before,
        &resealed.after
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

//! SQL of sealing SSNs anew, after a new data key, and of moving the index they are found by.

use futures_util::FutureExt as _;
use kernel::Result;
use platform::crypto::reseal::{Resealed, SealedColumn, SealedValue};
use platform::db::TenantTx;
use uuid::Uuid;

/// What the tenant's data key seals here.
pub(super) const SEALED: SealedColumn = SealedColumn {
    table: "patients",
    column: "ssn_sealed",
    page: |tx, mark, after, limit| page(tx, mark, after, limit).boxed(),
    count: |tx, mark| count(tx, mark).boxed(),
    put: |tx, resealed| put(tx, resealed).boxed(),
};

async fn page(tx: &mut TenantTx, mark: &str, after: Uuid, limit: i64) -> Result<Vec<SealedValue>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SealedValue,
        r#"select t.id, t.ssn_sealed as "sealed!" from app.patients t
            where t.tenant_id = $1 and t.id > $2 and t.ssn_sealed is not null and not starts_with(t.ssn_sealed, $3)
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
        r#"select count(*) as "count!" from app.patients t
            where t.tenant_id = $1 and t.ssn_sealed is not null and not starts_with(t.ssn_sealed, $2)"#,
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
        r#"update app.patients t set ssn_sealed = n.after
             from unnest($2::uuid[], $3::text[], $4::text[]) as n (id, before, after)
            where t.tenant_id = $1 and t.id = n.id and t.ssn_sealed = n.before"#,
        tenant as _,
        &resealed.ids,
        &resealed.before,
        &resealed.after
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// SSNs as they lie sealed, in the order of the patients' ids; retired and merged registrations too.
pub(super) async fn ssns(tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<SealedValue>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SealedValue,
        r#"select p.id, p.ssn_sealed as "sealed!" from app.patients p
            where p.tenant_id = $1 and p.id > $2 and p.ssn_sealed is not null
            order by p.id limit $3"#,
        tenant as _,
        after,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Replaces keys by which patients are found, wherever they stand: also where a survivor has them from a merge.
pub(super) async fn move_keys(tx: &mut TenantTx, from: &[String], to: &[String]) -> Result<u64> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.patient_keys (tenant_id, kind, key, patient_id, origin)
           select $1, 'ssn', n.after, k.patient_id, k.origin
             from unnest($2::text[], $3::text[]) as n (before, after)
             join app.patient_keys k on k.tenant_id = $1 and k.kind = 'ssn' and k.key = n.before
               on conflict do nothing"#,
        tenant as _,
        from,
        to
    )
    .execute(tx.conn())
    .await?;
    let done = sqlx::query!(
        "delete from app.patient_keys where tenant_id = $1 and kind = 'ssn' and key = any($2)",
        tenant as _,
        from
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

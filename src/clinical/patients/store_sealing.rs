//! SQL of sealing SSNs anew, after a new data key, and of moving the index they are found by.

use kernel::Result;
use platform::crypto::reseal::{SealedColumn, SealedValue};
use platform::db::TenantTx;
use uuid::Uuid;

/// What the tenant's data key seals here.
pub(super) const SEALED: SealedColumn = platform::sealed_column!("patients", "ssn_sealed");

/// SSNs as they lie sealed, in the order of the patients' ids; retired and merged registrations too. Nobody changes these patients
/// until the transaction ends: whoever does locks them `for no key update`.
pub(super) async fn ssns(tx: &mut TenantTx, after: Uuid, limit: i64) -> Result<Vec<SealedValue>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SealedValue,
        r#"select p.id, p.ssn_sealed as "sealed!" from app.patients p
            where p.tenant_id = $1 and p.id > $2 and p.ssn_sealed is not null
            order by p.id limit $3 for share"#,
        tenant as _,
        after,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Puts keys beside those by which patients are found, wherever these stand: also where a survivor has them from a merge. Returns
/// how many there were not.
pub(super) async fn add_keys(tx: &mut TenantTx, beside: &[String], new: &[String]) -> Result<u64> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"insert into app.patient_keys (tenant_id, kind, key, patient_id, origin)
           select $1, 'ssn', n.after, k.patient_id, k.origin
             from unnest($2::text[], $3::text[]) as n (before, after)
             join app.patient_keys k on k.tenant_id = $1 and k.kind = 'ssn' and k.key = n.before
               on conflict do nothing"#,
        tenant as _,
        beside,
        new
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Nobody is found by these keys any more.
pub(super) async fn drop_keys(tx: &mut TenantTx, keys: &[String]) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.patient_keys where tenant_id = $1 and kind = 'ssn' and key = any($2)",
        tenant as _,
        keys
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

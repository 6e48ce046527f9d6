//! SQL of what finds a patient, and of the numbers he is given.

use std::collections::BTreeSet;

use kernel::Result;
use kernel::ids::PatientId;
use platform::db::TenantTx;

use super::keys::Key;
use super::mrn::MrnForm;

/// Makes the keys of a patient exactly these, and those he has from registrations merged into his.
pub(super) async fn replace(tx: &mut TenantTx, id: PatientId, keys: &BTreeSet<Key>) -> Result<()> {
    let tenant = tx.tenant();
    let (kinds, keys): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, key)| (*kind, key.as_str())).unzip();
    sqlx::query!(
        r#"delete from app.patient_keys
            where tenant_id = $1 and patient_id = $2 and origin is null
              and (kind, key) not in (select * from unnest($3::text[], $4::text[]))"#,
        tenant as _,
        id as _,
        &kinds as _,
        &keys as _
    )
    .execute(tx.conn())
    .await?;
    insert(tx, id, &kinds, &keys, None).await
}

/// The keys of a patient who has none yet.
pub(super) async fn add(tx: &mut TenantTx, id: PatientId, keys: &BTreeSet<Key>) -> Result<()> {
    let (kinds, keys): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, key)| (*kind, key.as_str())).unzip();
    insert(tx, id, &kinds, &keys, None).await
}

/// The keys of a registration that was merged into the patient's.
pub(super) async fn add_of_merged(
    tx: &mut TenantTx,
    id: PatientId,
    origin: PatientId,
    keys: &BTreeSet<Key>,
) -> Result<()> {
    let (kinds, keys): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, key)| (*kind, key.as_str())).unzip();
    insert(tx, id, &kinds, &keys, Some(origin)).await
}

/// Nothing finds the patient any more.
pub(super) async fn clear(tx: &mut TenantTx, id: PatientId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.patient_keys where tenant_id = $1 and patient_id = $2",
        tenant as _,
        id as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

async fn insert(
    tx: &mut TenantTx,
    id: PatientId,
    kinds: &[&str],
    keys: &[&str],
    origin: Option<PatientId>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.patient_keys (tenant_id, kind, key, patient_id, origin)
           select $1, k.kind, k.key, $2, $5 from unnest($3::text[], $4::text[]) as k (kind, key)
               on conflict do nothing"#,
        tenant as _,
        id as _,
        kinds as _,
        keys as _,
        origin as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn mrn_form(tx: &mut TenantTx) -> Result<MrnForm> {
    let tenant = tx.tenant();
    let form = sqlx::query_as!(
        MrnForm,
        "select mrn_prefix as prefix, mrn_digits as digits from app.tenants where tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(form)
}

/// The next serial of the tenant's numbers. Others wait for it until this transaction ends, so take it late.
pub(super) async fn next_serial(tx: &mut TenantTx) -> Result<i64> {
    let tenant = tx.tenant();
    let serial = sqlx::query_scalar!(
        r#"insert into app.counters (tenant_id, name, value) values ($1, 'mrn', 1)
               on conflict (tenant_id, name) do update set value = counters.value + 1
           returning value"#,
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(serial)
}

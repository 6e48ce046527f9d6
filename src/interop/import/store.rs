//! SQL of the import: names known already, and what is kept as it came.

use std::collections::{BTreeMap, HashMap};

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, mint};
use kernel::{Code, Error, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::reference::Name;

/// What a name led to when it was last imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub target: Uuid,
    pub hash: Vec<u8>,
}

/// A resource that is kept as it came.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub name: Name,
    pub patient: Option<PatientId>,
    pub encounter: Option<EncounterId>,
    pub effective_at: Option<Instant>,
    pub content: String,
    pub hash: Vec<u8>,
}

/// The tenant's time zone.
pub(super) async fn time_zone(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select time_zone from app.tenants where tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(zone)
}

/// Which of the names are known, and what they led to.
pub(super) async fn known(tx: &mut TenantTx, names: &[Name]) -> Result<HashMap<Name, Known>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let (types, ids) = columns(names.iter());
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select l.resource_type, l.source_id, l.target_id, l.content_hash
             from unnest($2::text[], $3::text[]) as n (resource_type, source_id)
             join app.import_links l
               on l.tenant_id = $1 and l.resource_type = n.resource_type and l.source_id = n.source_id"#,
        tenant as _,
        &types as _,
        &ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                Name::new(row.resource_type, row.source_id),
                Known {
                    target: row.target_id,
                    hash: row.content_hash,
                },
            )
        })
        .collect())
}

/// Remembers names, in their order. One that is known keeps leading where it led; its hash is renewed.
///
/// # Errors
/// `unavailable` when another transaction has meanwhile made a name lead elsewhere: look again, and there it is.
pub(super) async fn remember(
    tx: &mut TenantTx,
    links: &BTreeMap<Name, Known>,
    now: Instant,
) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let (types, ids) = columns(links.keys());
    let targets: Vec<Uuid> = links.values().map(|known| known.target).collect();
    let hashes: Vec<&[u8]> = links.values().map(|known| known.hash.as_slice()).collect();
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"insert into app.import_links (tenant_id, resource_type, source_id, target_id, content_hash, imported_at)
           select $1, n.resource_type, n.source_id, n.target_id, n.content_hash, $6
             from unnest($2::text[], $3::text[], $4::uuid[], $5::bytea[])
                  as n (resource_type, source_id, target_id, content_hash)
            order by n.resource_type, n.source_id
           on conflict (tenant_id, resource_type, source_id) do update
              set content_hash = excluded.content_hash, imported_at = excluded.imported_at
            where import_links.target_id = excluded.target_id"#,
        tenant as _,
        &types as _,
        &ids as _,
        &targets,
        &hashes as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != links.len() as u64 {
        return Err(
            Error::new(Code::Unavailable).detail("Another import is at work on the same records.")
        );
    }
    Ok(())
}

/// The hashes of the resources kept under these names.
pub(super) async fn kept(tx: &mut TenantTx, names: &[Name]) -> Result<HashMap<Name, Vec<u8>>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let (types, ids) = columns(names.iter());
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select k.resource_type, k.source_id, k.content_hash
             from unnest($2::text[], $3::text[]) as n (resource_type, source_id)
             join app.imported_resources k
               on k.tenant_id = $1 and k.resource_type = n.resource_type and k.source_id = n.source_id"#,
        tenant as _,
        &types as _,
        &ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                Name::new(row.resource_type, row.source_id),
                row.content_hash,
            )
        })
        .collect())
}

/// Keeps resources as they came, in place of their earlier states.
pub(super) async fn keep(tx: &mut TenantTx, resources: &[Kept], now: Instant) -> Result<()> {
    if resources.is_empty() {
        return Ok(());
    }
    let (types, sources) = columns(resources.iter().map(|kept| &kept.name));
    let ids: Vec<Uuid> = resources.iter().map(|_| mint()).collect();
    let patients: Vec<Option<Uuid>> = resources
        .iter()
        .map(|kept| kept.patient.map(Into::into))
        .collect();
    let encounters: Vec<Option<Uuid>> = resources
        .iter()
        .map(|kept| kept.encounter.map(Into::into))
        .collect();
    let dates: Vec<Option<Instant>> = resources.iter().map(|kept| kept.effective_at).collect();
    let contents: Vec<&str> = resources.iter().map(|kept| kept.content.as_str()).collect();
    let hashes: Vec<&[u8]> = resources.iter().map(|kept| kept.hash.as_slice()).collect();
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.imported_resources
                  (tenant_id, id, resource_type, source_id, patient_id, encounter_id, effective_at, content, content_hash,
                   created_at, updated_at)
           select $1, n.id, n.resource_type, n.source_id, n.patient_id, n.encounter_id, n.effective_at, n.content::jsonb,
                  n.content_hash, $10, $10
             from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[], $9::bytea[])
                  as n (id, resource_type, source_id, patient_id, encounter_id, effective_at, content, content_hash)
           on conflict (tenant_id, resource_type, source_id) do update
              set patient_id = excluded.patient_id, encounter_id = excluded.encounter_id,
                  effective_at = excluded.effective_at, content = excluded.content, content_hash = excluded.content_hash,
                  version = imported_resources.version + 1, updated_at = excluded.updated_at"#,
        tenant as _,
        &ids,
        &types as _,
        &sources as _,
        &patients as _,
        &encounters as _,
        &dates as _,
        &contents as _,
        &hashes as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The patients of encounters, for links that must agree with both.
pub(super) async fn patients_of(
    tx: &mut TenantTx,
    encounters: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>> {
    if encounters.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select id, patient_id from app.encounter_register where tenant_id = $1 and id = any($2)",
        tenant as _,
        encounters,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.patient_id))
        .collect())
}

fn columns<'a>(names: impl Iterator<Item = &'a Name>) -> (Vec<&'a str>, Vec<&'a str>) {
    names
        .map(|name| (name.resource_type.as_str(), name.id.as_str()))
        .unzip()
}

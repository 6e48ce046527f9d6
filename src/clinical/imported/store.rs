//! SQL of imported resources.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, ImportedResourceId, PatientId, UserId};
use platform::db::TenantTx;

use super::model::{ImportedResource, ImportedResourceSummary};

/// By type, then id; perhaps no notes and results but those that were released.
pub(super) async fn page(
    tx: &mut TenantTx,
    (patient, released_only): (PatientId, bool),
    (kind, not_entered): (Option<&str>, bool),
    after: Option<(String, ImportedResourceId)>,
    limit: i64,
) -> Result<Vec<ImportedResourceSummary>> {
    let tenant = tx.tenant();
    let (after_kind, id) = after.unzip();
    let rows = sqlx::query_as!(
        ImportedResourceSummary,
        r#"select id as "id: _", resource_type, source_id, encounter_id as "encounter_id: _", effective_at, entry_kind, entry_id, reason,
                  needs_release, released_at, version, created_at, updated_at
             from app.imported_resources
            where tenant_id = $1 and patient_id = $2
              and (not $7::boolean or not needs_release or released_at is not null)
              and ($3::text is null or resource_type = $3)
              and (not $8 or refused and entry_id is null)
              and ($4::text is null or (resource_type, id) > ($4, $5))
            order by resource_type, id
            limit $6"#,
        tenant as _,
        patient as _,
        kind,
        after_kind,
        id as _,
        limit,
        released_only,
        not_entered,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// How many resources of a type should stand in the chart and could not be entered.
pub(crate) async fn not_entered_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    kind: &str,
) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.imported_resources
            where tenant_id = $1 and patient_id = $2 and resource_type = $3 and refused and entry_id is null"#,
        tenant as _,
        patient as _,
        kind,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

pub(super) async fn find(
    tx: &mut TenantTx,
    (patient, released_only): (PatientId, bool),
    id: ImportedResourceId,
) -> Result<Option<ImportedResource>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select id as "id: ImportedResourceId", resource_type, source_id, encounter_id as "encounter_id: EncounterId", effective_at,
                  entry_kind, entry_id, reason, needs_release, released_at, version, created_at, updated_at, content
             from app.imported_resources
            where tenant_id = $1 and patient_id = $2 and id = $3
              and (not $4::boolean or not needs_release or released_at is not null)"#,
        tenant as _,
        patient as _,
        id as _,
        released_only,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| ImportedResource {
        patient_id: patient,
        summary: ImportedResourceSummary {
            id: row.id,
            resource_type: row.resource_type,
            source_id: row.source_id,
            encounter_id: row.encounter_id,
            effective_at: row.effective_at,
            entry_kind: row.entry_kind,
            entry_id: row.entry_id,
            reason: row.reason,
            needs_release: row.needs_release,
            released_at: row.released_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        content: row.content,
    }))
}

/// As [`page`], by what the sources had said at an instant.
pub(super) async fn page_then(
    tx: &mut TenantTx,
    (patient, at): (PatientId, Instant),
    kind: Option<&str>,
    after: Option<(String, ImportedResourceId)>,
    limit: i64,
) -> Result<Vec<ImportedResourceSummary>> {
    let found = states(tx, (patient, at), None, kind, after, limit).await?;
    Ok(found.into_iter().map(|state| state.summary).collect())
}

/// What the source of a resource had said at an instant.
pub(super) async fn find_then(
    tx: &mut TenantTx,
    of: (PatientId, Instant),
    id: ImportedResourceId,
) -> Result<Option<ImportedResource>> {
    Ok(states(tx, of, Some(id), None, None, 1).await?.pop())
}

/// The present state where it is old enough, else one that another has taken the place of.
async fn states(
    tx: &mut TenantTx,
    (patient, at): (PatientId, Instant),
    id: Option<ImportedResourceId>,
    kind: Option<&str>,
    after: Option<(String, ImportedResourceId)>,
    limit: i64,
) -> Result<Vec<ImportedResource>> {
    let tenant = tx.tenant();
    let (after_kind, after_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select s.id as "id!: ImportedResourceId", s.resource_type as "resource_type!", s.source_id as "source_id!",
                  s.encounter_id as "encounter_id: EncounterId", s.effective_at, s.entry_kind, s.entry_id, s.reason,
                  s.needs_release as "needs_release!", s.released_at, s.version as "version!", s.created_at as "created_at!",
                  s.updated_at as "updated_at!", s.content as "content!"
             from (select r.id, r.resource_type, r.source_id, r.encounter_id, r.effective_at, r.entry_kind, r.entry_id, r.reason,
                          r.needs_release, r.released_at, r.version, r.created_at, r.updated_at, r.content
                     from app.imported_resources r
                    where r.tenant_id = $1 and r.patient_id = $2 and coalesce(r.content_since, r.created_at) <= $3
                   union all
                   select b.resource_id, b.resource_type, b.source_id, b.encounter_id, b.effective_at, b.entry_kind, b.entry_id, b.reason,
                          b.needs_release, null, b.version, b.since, b.since, b.content
                     from app.imported_resource_states b
                    where b.tenant_id = $1 and b.patient_id = $2 and b.since <= $3 and b.until > $3) s
            where ($4::uuid is null or s.id = $4)
              and ($5::text is null or s.resource_type = $5)
              and ($6::text is null or (s.resource_type, s.id) > ($6, $7::uuid))
            order by s.resource_type, s.id
            limit $8"#,
        tenant as _,
        patient as _,
        at,
        id as _,
        kind,
        after_kind,
        after_id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| ImportedResource {
            patient_id: patient,
            summary: ImportedResourceSummary {
                id: row.id,
                resource_type: row.resource_type,
                source_id: row.source_id,
                encounter_id: row.encounter_id,
                effective_at: row.effective_at,
                entry_kind: row.entry_kind,
                entry_id: row.entry_id,
                reason: row.reason,
                needs_release: row.needs_release,
                released_at: row.released_at,
                version: row.version,
                created_at: row.created_at,
                updated_at: row.updated_at,
            },
            content: row.content,
        })
        .collect())
}

/// Releases a resource, if it is not, or withholds it.
pub(super) async fn set_release(
    tx: &mut TenantTx,
    (patient, id): (PatientId, ImportedResourceId),
    release: Option<(Instant, UserId)>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let (at, by) = release.unzip();
    sqlx::query!(
        "update app.imported_resources
            set released_at = $4, released_by = $5, version = version + 1, updated_at = $6
          where tenant_id = $1 and patient_id = $2 and id = $3 and (released_at is null) = ($4::timestamptz is not null)",
        tenant as _,
        patient as _,
        id as _,
        at,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A medication that is taken, as far as an import told.
pub(crate) struct KnownMedication {
    pub name: Option<String>,
    /// As its source says: `active` or `on-hold`.
    pub status: String,
    pub dosage: Option<String>,
}

/// The medications a chart shows, the latest first.
pub(crate) async fn medications_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    now: Instant,
    limit: i64,
) -> Result<Vec<KnownMedication>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        KnownMedication,
        r#"select t.told ->> 'title' as name, coalesce(t.told ->> 'status', '') as "status!", t.told ->> 'dosage' as dosage
             from (select app.told_of_imported(r.resource_type, r.source_id, r.content) as told, r.effective_at, r.id
                     from app.imported_resources r
                    where r.tenant_id = $1 and r.patient_id = $2 and r.resource_type in ('MedicationRequest', 'MedicationStatement')
                      and app.section_of_imported(r.resource_type, r.content, $4) = 'medications'
                    order by r.effective_at desc nulls last, r.id desc limit $3) t
            order by t.effective_at desc nulls last, t.id desc"#,
        tenant as _,
        patient as _,
        limit,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

//! SQL of imported resources.

use kernel::Result;
use kernel::ids::{EncounterId, ImportedResourceId, PatientId};
use platform::db::TenantTx;

use super::model::{ImportedResource, ImportedResourceSummary};

/// By type, then id.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    kind: Option<&str>,
    after: Option<(String, ImportedResourceId)>,
    limit: i64,
) -> Result<Vec<ImportedResourceSummary>> {
    let tenant = tx.tenant();
    let (after_kind, id) = after.unzip();
    let rows = sqlx::query_as!(
        ImportedResourceSummary,
        r#"select id as "id: _", resource_type, source_id, encounter_id as "encounter_id: _", effective_at, entry_kind, entry_id, reason,
                  version, created_at, updated_at
             from app.imported_resources
            where tenant_id = $1 and patient_id = $2
              and ($3::text is null or resource_type = $3)
              and ($4::text is null or (resource_type, id) > ($4, $5))
            order by resource_type, id
            limit $6"#,
        tenant as _,
        patient as _,
        kind,
        after_kind,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ImportedResourceId,
) -> Result<Option<ImportedResource>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select id as "id: ImportedResourceId", resource_type, source_id, encounter_id as "encounter_id: EncounterId", effective_at,
                  entry_kind, entry_id, reason, version, created_at, updated_at, content
             from app.imported_resources
            where tenant_id = $1 and patient_id = $2 and id = $3"#,
        tenant as _,
        patient as _,
        id as _
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
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
        content: row.content,
    }))
}

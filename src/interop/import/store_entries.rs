//! SQL of questions that are asked before an entry is made, because the database would refuse it with its whole transaction.

use clinical::documents::DocumentStatus;
use kernel::ids::{DocumentId, DocumentVersionId, EncounterId, PatientId, ProviderId, UserId};
use kernel::{Code, Error, Result};
use platform::db::TenantTx;
use serde_json::Value;
use uuid::Uuid;

use super::reference::Name;

/// Whether the encounter has a diagnosis with one of these codes.
pub(super) async fn is_coded(
    tx: &mut TenantTx,
    encounter: EncounterId,
    icd10cm: Option<&str>,
    snomed: Option<&str>,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.encounter_diagnoses where tenant_id = $1 and encounter_id = $2 and status = 'active'
                             and (icd10cm = $3 or snomed = $4)) as "found!""#,
        tenant as _,
        encounter as _,
        icd10cm,
        snomed,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether a dose of the vaccine on that day stands in the chart.
pub(super) async fn has_dose(
    tx: &mut TenantTx,
    patient: PatientId,
    cvx: &str,
    occurred_on: &str,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.immunizations where tenant_id = $1 and patient_id = $2 and cvx = $3 and occurred_on = $4
                             and status = 'completed') as "found!""#,
        tenant as _,
        patient as _,
        cvx,
        occurred_on,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// The account of a provider.
pub(super) async fn account_of(tx: &mut TenantTx, provider: ProviderId) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select user_id as "user_id: UserId" from app.providers where tenant_id = $1 and id = $2"#,
        tenant as _,
        provider as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

/// The open membership of an account in a care team; one that ends with an encounter is none.
pub(super) async fn member(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
) -> Result<Option<Uuid>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select id from app.care_team_members where tenant_id = $1 and patient_id = $2 and user_id = $3 and valid_until is null
            and source <> 'encounter'
          order by id limit 1",
        tenant as _,
        patient as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// The patient's imported document that stands and has these bytes.
pub(super) async fn document_with(
    tx: &mut TenantTx,
    patient: PatientId,
    sha256: &[u8; 32],
) -> Result<Option<DocumentId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select d.id as "id: DocumentId" from app.document_versions v
             join app.documents d on d.tenant_id = $1 and d.id = v.document_id
            where v.tenant_id = $1 and v.patient_id = $2 and v.sha256 = $3 and v.number = d.current_number
              and d.status = 'current' and d.source = 'import'
            order by d.id limit 1"#,
        tenant as _,
        patient as _,
        sha256.as_slice(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn document_status(
    tx: &mut TenantTx,
    id: DocumentId,
) -> Result<Option<DocumentStatus>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select status as "status: DocumentStatus" from app.documents where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// Whether a document has this version.
pub(super) async fn is_filed(tx: &mut TenantTx, version: DocumentVersionId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.document_versions where tenant_id = $1 and id = $2) as "found!""#,
        tenant as _,
        version as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// The codes of conditions that are kept, by their ids at the source.
pub(super) async fn condition_codes(tx: &mut TenantTx, ids: &[String]) -> Result<Vec<Value>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    let codes = sqlx::query_scalar!(
        r#"select content -> 'code' as "code!" from app.imported_resources
            where tenant_id = $1 and resource_type = 'Condition' and source_id = any($2) and content ? 'code'
            order by source_id"#,
        tenant as _,
        ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(codes)
}

/// Whether the last who changed the row was an import, or nobody has since.
pub(super) async fn is_untouched(tx: &mut TenantTx, table: &str, id: Uuid) -> Result<bool> {
    let tenant = tx.tenant();
    let by = sqlx::query_scalar!(
        "select role from app.audit_log where tenant_id = $1 and table_name = $2 and row_id = $3
          order by at desc, version desc limit 1",
        tenant as _,
        table,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(by.is_none_or(|role| role == "system"))
}

/// A resource as it was kept before this run.
pub(super) async fn content_of(tx: &mut TenantTx, name: &Name) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    let content = sqlx::query_scalar!(
        "select content from app.imported_resources where tenant_id = $1 and resource_type = $2 and source_id = $3",
        tenant as _,
        name.resource_type,
        name.id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(content)
}

/// Lets a resource lead to another entry than before, which has taken its place.
///
/// # Errors
/// `unavailable` when another import has meanwhile done so.
pub(super) async fn move_entry(
    tx: &mut TenantTx,
    name: &Name,
    before: Uuid,
    (kind, id): (&str, Uuid),
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.imported_resources set entry_kind = $5, entry_id = $6
          where tenant_id = $1 and resource_type = $2 and source_id = $3 and entry_id = $4",
        tenant as _,
        name.resource_type,
        name.id,
        before,
        kind,
        id,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        let detail = "Another import is at work on the same records.";
        Err(Error::new(Code::Unavailable).detail(detail))
    }
}

//! SQL of questions that are asked before an entry is made, because the database would refuse it with its whole transaction.

use kernel::Result;
use kernel::ids::{EncounterId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use uuid::Uuid;

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

/// The open membership of an account in a care team.
pub(super) async fn member(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
) -> Result<Option<Uuid>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select id from app.care_team_members where tenant_id = $1 and patient_id = $2 and user_id = $3 and valid_until is null
          order by id limit 1",
        tenant as _,
        patient as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

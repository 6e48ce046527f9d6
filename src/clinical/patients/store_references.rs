//! What a registration refers to: does it exist in this tenant, and may it be used.

use kernel::Result;
use kernel::ids::{FacilityId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;

pub(super) async fn is_active_facility(tx: &mut TenantTx, id: FacilityId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.facilities where tenant_id = $1 and id = $2 and status = 'active') as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn is_active_provider(tx: &mut TenantTx, id: ProviderId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.providers where tenant_id = $1 and id = $2 and status = 'active') as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether it is an active account of a patient.
pub(super) async fn is_patients_account(tx: &mut TenantTx, id: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.users
                           where tenant_id = $1 and id = $2 and role = 'patient' and status = 'active' and deleted_at is null)
               as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether the account is linked to another registration than this.
pub(super) async fn is_linked_elsewhere(
    tx: &mut TenantTx,
    user: UserId,
    id: PatientId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.patients where tenant_id = $1 and portal_user_id = $2 and id <> $3) as "found!""#,
        tenant as _,
        user as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

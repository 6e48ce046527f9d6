//! What an encounter refers to: does it exist in this tenant, may it be used, and which wall clock does it have.

use kernel::Result;
use kernel::ids::{DepartmentId, FacilityId, ProviderId, UserId};
use platform::db::TenantTx;

/// A facility: its zone, and whether it is in use.
pub(super) struct Facility {
    pub time_zone: String,
    pub active: bool,
}

pub(super) async fn find_facility(tx: &mut TenantTx, id: FacilityId) -> Result<Option<Facility>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Facility,
        r#"select time_zone, status = 'active' as "active!" from app.facilities where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// Whether it is an active department of the facility.
pub(super) async fn has_department(
    tx: &mut TenantTx,
    facility: FacilityId,
    id: DepartmentId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.departments
                           where tenant_id = $1 and facility_id = $2 and id = $3 and status = 'active') as "found!""#,
        tenant as _,
        facility as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether the provider exists, and is active.
pub(super) async fn provider_is_active(tx: &mut TenantTx, id: ProviderId) -> Result<Option<bool>> {
    let tenant = tx.tenant();
    let active = sqlx::query_scalar!(
        r#"select status = 'active' as "active!" from app.providers where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(active)
}

/// Whether the account is that of an active nurse or other member of the staff.
pub(super) async fn is_staff(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.staff_members
                           where tenant_id = $1 and user_id = $2 and status = 'active') as "found!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn tenant_zone(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select time_zone from app.tenants where tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(zone)
}

//! Reads a few columns of tables whose features are others'.

use kernel::Result;
use kernel::ids::{DepartmentId, FacilityId, UserId};
use platform::db::TenantTx;

use super::Account;

pub(super) async fn find_account(tx: &mut TenantTx, user: UserId) -> Result<Option<Account>> {
    let tenant = tx.tenant();
    let account = sqlx::query_as!(
        Account,
        r#"select u.role as "role: _", u.status = 'active' as "active!"
             from app.users u
            where u.tenant_id = $1 and u.id = $2 and u.deleted_at is null"#,
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(account)
}

pub(super) async fn find_active_department(
    tx: &mut TenantTx,
    department: DepartmentId,
) -> Result<Option<FacilityId>> {
    let tenant = tx.tenant();
    let facility = sqlx::query_scalar!(
        r#"select d.facility_id as "facility_id: FacilityId"
             from app.departments d
             join app.facilities f on f.tenant_id = $1 and f.tenant_id = d.tenant_id and f.id = d.facility_id
            where d.tenant_id = $1 and d.id = $2 and d.status = 'active' and f.status = 'active'"#,
        tenant as _,
        department as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(facility)
}

pub(super) async fn time_zone(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select t.time_zone from app.tenants t where t.tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(zone)
}

//! `app.staff_members`, with the names of their accounts.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, StaffId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{ListStaff, NewStaffMember, StaffKind, StaffMember};
use crate::staff::status::StaffStatus;

struct Row {
    id: StaffId,
    given_name: String,
    family_name: String,
    user_id: UserId,
    kind: StaffKind,
    title: Option<String>,
    department_id: Option<DepartmentId>,
    credentials: Vec<String>,
    license_number: Option<String>,
    license_state: Option<String>,
    license_expires_on: Option<NaiveDate>,
    status: StaffStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for StaffMember {
    fn from(row: Row) -> Self {
        StaffMember {
            id: row.id,
            given_name: row.given_name,
            family_name: row.family_name,
            data: NewStaffMember {
                user_id: row.user_id,
                kind: row.kind,
                title: row.title,
                department_id: row.department_id,
                credentials: row.credentials,
                license_number: row.license_number,
                license_state: row.license_state,
                license_expires_on: row.license_expires_on,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: StaffId) -> Result<Option<StaffMember>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select m.id as "id: _", u.given_name, u.family_name, m.user_id as "user_id: _", m.kind as "kind: _", m.title,
                  m.department_id as "department_id: _", m.credentials, m.license_number, m.license_state,
                  m.license_expires_on, m.status as "status: _", m.version, m.created_at, m.updated_at
             from app.staff_members m
             join app.users u on u.tenant_id = $1 and u.tenant_id = m.tenant_id and u.id = m.user_id
            where m.tenant_id = $1 and m.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(StaffMember::from))
}

pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListStaff,
    after: Option<(String, StaffId)>,
    limit: i64,
) -> Result<Vec<StaffMember>> {
    let tenant = tx.tenant();
    let (after_name, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select m.id as "id: _", u.given_name, u.family_name, m.user_id as "user_id: _", m.kind as "kind: _", m.title,
                  m.department_id as "department_id: _", m.credentials, m.license_number, m.license_state,
                  m.license_expires_on, m.status as "status: _", m.version, m.created_at, m.updated_at
             from app.staff_members m
             join app.users u on u.tenant_id = $1 and u.tenant_id = m.tenant_id and u.id = m.user_id
            where m.tenant_id = $1
              and ($2::text is null or m.kind = $2)
              and ($3::uuid is null or m.department_id = $3)
              and ($4::text is null or m.status = $4)
              and ($5::text is null or (u.family_name collate "C", m.id) > ($5, $6))
            order by u.family_name collate "C", m.id
            limit $7"#,
        tenant as _,
        query.kind as _,
        query.department_id as _,
        query.status as _,
        after_name,
        after_id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(StaffMember::from).collect())
}

/// Keeps others from changing the row until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx, id: StaffId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.staff_members where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: StaffId,
    new: &NewStaffMember,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.staff_members
                (tenant_id, id, user_id, kind, title, department_id, credentials, license_number, license_state,
                 license_expires_on, status, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12)",
        tenant as _,
        id as _,
        new.user_id as _,
        new.kind as _,
        new.title.as_deref(),
        new.department_id as _,
        &new.credentials,
        new.license_number.as_deref(),
        new.license_state.as_deref(),
        new.license_expires_on,
        new.status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Replaces everything but the account.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: StaffId,
    data: &NewStaffMember,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.staff_members
            set kind = $3, title = $4, department_id = $5, credentials = $6, license_number = $7, license_state = $8,
                license_expires_on = $9, status = $10, version = version + 1, updated_at = $11
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.kind as _,
        data.title.as_deref(),
        data.department_id as _,
        &data.credentials,
        data.license_number.as_deref(),
        data.license_state.as_deref(),
        data.license_expires_on,
        data.status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(Error::not_found())
    } else {
        Ok(())
    }
}

//! `app.department_assignments`.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssignmentId, FacilityId, UserId};
use platform::db::TenantTx;

use super::model::{Assignment, NewAssignment};

pub(super) async fn find(tx: &mut TenantTx, id: AssignmentId) -> Result<Option<Assignment>> {
    let tenant = tx.tenant();
    let assignment = sqlx::query_as!(
        Assignment,
        r#"select id as "id: _", user_id as "user_id: _", facility_id as "facility_id: _",
                  department_id as "department_id: _", is_primary, valid_from, valid_until, version, created_at, updated_at
             from app.department_assignments
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(assignment)
}

pub(super) async fn page(
    tx: &mut TenantTx,
    user: UserId,
    after: Option<AssignmentId>,
    limit: i64,
) -> Result<Vec<Assignment>> {
    let tenant = tx.tenant();
    let assignments = sqlx::query_as!(
        Assignment,
        r#"select id as "id: _", user_id as "user_id: _", facility_id as "facility_id: _",
                  department_id as "department_id: _", is_primary, valid_from, valid_until, version, created_at, updated_at
             from app.department_assignments
            where tenant_id = $1 and user_id = $2 and ($3::uuid is null or id > $3)
            order by id
            limit $4"#,
        tenant as _,
        user as _,
        after as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(assignments)
}

/// Keeps others from changing the row until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx, id: AssignmentId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.department_assignments where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn clear_primary(tx: &mut TenantTx, user: UserId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.department_assignments
            set is_primary = false, version = version + 1, updated_at = $3
          where tenant_id = $1 and user_id = $2 and is_primary and valid_until is null",
        tenant as _,
        user as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: AssignmentId,
    user: UserId,
    facility: FacilityId,
    new: &NewAssignment,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.department_assignments
                (tenant_id, id, user_id, facility_id, department_id, is_primary, valid_from, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        tenant as _,
        id as _,
        user as _,
        facility as _,
        new.department_id as _,
        new.is_primary,
        new.valid_from.unwrap_or(now),
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends it now, or, if it has not begun, at its beginning: a period that holds no instant.
pub(super) async fn end(tx: &mut TenantTx, id: AssignmentId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.department_assignments
            set valid_until = greatest(valid_from, $3), version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

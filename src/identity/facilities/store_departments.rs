//! SQL of departments.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId};
use platform::db::TenantTx;

use super::model::{Department, NewDepartment, PlaceStatus};

struct Row {
    id: DepartmentId,
    facility_id: FacilityId,
    code: String,
    name: String,
    specialty: Option<String>,
    status: PlaceStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Department {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            facility_id: row.facility_id,
            data: NewDepartment {
                code: row.code,
                name: row.name,
                specialty: row.specialty,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    facility: FacilityId,
    new: &NewDepartment,
    now: Instant,
) -> Result<DepartmentId> {
    let tenant = tx.tenant();
    let id = DepartmentId::new();
    sqlx::query!(
        r#"insert into app.departments (tenant_id, id, facility_id, code, name, specialty, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $8)"#,
        tenant as _,
        id as _,
        facility as _,
        new.code,
        new.name,
        new.specialty,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: DepartmentId) -> Result<Option<Department>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", code, name, specialty, status as "status: _", version,
                  created_at, updated_at
             from app.departments where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn lock(tx: &mut TenantTx, id: DepartmentId) -> Result<Option<Department>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", code, name, specialty, status as "status: _", version,
                  created_at, updated_at
             from app.departments where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Of one facility, by name, then id.
pub(super) async fn page(
    tx: &mut TenantTx,
    facility: FacilityId,
    status: Option<PlaceStatus>,
    after: Option<(String, DepartmentId)>,
    limit: i64,
) -> Result<Vec<Department>> {
    let tenant = tx.tenant();
    let (name, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", code, name, specialty, status as "status: _", version,
                  created_at, updated_at
             from app.departments
            where tenant_id = $1 and facility_id = $2
              and ($3::text is null or status = $3)
              and ($4::text is null or (name collate "C", id) > ($4 collate "C", $5))
            order by name collate "C", id
            limit $6"#,
        tenant as _,
        facility as _,
        status as _,
        name,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: DepartmentId,
    data: &NewDepartment,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.departments
              set code = $3, name = $4, specialty = $5, status = $6, version = version + 1, updated_at = $7
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.code,
        data.name,
        data.specialty,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

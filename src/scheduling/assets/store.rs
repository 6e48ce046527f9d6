//! SQL of rooms and devices.

use identity::facilities::PlaceStatus;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AssetId, DepartmentId, FacilityId};
use platform::db::TenantTx;

use super::model::{Asset, AssetKind, ListAssets, NewAsset};

struct Row {
    id: AssetId,
    facility_id: FacilityId,
    department_id: Option<DepartmentId>,
    kind: AssetKind,
    asset_kind: String,
    code: String,
    name: String,
    status: PlaceStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Asset {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewAsset {
                facility_id: row.facility_id,
                department_id: row.department_id,
                kind: row.kind,
                asset_kind: row.asset_kind,
                code: row.code,
                name: row.name,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewAsset, now: Instant) -> Result<AssetId> {
    let tenant = tx.tenant();
    let id = AssetId::new();
    sqlx::query!(
        r#"insert into app.scheduling_assets
                  (tenant_id, id, facility_id, department_id, kind, asset_kind, code, name, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"#,
        tenant as _,
        id as _,
        new.facility_id as _,
        new.department_id as _,
        new.kind as _,
        new.asset_kind,
        new.code,
        new.name,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: AssetId) -> Result<Option<Asset>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", department_id as "department_id: _", kind as "kind: _",
                  asset_kind, code, name, status as "status: _", version, created_at, updated_at
             from app.scheduling_assets where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AssetId) -> Result<Option<Asset>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.scheduling_assets where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

/// By name, then id.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListAssets,
    after: Option<(String, AssetId)>,
    limit: i64,
) -> Result<Vec<Asset>> {
    let tenant = tx.tenant();
    let (name, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", facility_id as "facility_id: _", department_id as "department_id: _", kind as "kind: _",
                  asset_kind, code, name, status as "status: _", version, created_at, updated_at
             from app.scheduling_assets
            where tenant_id = $1
              and ($2::uuid is null or facility_id = $2)
              and ($3::text is null or kind = $3)
              and ($4::text is null or asset_kind = $4)
              and ($5::text is null or status = $5)
              and ($6::text is null or (name collate "C", id) > ($6 collate "C", $7))
            order by name collate "C", id
            limit $8"#,
        tenant as _,
        query.facility_id as _,
        query.kind as _,
        query.asset_kind,
        query.status as _,
        name,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// What does not change (where it is, what it is) is left out.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: AssetId,
    data: &NewAsset,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.scheduling_assets
              set department_id = $3, code = $4, name = $5, status = $6, version = version + 1, updated_at = $7
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.department_id as _,
        data.code,
        data.name,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

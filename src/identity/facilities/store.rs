//! SQL of facilities.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::FacilityId;
use kernel::text::name_key;
use platform::db::TenantTx;
use sqlx::types::Json;

use super::model::{Facility, FacilityAddress, FacilityKind, NewFacility, PlaceStatus};

struct Row {
    id: FacilityId,
    code: String,
    name: String,
    kind: FacilityKind,
    time_zone: String,
    phone: Option<String>,
    address: Option<Json<FacilityAddress>>,
    status: PlaceStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Facility {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewFacility {
                code: row.code,
                name: row.name,
                kind: row.kind,
                time_zone: row.time_zone,
                phone: row.phone,
                address: row.address.map(|Json(address)| address),
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &NewFacility,
    now: Instant,
) -> Result<FacilityId> {
    let tenant = tx.tenant();
    let id = FacilityId::new();
    sqlx::query!(
        r#"insert into app.facilities (tenant_id, id, code, name, kind, time_zone, phone, address, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"#,
        tenant as _,
        id as _,
        new.code,
        new.name,
        new.kind as _,
        new.time_zone,
        new.phone,
        new.address.as_ref().map(Json) as _,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: FacilityId) -> Result<Option<Facility>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, kind as "kind: _", time_zone, phone, address as "address: _",
                  status as "status: _", version, created_at, updated_at
             from app.facilities where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn lock(tx: &mut TenantTx, id: FacilityId) -> Result<Option<Facility>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, kind as "kind: _", time_zone, phone, address as "address: _",
                  status as "status: _", version, created_at, updated_at
             from app.facilities where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Which facilities are wanted.
pub(super) struct Narrowed<'a> {
    pub status: Option<PlaceStatus>,
    pub words: Option<&'a str>,
    pub code: Option<&'a str>,
    /// Whether the schedule knows hours there.
    pub has_hours: Option<bool>,
}

/// By name, then id. There are some thousand at most, so the words of the names are compared as they are read.
pub(super) async fn page(
    tx: &mut TenantTx,
    wanted: Narrowed<'_>,
    after: Option<(String, FacilityId)>,
    limit: i64,
) -> Result<Vec<Facility>> {
    let tenant = tx.tenant();
    let (name, id) = after.unzip();
    let all = if wanted.words.is_some() {
        i64::MAX
    } else {
        limit
    };
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, kind as "kind: _", time_zone, phone, address as "address: _",
                  status as "status: _", version, created_at, updated_at
             from app.facilities f
            where f.tenant_id = $1
              and ($2::text is null or status = $2)
              and ($3::text is null or (name collate "C", id) > ($3 collate "C", $4))
              and ($6::text is null or code = $6)
              and ($7::boolean is null or $7 = exists (select from app.working_times w
                                                        where w.tenant_id = $1 and w.facility_id = f.id and w.status = 'active'))
            order by name collate "C", id
            limit $5"#,
        tenant as _,
        wanted.status as _,
        name,
        id as _,
        all,
        wanted.code,
        wanted.has_hours
    )
    .fetch_all(tx.conn())
    .await?;
    let named = |row: &Row| match wanted.words {
        Some(words) => format!(" {}", name_key(&row.name)).contains(&format!(" {words}")),
        None => true,
    };
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    let found = rows.into_iter().filter(named).take(most);
    Ok(found.map(Into::into).collect())
}

/// How many appointments stand there that are still to come, whoever's they are.
pub(super) async fn still_to_come(tx: &mut TenantTx, id: FacilityId, now: Instant) -> Result<i64> {
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from app.standing_appointments($1, null, $2, $2::timestamptz + interval '10 years', $2, 1000000)"#,
        id as _,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// How many places are held there, for an answer to an offer, too.
pub(super) async fn held(tx: &mut TenantTx, id: FacilityId, now: Instant) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.appointment_holds
            where tenant_id = $1 and facility_id = $2 and status = 'open' and expires_at > $3"#,
        tenant as _,
        id as _,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: FacilityId,
    data: &NewFacility,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.facilities
              set code = $3, name = $4, kind = $5, time_zone = $6, phone = $7, address = $8, status = $9,
                  version = version + 1, updated_at = $10
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.code,
        data.name,
        data.kind as _,
        data.time_zone,
        data.phone,
        data.address.as_ref().map(Json) as _,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of services.

use identity::facilities::PlaceStatus;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::ServiceId;
use platform::db::TenantTx;

use super::model::{AppointmentType, ListServices, NewService, Service};
use crate::assets::AssetKind;

struct Row {
    id: ServiceId,
    code: String,
    name: String,
    appointment_type: AppointmentType,
    duration_minutes: i32,
    prep_minutes: i32,
    cleanup_minutes: i32,
    align_minutes: i32,
    lead_minutes: i32,
    ahead_days: i32,
    capacity: i32,
    overbook_per_day: i32,
    needs_provider: bool,
    skills: Vec<String>,
    room_kind: Option<String>,
    equipment_kinds: Vec<String>,
    self_booking: bool,
    status: PlaceStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Service {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewService {
                code: row.code,
                name: row.name,
                appointment_type: row.appointment_type,
                duration_minutes: row.duration_minutes,
                prep_minutes: row.prep_minutes,
                cleanup_minutes: row.cleanup_minutes,
                align_minutes: row.align_minutes,
                lead_minutes: row.lead_minutes,
                ahead_days: row.ahead_days,
                capacity: row.capacity,
                overbook_per_day: row.overbook_per_day,
                needs_provider: row.needs_provider,
                skills: row.skills,
                room_kind: row.room_kind,
                equipment_kinds: row.equipment_kinds,
                self_booking: row.self_booking,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            warnings: Vec::new(),
        }
    }
}

pub(super) async fn insert(tx: &mut TenantTx, new: &NewService, now: Instant) -> Result<ServiceId> {
    let tenant = tx.tenant();
    let id = ServiceId::new();
    sqlx::query!(
        r#"insert into app.scheduling_services
                  (tenant_id, id, code, name, appointment_type, duration_minutes, prep_minutes, cleanup_minutes, align_minutes,
                   lead_minutes, ahead_days, capacity, overbook_per_day, needs_provider, skills, room_kind, equipment_kinds,
                   self_booking, status, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)"#,
        tenant as _,
        id as _,
        new.code,
        new.name,
        new.appointment_type as _,
        new.duration_minutes,
        new.prep_minutes,
        new.cleanup_minutes,
        new.align_minutes,
        new.lead_minutes,
        new.ahead_days,
        new.capacity,
        new.overbook_per_day,
        new.needs_provider,
        &new.skills,
        new.room_kind,
        &new.equipment_kinds,
        new.self_booking,
        new.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: ServiceId) -> Result<Option<Service>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, appointment_type as "appointment_type: _", duration_minutes, prep_minutes,
                  cleanup_minutes, align_minutes, lead_minutes, ahead_days, capacity, overbook_per_day, needs_provider, skills,
                  room_kind, equipment_kinds, self_booking, status as "status: _", version, created_at, updated_at
             from app.scheduling_services where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, id: ServiceId) -> Result<Option<Service>> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.scheduling_services where tenant_id = $1 and id = $2 for update",
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
    query: &ListServices,
    after: Option<(String, ServiceId)>,
    limit: i64,
) -> Result<Vec<Service>> {
    let tenant = tx.tenant();
    let (name, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, appointment_type as "appointment_type: _", duration_minutes, prep_minutes,
                  cleanup_minutes, align_minutes, lead_minutes, ahead_days, capacity, overbook_per_day, needs_provider, skills,
                  room_kind, equipment_kinds, self_booking, status as "status: _", version, created_at, updated_at
             from app.scheduling_services
            where tenant_id = $1
              and ($2::text is null or appointment_type = $2)
              and ($3::boolean is null or self_booking = $3)
              and ($4::text is null or status = $4)
              and ($5::text is null or (name collate "C", id) > ($5 collate "C", $6))
            order by name collate "C", id
            limit $7"#,
        tenant as _,
        query.appointment_type as _,
        query.self_booking,
        query.status as _,
        name,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Those that are offered, by name; at most 500.
pub(super) async fn all_active(tx: &mut TenantTx) -> Result<Vec<Service>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", code, name, appointment_type as "appointment_type: _", duration_minutes, prep_minutes,
                  cleanup_minutes, align_minutes, lead_minutes, ahead_days, capacity, overbook_per_day, needs_provider, skills,
                  room_kind, equipment_kinds, self_booking, status as "status: _", version, created_at, updated_at
             from app.scheduling_services
            where tenant_id = $1 and status = 'active'
            order by name collate "C", id
            limit 500"#,
        tenant as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: ServiceId,
    data: &NewService,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.scheduling_services
              set code = $3, name = $4, appointment_type = $5, duration_minutes = $6, prep_minutes = $7, cleanup_minutes = $8,
                  align_minutes = $9, lead_minutes = $10, ahead_days = $11, capacity = $12, overbook_per_day = $13,
                  needs_provider = $14, skills = $15, room_kind = $16, equipment_kinds = $17, self_booking = $18, status = $19,
                  version = version + 1, updated_at = $20
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        data.code,
        data.name,
        data.appointment_type as _,
        data.duration_minutes,
        data.prep_minutes,
        data.cleanup_minutes,
        data.align_minutes,
        data.lead_minutes,
        data.ahead_days,
        data.capacity,
        data.overbook_per_day,
        data.needs_provider,
        &data.skills,
        data.room_kind,
        &data.equipment_kinds,
        data.self_booking,
        data.status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Which of these skills some provider has.
pub(super) async fn held_of(tx: &mut TenantTx, skills: &[String]) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    let held = sqlx::query_scalar!(
        r#"select s.skill as "skill!" from unnest($2::text[]) as s (skill)
            where exists (select from app.provider_specialty_keys k where k.tenant_id = $1 and k.key = s.skill)"#,
        tenant as _,
        skills
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(held)
}

/// Those of these kinds of rooms, or of devices, of which there is one.
pub(super) async fn kinds_of(
    tx: &mut TenantTx,
    what: AssetKind,
    kinds: &[String],
) -> Result<Vec<String>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select a.asset_kind from app.scheduling_assets a
            where a.tenant_id = $1 and a.kind = $2 and a.status = 'active' and a.asset_kind = any($3)"#,
        tenant as _,
        what as _,
        kinds
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

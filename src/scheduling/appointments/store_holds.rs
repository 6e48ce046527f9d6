//! SQL of holds.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, AssetId, FacilityId, HoldId, PatientId, ProviderId, ServiceId, StaffId, UserId,
};
use platform::db::TenantTx;

use super::model::{Hold, HoldStatus};
use super::placement::Placed;

struct Row {
    id: HoldId,
    patient_id: PatientId,
    service_id: ServiceId,
    facility_id: FacilityId,
    provider_id: Option<ProviderId>,
    others: Option<Vec<ProviderId>>,
    staff: Option<Vec<StaffId>>,
    room_id: Option<AssetId>,
    equipment: Option<Vec<AssetId>>,
    starts_at: Instant,
    ends_at: Instant,
    status: HoldStatus,
    expires_at: Instant,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Hold {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            service_id: row.service_id,
            facility_id: row.facility_id,
            provider_id: row.provider_id,
            other_provider_ids: row.others.unwrap_or_default(),
            staff_ids: row.staff.unwrap_or_default(),
            room_id: row.room_id,
            equipment_ids: row.equipment.unwrap_or_default(),
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            status: row.status,
            expires_at: row.expires_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// As it stands at `now`: an open one whose time has run out is expired.
pub(super) async fn find(tx: &mut TenantTx, id: HoldId, now: Instant) -> Result<Option<Hold>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select h.id as "id: _", h.patient_id as "patient_id: _", h.service_id as "service_id: _", h.facility_id as "facility_id: _",
                  h.provider_id as "provider_id: _", o.others as "others: Vec<ProviderId>", o.staff as "staff: Vec<StaffId>",
                  o.room_id as "room_id: AssetId", o.equipment as "equipment: Vec<AssetId>", h.starts_at, h.ends_at,
                  case when h.status = 'open' and h.expires_at <= $3 then 'expired' else h.status end as "status!: _",
                  h.expires_at, h.version, h.created_at, h.updated_at
             from app.appointment_holds h
             left join lateral (
                  select array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id <> h.provider_id) as others,
                         array_agg(r.staff_id order by r.staff_id) filter (where r.staff_id is not null) as staff,
                         array_agg(x.id order by x.id) filter (where x.kind = 'equipment') as equipment,
                         (array_agg(x.id) filter (where x.kind = 'room'))[1] as room_id
                    from app.reservations r
                    left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
                   where r.tenant_id = $1 and r.hold_id = h.id) o on true
            where h.tenant_id = $1 and h.id = $2"#,
        tenant as _,
        id as _,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Hold::from))
}

/// As [`find`], to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: HoldId, now: Instant) -> Result<Option<Hold>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        "select status from app.appointment_holds where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    match found {
        Some(_) => find(tx, id, now).await,
        None => Ok(None),
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: HoldId,
    placed: &Placed,
    expires_at: Instant,
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let wish = &placed.placement;
    sqlx::query!(
        "insert into app.appointment_holds (tenant_id, id, patient_id, service_id, facility_id, provider_id, starts_at, ends_at,
                expires_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
        tenant as _,
        id as _,
        wish.patient as _,
        wish.service as _,
        wish.facility as _,
        placed.leader() as _,
        wish.starts_at,
        placed.ends_at,
        expires_at,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the waitlist offers what it keeps. It begins and ends with its offer, in the same transactions.
pub(super) async fn is_offered(tx: &mut TenantTx, id: HoldId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app.waitlist_offers
                           where tenant_id = $1 and hold_id = $2 and status = 'open') as "offered!""#,
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// What was booked of it: what it kept was handed over. Later moved, it is what took its place; called off, it is nothing.
pub(super) async fn booked(tx: &mut TenantTx, id: HoldId) -> Result<Option<AppointmentId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"with recursive chain (id, status) as (
               select a.id, a.status
                 from app.appointment_holds h
                 join app.reservations r on r.tenant_id = $1 and r.hold_id = h.id
                 join app.appointments a on a.tenant_id = $1 and a.id = r.appointment_id
                where h.tenant_id = $1 and h.id = $2 and h.status = 'booked'
               union
               select a.id, a.status
                 from chain c join app.appointments a on a.tenant_id = $1 and a.rescheduled_from = c.id)
           select id as "id!: AppointmentId" from chain where status not in ('cancelled', 'rescheduled') limit 1"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Ends a hold locked before.
pub(super) async fn close(
    tx: &mut TenantTx,
    id: HoldId,
    status: HoldStatus,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.appointment_holds set status = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

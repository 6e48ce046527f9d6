//! One appointment at a time.

use chrono::NaiveDateTime;
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, AssetId, EncounterId, FacilityId, HoldId, PatientId, ProviderId, SeriesId,
    ServiceId, StaffId, UserId,
};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::booking::{Booker, Details};
use super::model::{Appointment, AppointmentDetails, CancelledBy, Priority};
use super::placement::Placed;
use super::status::AppointmentStatus;
use crate::services::AppointmentType;

pub(super) struct Row {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub service: String,
    pub facility_id: FacilityId,
    pub provider_id: Option<ProviderId>,
    pub provider: Option<String>,
    pub others: Option<Vec<ProviderId>>,
    pub staff: Option<Vec<StaffId>>,
    pub room_id: Option<AssetId>,
    pub room: Option<String>,
    pub equipment: Option<Vec<AssetId>>,
    pub kind: AppointmentType,
    pub priority: Priority,
    pub status: AppointmentStatus,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub time_zone: String,
    pub local_start: NaiveDateTime,
    pub chief_complaint: Option<String>,
    pub notes: Option<String>,
    pub join_url: Option<String>,
    pub overbooked: bool,
    pub overbook_reason: Option<String>,
    pub series_id: Option<SeriesId>,
    pub rescheduled_from: Option<AppointmentId>,
    pub encounter_id: Option<EncounterId>,
    pub cancelled_by: Option<CancelledBy>,
    pub cancel_reason: Option<String>,
    pub confirmed_at: Option<Instant>,
    pub checked_in_at: Option<Instant>,
    pub roomed_at: Option<Instant>,
    pub roomed_in: Option<AssetId>,
    pub roomed_by: Option<UserId>,
    pub started_at: Option<Instant>,
    pub completed_at: Option<Instant>,
    pub cancelled_at: Option<Instant>,
    pub booked_by_role: String,
    pub created_by: Option<UserId>,
    pub closed_by: Option<UserId>,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl From<Row> for Appointment {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            service_id: row.service_id,
            service: row.service,
            facility_id: row.facility_id,
            provider_id: row.provider_id,
            provider: row.provider,
            other_provider_ids: row.others.unwrap_or_default(),
            staff_ids: row.staff.unwrap_or_default(),
            room_id: row.room_id,
            room: row.room,
            equipment_ids: row.equipment.unwrap_or_default(),
            kind: row.kind,
            priority: row.priority,
            status: row.status,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            time_zone: row.time_zone,
            local_start: row.local_start.format("%Y-%m-%dT%H:%M:%S").to_string(),
            chief_complaint: row.chief_complaint,
            notes: row.notes,
            join_url: row.join_url,
            overbooked: row.overbooked,
            overbook_reason: row.overbook_reason,
            series_id: row.series_id,
            rescheduled_from: row.rescheduled_from,
            encounter_id: row.encounter_id,
            cancelled_by: row.cancelled_by,
            cancel_reason: row.cancel_reason,
            confirmed_at: row.confirmed_at,
            checked_in_at: row.checked_in_at,
            roomed_at: row.roomed_at,
            roomed_in: row.roomed_in,
            roomed_by: row.roomed_by,
            started_at: row.started_at,
            completed_at: row.completed_at,
            cancelled_at: row.cancelled_at,
            booked_by_role: row.booked_by_role,
            created_by: row.created_by,
            closed_by: row.closed_by,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A query for [`Row`]s: what stands before the `select`, and what is asked of the appointment `a` besides its tenant (`$1`).
macro_rules! rows {
    ($before:tt, $after:tt, $($argument:expr),+ $(,)?) => {
        sqlx::query_as!(
            $crate::appointments::store::Row,
            $before + r#"select a.id as "id: _", a.patient_id as "patient_id: _", a.service_id as "service_id: _", s.name as service,
                  a.facility_id as "facility_id: _", a.provider_id as "provider_id: _",
                  p.given_name || ' ' || p.family_name || coalesce(', ' || p.credential, '') as provider,
                  o.others as "others: Vec<ProviderId>", o.staff as "staff: Vec<StaffId>", o.room_id as "room_id: AssetId",
                  o.room, o.equipment as "equipment: Vec<AssetId>",
                  a.type as "kind: _", a.priority as "priority: _", a.status as "status: _", a.starts_at, a.ends_at, a.time_zone,
                  a.local_start, a.chief_complaint, a.notes, a.join_url, a.overbooked, a.overbook_reason,
                  a.series_id as "series_id: _", a.rescheduled_from as "rescheduled_from: _", a.encounter_id as "encounter_id: _",
                  a.cancelled_by as "cancelled_by: _", a.cancel_reason, a.confirmed_at, a.checked_in_at,
                  a.roomed_at, a.roomed_in as "roomed_in: _", a.roomed_by as "roomed_by: _", a.started_at, a.completed_at, a.cancelled_at,
                  a.booked_by_role, a.created_by as "created_by: _", a.closed_by as "closed_by: _",
                  a.version, a.created_at, a.updated_at
             from app.appointments a
             join app.scheduling_services s on s.tenant_id = $1 and s.id = a.service_id
             left join app.providers p on p.tenant_id = $1 and p.id = a.provider_id
             left join lateral (
                  select array_agg(r.provider_id order by r.provider_id) filter (where r.provider_id <> a.provider_id) as others,
                         array_agg(r.staff_id order by r.staff_id) filter (where r.staff_id is not null) as staff,
                         array_agg(x.id order by x.id) filter (where x.kind = 'equipment') as equipment,
                         (array_agg(x.id) filter (where x.kind = 'room'))[1] as room_id,
                         max(x.name) filter (where x.kind = 'room') as room
                    from app.reservations r
                    left join app.scheduling_assets x on x.tenant_id = $1 and x.id = r.asset_id
                   where r.tenant_id = $1 and r.appointment_id = a.id) o on true
            where a.tenant_id = $1"# + $after,
            $($argument),+
        )
    };
}
pub(super) use rows;

/// `patient` narrows to his appointments: one of another patient is not found.
pub(super) async fn find(
    tx: &mut TenantTx,
    patient: Option<PatientId>,
    id: AppointmentId,
) -> Result<Option<Appointment>> {
    let tenant = tx.tenant();
    let row = rows!(
        "",
        " and a.id = $2 and ($3::uuid is null or a.patient_id = $3)",
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Appointment::from))
}

/// Fetches the appointment to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: AppointmentId) -> Result<Appointment> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select status from app.appointments where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    find(tx, None, id).await?.ok_or_else(Error::not_found)
}

/// Locks appointments to be changed, by their ids, so that nobody waits in a circle.
pub(super) async fn lock_all(tx: &mut TenantTx, ids: &[AppointmentId]) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query_scalar!(
        "select status from app.appointments where tenant_id = $1 and id = any($2) order by id for no key update",
        tenant as _,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: AppointmentId,
    placed: &Placed,
    (details, overbooked): (&Details, bool),
    by: Booker,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let wish = &placed.placement;
    sqlx::query!(
        "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, provider_id, type, priority, starts_at,
                ends_at, time_zone, local_start, chief_complaint, notes, join_url, overbooked, overbook_reason, series_id,
                rescheduled_from, booked_by_role, created_by, created_at, updated_at, encounter_id)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $23, $16, $17, $18, $19, $20, $21, $21,
                 $22)",
        tenant as _,
        id as _,
        wish.patient as _,
        wish.service as _,
        wish.facility as _,
        placed.leader() as _,
        placed.service.data.appointment_type as _,
        details.priority as _,
        wish.starts_at,
        placed.ends_at,
        placed.time_zone,
        placed.local_start,
        details.chief_complaint,
        details.notes,
        details.join_url,
        details.overbook_reason,
        details.series as _,
        details.rescheduled_from as _,
        by.role_name(),
        by.user as _,
        now,
        details.encounter as _,
        overbooked,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what can be amended over an appointment locked before.
pub(super) async fn amend(
    tx: &mut TenantTx,
    id: AppointmentId,
    details: &AppointmentDetails,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.appointments
            set priority = $3, chief_complaint = $4, notes = $5, join_url = $6, version = version + 1, updated_at = $7
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        details.priority as _,
        details.chief_complaint,
        details.notes,
        details.join_url,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes a step of an appointment locked before, with the moment the step has a column for. Nobody has closed it, then.
pub(super) async fn step(
    tx: &mut TenantTx,
    id: AppointmentId,
    status: AppointmentStatus,
    encounter: Option<EncounterId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.appointments
            set status = $3, encounter_id = coalesce($4, encounter_id), closed_by = null, version = version + 1, updated_at = $5,
                came_late = came_late or status = 'no_show',
                confirmed_at = case when $3::text = 'confirmed' then $5 else confirmed_at end,
                checked_in_at = case when $3::text = 'checked_in' then $5 else checked_in_at end,
                started_at = case when $3::text = 'in_progress' then $5 else started_at end,
                -- Who is still in his room when he is seen keeps it; who was forgotten there may have lost it to another.
                roomed_while = case when $3::text = 'in_progress' and upper(roomed_while) > $5
                                    then tstzrange(lower(roomed_while), greatest(upper(roomed_while), $5 + $6::interval)) else roomed_while end,
                completed_at = case when $3::text = 'completed' then $5 else completed_at end,
                -- Who comes late may find nobody there any more whom he was booked over.
                overbooked = overbooked and exists (select from app.reservations r
                                                     where r.tenant_id = $1 and r.appointment_id = $2 and r.state = 'overbooked')
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        encounter as _,
        now,
        super::rooming::KEPT as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Who was missed is in no room any more, wherever he sat before: another may have it by now.
pub(super) async fn leave_room(tx: &mut TenantTx, id: AppointmentId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.appointments
            set roomed_at = null, roomed_in = null, roomed_by = null, roomed_while = null, roomed_alone = default,
                version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2 and roomed_in is not null",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes back the check-in of an appointment locked before: it stands as it stood, and he is in no room. Answers its status.
pub(super) async fn undo_check_in(
    tx: &mut TenantTx,
    id: AppointmentId,
    by: UserId,
    now: Instant,
) -> Result<AppointmentStatus> {
    let tenant = tx.tenant();
    let status = sqlx::query_scalar!(
        r#"update app.appointments
            set status = case when came_late then 'no_show' when confirmed_at is null then 'scheduled' else 'confirmed' end,
                closed_by = case when came_late then $4::uuid end, came_late = false, checked_in_at = null,
                roomed_at = null, roomed_in = null, roomed_by = null, roomed_while = null, roomed_alone = default,
                version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2
      returning status as "status: AppointmentStatus""#,
        tenant as _,
        id as _,
        now,
        by as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(status)
}

/// Puts the patient of an appointment locked before into a room of its facility. Answers whether there is such a room. Since
/// when he has been in one stays as it was.
pub(super) async fn put_into_room(
    tx: &mut TenantTx,
    id: AppointmentId,
    (room, shared): (AssetId, bool),
    (now, until): (Instant, Instant),
    by: UserId,
) -> Result<bool> {
    let tenant = tx.tenant();
    let put = sqlx::query!(
        "update app.appointments a
            set roomed_in = x.id, roomed_by = $4, roomed_at = coalesce(a.roomed_at, $5), roomed_alone = not $6,
                roomed_while = tstzrange($5, $7), version = a.version + 1, updated_at = $5
           from app.scheduling_assets x
          where a.tenant_id = $1 and a.id = $2 and x.tenant_id = $1 and x.id = $3 and x.facility_id = a.facility_id
            and x.kind = 'room' and x.status = 'active'",
        tenant as _,
        id as _,
        room as _,
        by as _,
        now,
        shared,
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(put.rows_affected() == 1)
}

/// Whether the patient of another appointment sits in the room then, seen by the caller or not.
pub(super) async fn sits_in_room(
    tx: &mut TenantTx,
    room: AssetId,
    besides: AppointmentId,
    now: Instant,
) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"select app.sits_in_room($1, $2, $3) as "sits!""#,
        room as _,
        besides as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// How an appointment that does not take place ends.
pub(super) struct Ending<'a> {
    pub status: AppointmentStatus,
    pub by: Option<CancelledBy>,
    pub reason: Option<&'a str>,
    pub closed_by: Option<UserId>,
}

/// Ends appointments locked before.
pub(super) async fn end(
    tx: &mut TenantTx,
    ids: &[AppointmentId],
    how: &Ending<'_>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<uuid::Uuid> = ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update app.appointments
            set status = $3, cancelled_by = $4, cancel_reason = $5, closed_by = $6, version = version + 1, updated_at = $7,
                cancelled_at = case when $3::text = 'cancelled' then $7::timestamptz end
          where tenant_id = $1 and id = any($2)",
        tenant as _,
        &ids,
        how.status as _,
        how.by as _,
        how.reason,
        how.closed_by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Holds a patient's registration until the transaction ends: who books for him elsewhere waits. A patient may lock no row of his
/// chart, so his own is locked for him; who answers by a link works as the system, which has none of its own.
pub(super) async fn hold_chart(tx: &mut TenantTx, patient: PatientId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!("select app.hold_own_chart()")
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "select id from app.patients where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        patient as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

/// How many appointments and holds of a patient are still to come, but for one hold.
pub(super) async fn open_of(
    tx: &mut TenantTx,
    patient: PatientId,
    besides: Option<HoldId>,
    now: Instant,
) -> Result<i64> {
    let tenant = tx.tenant();
    let open = sqlx::query_scalar!(
        r#"select (select count(*) from app.appointments a
                    where a.tenant_id = $1 and a.patient_id = $2 and a.starts_at > $3 and a.status in ('scheduled', 'confirmed'))
                + (select count(*) from app.appointment_holds h
                    where h.tenant_id = $1 and h.patient_id = $2 and h.status = 'open' and h.expires_at > $3
                      and h.id is distinct from $4) as "open!""#,
        tenant as _,
        patient as _,
        now,
        besides as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(open)
}

//! SQL of offers and of matching.

use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, AssetId, FacilityId, HoldId, PatientId, ProviderId, ServiceId, StaffId,
    WaitlistEntryId, WaitlistOfferId,
};
use kernel::{Error, Result};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{OfferStatus, WaitlistOffer};
use super::triage::Triage;
use crate::flow::flow_settings::TriageRules;

struct Row {
    id: WaitlistOfferId,
    entry_id: WaitlistEntryId,
    patient_id: PatientId,
    facility_id: FacilityId,
    provider_id: Option<ProviderId>,
    starts_at: Instant,
    ends_at: Instant,
    deadline: Instant,
    status: OfferStatus,
    triage: Json<Triage>,
    appointment_id: Option<AppointmentId>,
    standing: Option<AppointmentId>,
    answered_at: Option<Instant>,
    version: i64,
    created_at: Instant,
}

impl From<Row> for WaitlistOffer {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            entry_id: row.entry_id,
            patient_id: row.patient_id,
            facility_id: row.facility_id,
            provider_id: row.provider_id,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            deadline: row.deadline,
            status: row.status,
            triage: Some(row.triage.0),
            appointment_id: row.appointment_id,
            standing_appointment_id: row.standing,
            answered_at: row.answered_at,
            version: row.version,
            created_at: row.created_at,
        }
    }
}

/// Offers: one, or those made to a request, newest first.
pub(super) async fn find(
    tx: &mut TenantTx,
    id: Option<WaitlistOfferId>,
    entry: Option<WaitlistEntryId>,
) -> Result<Vec<WaitlistOffer>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select o.id as "id: _", o.entry_id as "entry_id: _", o.patient_id as "patient_id: _", o.facility_id as "facility_id: _",
                  o.provider_id as "provider_id: _", o.starts_at, o.ends_at, o.deadline, o.status as "status: _",
                  o.triage as "triage: _", o.appointment_id as "appointment_id: _", o.answered_at, o.version, o.created_at,
                  case when o.status in ('open', 'accepted') then (
                       select a.id from app.appointments a
                        where a.tenant_id = $1 and a.patient_id = o.patient_id and a.service_id = w.service_id
                          and a.status in ('scheduled', 'confirmed') and a.starts_at > o.starts_at
                          and a.id is distinct from o.appointment_id
                        order by a.starts_at, a.id limit 1) end as "standing: _"
             from app.waitlist_offers o
             join app.waitlist_entries w on w.tenant_id = $1 and w.patient_id = o.patient_id and w.id = o.entry_id
            where o.tenant_id = $1 and (o.id = $2 or o.entry_id = $3)
            order by o.created_at desc, o.id desc limit 200"#,
        tenant as _,
        id as _,
        entry as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// An offer, and what it hangs on.
pub(super) struct Locked {
    pub offer: WaitlistOffer,
    pub hold: HoldId,
    /// Whose place it was; none for time that was free.
    pub freed_by: Option<AppointmentId>,
}

/// The offer, held until the transaction ends; `not_found` if the caller may not see it.
pub(super) async fn lock(tx: &mut TenantTx, id: WaitlistOfferId) -> Result<Locked> {
    let tenant = tx.tenant();
    let held = sqlx::query!(
        r#"select hold_id as "hold: HoldId", freed_by as "freed_by?: AppointmentId"
             from app.waitlist_offers where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    let offer = find(tx, Some(id), None).await?.pop();
    Ok(Locked {
        offer: offer.ok_or_else(Error::not_found)?,
        hold: held.hold,
        freed_by: held.freed_by,
    })
}

/// The open offer of a request.
pub(super) async fn open_of(
    tx: &mut TenantTx,
    entry: WaitlistEntryId,
) -> Result<Option<WaitlistOfferId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select id as "id: _" from app.waitlist_offers where tenant_id = $1 and entry_id = $2 and status = 'open'"#,
        tenant as _,
        entry as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    offer: &WaitlistOffer,
    hold: HoldId,
    freed_by: Option<AppointmentId>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.waitlist_offers (tenant_id, id, patient_id, entry_id, freed_by, hold_id, facility_id, provider_id, starts_at,
                                          ends_at, deadline, triage, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)",
        tenant as _,
        offer.id as _,
        offer.patient_id as _,
        offer.entry_id as _,
        freed_by as _,
        hold as _,
        offer.facility_id as _,
        offer.provider_id as _,
        offer.starts_at,
        offer.ends_at,
        offer.deadline,
        Json(&offer.triage) as _,
        offer.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn answer(
    tx: &mut TenantTx,
    id: WaitlistOfferId,
    status: OfferStatus,
    appointment: Option<AppointmentId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.waitlist_offers
            set status = $3, appointment_id = $4, answered_at = $5, version = version + 1, updated_at = $5
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        appointment as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A place that has become free.
pub(super) struct Freed {
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub facility_id: FacilityId,
    pub provider_id: Option<ProviderId>,
    pub starts_at: Instant,
    /// Of a visit as long as the service says, whatever the one was that was called off.
    pub ends_at: Instant,
    pub providers: Vec<Uuid>,
    pub staff: Vec<Uuid>,
    pub rooms: Vec<Uuid>,
    pub equipment: Vec<Uuid>,
}

impl Freed {
    /// The one who leads first.
    pub fn providers(&self) -> Vec<ProviderId> {
        let others = self.providers.iter().copied().map(ProviderId);
        let others = others.filter(|id| Some(*id) != self.provider_id);
        self.provider_id.into_iter().chain(others).collect()
    }
    pub fn staff(&self) -> Vec<StaffId> {
        self.staff.iter().copied().map(StaffId).collect()
    }
    pub fn room(&self) -> Option<AssetId> {
        self.rooms.first().copied().map(AssetId)
    }
    pub fn equipment(&self) -> Vec<AssetId> {
        self.equipment.iter().copied().map(AssetId).collect()
    }
}

/// The place of an appointment that was called off or moved, if it is still to come and nobody is offered it.
pub(super) async fn freed(
    tx: &mut TenantTx,
    id: AppointmentId,
    not_before: Instant,
) -> Result<Option<Freed>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Freed,
        r#"select a.patient_id as "patient_id: _", a.service_id as "service_id: _", a.facility_id as "facility_id: _",
                  a.provider_id as "provider_id: _", a.starts_at,
                  a.starts_at + s.duration_minutes * interval '1 minute' as "ends_at!",
                  coalesce(array_agg(r.provider_id) filter (where r.provider_id is not null), '{}') as "providers!",
                  coalesce(array_agg(r.staff_id) filter (where r.staff_id is not null), '{}') as "staff!",
                  coalesce(array_agg(x.id) filter (where x.kind = 'room'), '{}') as "rooms!",
                  coalesce(array_agg(x.id) filter (where x.kind = 'equipment'), '{}') as "equipment!"
             from app.appointments a
             join app.scheduling_services s on s.tenant_id = a.tenant_id and s.id = a.service_id
             left join app.reservations r on r.tenant_id = a.tenant_id and r.appointment_id = a.id
             left join app.scheduling_assets x on x.tenant_id = r.tenant_id and x.id = r.asset_id
            where a.tenant_id = $1 and a.id = $2 and a.status in ('cancelled', 'rescheduled') and a.starts_at >= $3
              and not a.overbooked
              and not exists (select from app.waitlist_offers o
                               where o.tenant_id = $1 and o.freed_by = a.id and o.status in ('open', 'accepted'))
            group by a.tenant_id, a.id, s.duration_minutes"#,
        tenant as _,
        id as _,
        not_before,
    )
    .fetch_optional(tx.conn())
    .await?)
}

/// Requests that the place would do for, but for their windows: nobody who has been offered it or turned that time down, is
/// occupied then, has an appointment for the same that is sooner, or is the one who gave it up. Those with the most points.
pub(super) async fn candidates(
    tx: &mut TenantTx,
    freed_by: AppointmentId,
    freed: &Freed,
    rules: &TriageRules,
    now: Instant,
) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select w.id
             from app.waitlist_entries w
             join app.patients p on p.tenant_id = w.tenant_id and p.id = w.patient_id and p.status = 'active' and p.deleted_at is null
            where w.tenant_id = $1 and w.service_id = $2 and w.status = 'waiting' and w.patient_id <> $3
              and (w.facility_id is null or w.facility_id = $4)
              and (cardinality(w.provider_ids) = 0 or $5 = any(w.provider_ids))
              and not exists (select from app.waitlist_offers o where o.tenant_id = $1 and o.entry_id = w.id
                                 and (o.freed_by = $6 or o.status in ('declined', 'expired') and o.starts_at < $8 and o.ends_at > $7))
              and not exists (select from app.appointments a
                               where a.tenant_id = $1 and a.patient_id = w.patient_id and a.service_id = w.service_id
                                 and a.status in ('scheduled', 'confirmed') and a.starts_at > $9 and a.starts_at < $8)
              and not exists (select from app.reservations r
                               where r.tenant_id = $1 and r.resource_id = w.patient_id and r.starts_at < $8 and r.ends_at > $7
                                 and (r.state in ('booked', 'overbooked') or r.state = 'held' and r.expires_at > $9))
            order by app.waitlist_points($10::jsonb, w.priority, w.flags, w.waiting_since,
                     case when ($10::jsonb ->> 'per_missed_visit')::int = 0 then 0
                          else (select count(*) from app.appointments m where m.tenant_id = $1 and m.patient_id = w.patient_id
                                   and m.status = 'no_show' and m.starts_at > $9::timestamptz - interval '1 year') end, $9) desc,
                     w.waiting_since, w.id limit 1000"#,
        tenant as _,
        freed.service_id as _,
        freed.patient_id as _,
        freed.facility_id as _,
        freed.provider_id as _,
        freed_by as _,
        freed.starts_at,
        freed.ends_at,
        now,
        Json(rules) as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

//! SQL of requests.

use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, FacilityId, PatientId, ProviderId, ServiceId, UserId, WaitlistEntryId,
};
use kernel::{Error, Result};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::model::{ListWaitlist, WaitlistStatus, WaitlistWindow, WaitlistWish};
use crate::appointments::Priority;

/// A request, and how often the patient missed a visit in the last year.
pub(super) struct Row {
    pub id: WaitlistEntryId,
    pub patient_id: PatientId,
    pub service_id: ServiceId,
    pub service: String,
    pub facility_id: Option<FacilityId>,
    pub provider_ids: Vec<Uuid>,
    pub windows: Json<Vec<WaitlistWindow>>,
    pub priority: Priority,
    pub flags: Vec<String>,
    pub reason: Option<String>,
    pub status: WaitlistStatus,
    pub closed_reason: Option<String>,
    pub appointment_id: Option<AppointmentId>,
    pub waiting_since: Instant,
    pub missed: i64,
    /// Whether the patient asked for it himself: then he is offered what he could book himself.
    pub himself: bool,
    pub version: i64,
    pub created_at: Instant,
    pub updated_at: Instant,
}

impl Row {
    pub fn wish(&self) -> WaitlistWish {
        WaitlistWish {
            facility_id: self.facility_id,
            provider_ids: self.provider_ids.iter().copied().map(ProviderId).collect(),
            windows: self.windows.0.clone(),
            priority: self.priority,
            flags: self.flags.clone(),
            reason: self.reason.clone(),
        }
    }
}

/// Which rows.
#[derive(Default)]
pub(super) struct Filter<'a> {
    pub ids: Option<Vec<Uuid>>,
    pub list: Option<&'a ListWaitlist>,
    pub after: Option<(Instant, WaitlistEntryId)>,
}

/// Who waits longest first, from a place on. Without a status, those whose request is open.
pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter<'_>,
    limit: i64,
    now: Instant,
) -> Result<Vec<Row>> {
    let tenant = tx.tenant();
    let (at, place) = filter.after.unzip();
    let list = filter.list;
    Ok(sqlx::query_as!(
        Row,
        r#"select w.id as "id: _", w.patient_id as "patient_id: _", w.service_id as "service_id: _", s.name as service,
                  w.facility_id as "facility_id: _", w.provider_ids, w.windows as "windows: _", w.priority as "priority: _",
                  w.flags, w.reason, w.status as "status: _", w.closed_reason, w.appointment_id as "appointment_id: _",
                  w.waiting_since, w.version, w.created_at, w.updated_at,
                  (select count(*) from app.appointments a where a.tenant_id = $1 and a.patient_id = w.patient_id
                      and a.status = 'no_show' and a.starts_at > $10::timestamptz - interval '1 year') as "missed!",
                  exists (select from app.users u where u.tenant_id = $1 and u.id = w.created_by and u.role = 'patient') as "himself!"
             from app.waitlist_entries w
             join app.scheduling_services s on s.tenant_id = w.tenant_id and s.id = w.service_id
            where w.tenant_id = $1
              and ($2::uuid[] is null or w.id = any($2))
              and ($2::uuid[] is not null or $3::text is null and w.status in ('waiting', 'offered') or w.status = $3)
              and ($4::uuid is null or w.service_id = $4)
              and ($5::uuid is null or w.facility_id is null or w.facility_id = $5)
              and ($6::uuid is null or w.patient_id = $6)
              and ($7::timestamptz is null or (w.waiting_since, w.id) > ($7, $8))
            order by w.waiting_since, w.id limit $9"#,
        tenant as _,
        filter.ids.as_deref() as _,
        list.and_then(|list| list.status) as _,
        list.and_then(|list| list.service_id) as _,
        list.and_then(|list| list.facility_id) as _,
        list.and_then(|list| list.patient_id) as _,
        at,
        place as _,
        limit,
        now,
    )
    .fetch_all(tx.conn())
    .await?)
}

pub(super) async fn get(tx: &mut TenantTx, id: WaitlistEntryId, now: Instant) -> Result<Row> {
    of_ids(tx, vec![id.0], now)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Requests by their ids, who waits longest first.
pub(super) async fn of_ids(tx: &mut TenantTx, ids: Vec<Uuid>, now: Instant) -> Result<Vec<Row>> {
    let at_most = i64::try_from(ids.len()).unwrap_or(i64::MAX);
    let filter = Filter {
        ids: Some(ids),
        ..Filter::default()
    };
    page(tx, &filter, at_most, now).await
}

/// The request, held until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx, id: WaitlistEntryId, now: Instant) -> Result<Row> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select version from app.waitlist_entries where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, id, now).await
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: WaitlistEntryId,
    (patient, service): (PatientId, ServiceId),
    wish: &WaitlistWish,
    (by, since): (Option<UserId>, Instant),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let providers: Vec<Uuid> = wish.provider_ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "insert into app.waitlist_entries (tenant_id, id, patient_id, service_id, facility_id, provider_ids, windows, priority, flags,
                                           reason, waiting_since, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $13, $12, $11, $11)",
        tenant as _,
        id as _,
        patient as _,
        service as _,
        wish.facility_id as _,
        &providers,
        Json(&wish.windows) as _,
        wish.priority as _,
        &wish.flags,
        wish.reason,
        now,
        by as _,
        since,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: WaitlistEntryId,
    wish: &WaitlistWish,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let providers: Vec<Uuid> = wish.provider_ids.iter().map(|id| id.0).collect();
    sqlx::query!(
        "update app.waitlist_entries
            set facility_id = $3, provider_ids = $4, windows = $5, priority = $6, flags = $7, reason = $8, version = version + 1,
                updated_at = $9
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        wish.facility_id as _,
        &providers,
        Json(&wish.windows) as _,
        wish.priority as _,
        &wish.flags,
        wish.reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The request comes to stand elsewhere.
pub(super) async fn step(
    tx: &mut TenantTx,
    id: WaitlistEntryId,
    status: WaitlistStatus,
    (appointment, reason): (Option<AppointmentId>, Option<&str>),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.waitlist_entries
            set status = $3, appointment_id = $4, closed_reason = $5, version = version + 1, updated_at = $6
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        appointment as _,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a patient waits for who is not active any more, locked in the order of ids.
pub(super) async fn of_one_who_left(
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<Vec<WaitlistEntryId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select w.id as "id: WaitlistEntryId"
             from app.waitlist_entries w
             join app.patients p on p.tenant_id = $1 and p.id = w.patient_id and (p.status <> 'active' or p.deleted_at is not null)
            where w.tenant_id = $1 and w.patient_id = $2 and w.status in ('waiting', 'offered')
            order by w.id for update of w"#,
        tenant as _,
        patient as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// What there is of what a wish names.
pub(super) struct Known {
    /// The place is open.
    pub place: bool,
    /// All of the providers are active.
    pub people: bool,
    /// One of the providers, or nobody in particular, has one of the skills, if any is asked for.
    pub able: bool,
}

pub(super) async fn known(
    tx: &mut TenantTx,
    facility: Option<FacilityId>,
    providers: &[ProviderId],
    skills: &[String],
) -> Result<Known> {
    let tenant = tx.tenant();
    let providers: Vec<Uuid> = providers.iter().map(|id| id.0).collect();
    Ok(sqlx::query_as!(
        Known,
        r#"select $2::uuid is null or exists (select from app.facilities where tenant_id = $1 and id = $2 and status = 'active') as "place!",
                  not exists (select from unnest($3::uuid[]) wanted (id) where not exists (select from app.providers p
                      where p.tenant_id = $1 and p.id = wanted.id and p.status = 'active')) as "people!",
                  cardinality($3::uuid[]) = 0 or cardinality($4::text[]) = 0
                      or exists (select from app.provider_specialty_keys k
                                  where k.tenant_id = $1 and k.provider_id = any($3) and k.key = any($4)) as "able!""#,
        tenant as _,
        facility as _,
        &providers,
        skills,
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Active providers who accept no patients, but for those the patient has or had.
pub(super) async fn closed_to(tx: &mut TenantTx, patient: PatientId) -> Result<Vec<ProviderId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select p.id as "id: ProviderId" from app.providers p
            where p.tenant_id = $1 and p.status = 'active' and not p.accepting_patients
              and not exists (select from app.patients q where q.tenant_id = $1 and q.id = $2 and q.primary_provider_id = p.id)
              and not exists (select from app.appointments a where a.tenant_id = $1 and a.patient_id = $2 and a.provider_id = p.id
                                 and a.status <> 'cancelled')"#,
        tenant as _,
        patient as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

//! Encounters in lists. Each list knows its span of time before it asks for rows, so that only those months are visited.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, FacilityId, PatientId, ProviderId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{Encounter, OfPatient};
use super::status::EncounterStatus;
use super::store::rows;
use crate::entries::Remembered;

/// Where a page ended.
pub(super) type Place = (Instant, EncounterId);

/// The first and last start among a patient's next encounters, newest first: of the next `fetch`, or of all of them if
/// `fetch` is `None`, for a filter that the register can't apply.
pub(super) async fn span_of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    query: &OfPatient,
    after: Option<Place>,
    fetch: Option<i64>,
) -> Result<Option<(Instant, Instant)>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let span = sqlx::query!(
        "select min(w.scheduled_start) as first, max(w.scheduled_start) as last
           from (select r.scheduled_start from app.encounter_register r
                  where r.tenant_id = $1 and r.patient_id = $2
                    and ($3::timestamptz is null or r.scheduled_start >= $3)
                    and ($4::timestamptz is null or r.scheduled_start < $4)
                    and ($5::timestamptz is null or (r.scheduled_start, r.id) < ($5, $6::uuid))
                  order by r.scheduled_start desc, r.id desc
                  limit $7) w",
        tenant as _,
        patient as _,
        query.from,
        query.to,
        start,
        id as _,
        fetch,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(span.first.zip(span.last))
}

/// A patient's encounters in a span of time, newest first.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    query: &OfPatient,
    (first, last): (Instant, Instant),
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<Encounter>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let rows = rows!(
        "0",
        " from app.encounters e
             left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
            where e.tenant_id = $1 and e.patient_id = $2 and e.scheduled_start >= $3 and e.scheduled_start <= $4
              and ($5::text is null or e.status = $5)
              and ($6::text is null or e.class = $6)
              and ($7::timestamptz is null or (e.scheduled_start, e.id) < ($7, $8::uuid))
            order by e.scheduled_start desc, e.id desc
            limit $9",
        tenant as _,
        patient as _,
        first,
        last,
        query.status as _,
        query.class as _,
        start,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Encounter::from).collect())
}

/// What a provider attends in `from..to`, newest first.
pub(super) async fn of_provider(
    tx: &mut TenantTx,
    provider: ProviderId,
    (from, to): (Instant, Instant),
    status: Option<EncounterStatus>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<Encounter>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let rows = rows!(
        "0",
        " from app.encounters e
             left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
            where e.tenant_id = $1 and e.attending_provider_id = $2
              and e.scheduled_start >= $3 and e.scheduled_start < $4
              and e.scheduled_start <= coalesce($6::timestamptz, $4)          -- leaves out the months of earlier pages
              and ($5::text is null or e.status = $5)
              and ($6::timestamptz is null or (e.scheduled_start, e.id) < ($6, $7::uuid))
            order by e.scheduled_start desc, e.id desc
            limit $8",
        tenant as _,
        provider as _,
        from,
        to,
        status as _,
        start,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Encounter::from).collect())
}

/// What takes place in a facility in `from..to`, in the order of the day.
pub(super) async fn of_facility(
    tx: &mut TenantTx,
    facility: FacilityId,
    (from, to): (Instant, Instant),
    status: Option<EncounterStatus>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<Encounter>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let rows = rows!(
        "0",
        " from app.encounters e
             left join app.providers p on p.tenant_id = $1 and p.id = e.attending_provider_id
            where e.tenant_id = $1 and e.facility_id = $2
              and e.scheduled_start >= $3 and e.scheduled_start < $4
              and ($5::text is null or e.status = $5)
              and ($6::timestamptz is null or (e.scheduled_start, e.id) > ($6, $7::uuid))
            order by e.scheduled_start, e.id
            limit $8",
        tenant as _,
        facility as _,
        from,
        to,
        status as _,
        start,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Encounter::from).collect())
}

/// Whose encounters, as they were on record at an instant.
pub(super) struct Then {
    provider: Option<ProviderId>,
    /// A facility's come in the order of the day, a provider's the newest first.
    facility: Option<FacilityId>,
    span: (Instant, Instant),
    at: Instant,
}

impl Then {
    pub fn of_provider(provider: ProviderId, span: (Instant, Instant), at: Instant) -> Self {
        Self {
            provider: Some(provider),
            facility: None,
            span,
            at,
        }
    }

    pub fn of_facility(facility: FacilityId, span: (Instant, Instant), at: Instant) -> Self {
        Self {
            provider: None,
            facility: Some(facility),
            span,
            at,
        }
    }
}

/// The last images, at an instant, of what was to begin in a span of time; of the patients the caller may see.
pub(super) async fn then(
    tx: &mut TenantTx,
    which: &Then,
    status: Option<EncounterStatus>,
    after: Option<Place>,
    fetch: i64,
) -> Result<Vec<Encounter>> {
    let tenant = tx.tenant();
    let (start, id) = after.unzip();
    let images = sqlx::query_scalar!(
        r#"with images as materialized (
             select a.after as image, (a.after ->> 'scheduled_start')::timestamptz as start, a.row_id as id
               from app.encounters_then($2, $3, $4, $5, $6) e
               join app.audit_log a on a.tenant_id = $1 and a.at = e.at and a.id = e.id)
           select i.image as "image!: Json<Box<RawValue>>" from images i
            where ($7::text is null or i.image ->> 'status' = $7)
              and ($8::timestamptz is null
                   or case when $3::uuid is null then (i.start, i.id) < ($8, $9::uuid) else (i.start, i.id) > ($8, $9::uuid) end)
            order by case when $3::uuid is null then i.start end desc, i.start, case when $3::uuid is null then i.id end desc, i.id
            limit $10"#,
        tenant as _,
        which.provider as _,
        which.facility as _,
        which.span.0,
        which.span.1,
        which.at,
        status as _,
        start,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    let read = |image: Json<Box<RawValue>>| Encounter::of_image(&image).map_err(Error::internal);
    images.into_iter().map(read).collect()
}

//! SQL of the stays.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{BedStayId, EncounterId, UserId};
use platform::db::TenantTx;
use serde_json::value::RawValue;

use super::super::model::EncounterRecord;
use super::model::BedStay;
use crate::entries::Remembered;

impl Remembered for BedStay {
    const TABLE: &'static str = "bed_stays";
    const RESOURCE: &'static str = "encounter";
    const ORDER: &'static str = "starts_at";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

pub(super) async fn of_encounter(
    tx: &mut TenantTx,
    encounter: EncounterId,
) -> Result<Vec<BedStay>> {
    let tenant = tx.tenant();
    let stays = sqlx::query_as!(
        BedStay,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _",
                  facility_id as "facility_id: _", department_id as "department_id: _", bed, starts_at, ends_at, version
             from app.bed_stays
            where tenant_id = $1 and encounter_id = $2
            order by starts_at, ends_at nulls last"#,
        tenant as _,
        encounter as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(stays)
}

pub(super) async fn exists(tx: &mut TenantTx, encounter: EncounterId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.bed_stays where tenant_id = $1 and encounter_id = $2) as "found!""#,
        tenant as _,
        encounter as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Since when the patient lies where he lies.
pub(super) async fn present(tx: &mut TenantTx, encounter: EncounterId) -> Result<Option<Instant>> {
    let tenant = tx.tenant();
    let since = sqlx::query_scalar!(
        "select starts_at from app.bed_stays where tenant_id = $1 and encounter_id = $2 and ends_at is null",
        tenant as _,
        encounter as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(since)
}

pub(super) async fn end(
    tx: &mut TenantTx,
    encounter: EncounterId,
    at: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.bed_stays set ends_at = $3, version = version + 1, updated_at = $4
          where tenant_id = $1 and encounter_id = $2 and ends_at is null",
        tenant as _,
        encounter as _,
        at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Begins a stay in a bed of the encounter's department.
pub(super) async fn insert(
    tx: &mut TenantTx,
    record: &EncounterRecord,
    bed: &str,
    at: Instant,
    by: UserId,
    now: Instant,
) -> Result<BedStay> {
    let tenant = tx.tenant();
    let stay = sqlx::query_as!(
        BedStay,
        r#"insert into app.bed_stays (tenant_id, id, patient_id, encounter_id, facility_id, department_id, bed, starts_at,
                  created_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)
           returning id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _",
                  facility_id as "facility_id: _", department_id as "department_id: _", bed, starts_at, ends_at, version"#,
        tenant as _,
        BedStayId::new() as _,
        record.patient_id as _,
        record.id as _,
        record.facility_id as _,
        record.department_id as _,
        bed,
        at,
        by as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(stay)
}

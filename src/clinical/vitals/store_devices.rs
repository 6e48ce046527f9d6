//! The numbers devices give their readings.

use std::collections::HashSet;

use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalId, VitalSetId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde::Serialize;

use super::kinds::{VitalCode, VitalKind};
use super::units::Amount;

/// A number to be taken.
#[derive(Serialize)]
pub(super) struct Claim<'a> {
    pub device_id: &'a str,
    pub reading_id: &'a str,
    pub patient_id: PatientId,
    pub measured_at: Instant,
    pub set_id: VitalSetId,
    pub vital_id: VitalId,
}

/// Takes numbers that are not taken. Returns whose readings have theirs.
pub(super) async fn claim(tx: &mut TenantTx, claims: &[Claim<'_>]) -> Result<HashSet<VitalId>> {
    if claims.is_empty() {
        return Ok(HashSet::new());
    }
    let tenant = tx.tenant();
    let rows = serde_json::to_value(claims).map_err(Error::internal)?;
    let taken = sqlx::query_scalar!(
        r#"insert into app.device_readings (tenant_id, device_id, reading_id, patient_id, measured_at, set_id, vital_id)
           select $1, r.device_id, r.reading_id, r.patient_id, r.measured_at, r.set_id, r.vital_id
             from jsonb_to_recordset($2) r (device_id text, reading_id text, patient_id uuid, measured_at timestamptz, set_id uuid,
                  vital_id uuid)
               on conflict do nothing
           returning vital_id as "vital_id: VitalId""#,
        tenant as _,
        rows,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(taken.into_iter().collect())
}

/// A reading that has its number.
pub(super) struct Known {
    pub device_id: String,
    pub reading_id: String,
    pub patient_id: PatientId,
    pub measured_at: Instant,
    pub set_id: VitalSetId,
    pub vital_id: VitalId,
    pub kind: Option<VitalKind>,
    pub value: Option<Amount>,
    pub diastolic: Option<Amount>,
    pub code: Option<VitalCode>,
}

/// The readings that have these numbers, as far as the caller may see their patients.
pub(super) async fn known(tx: &mut TenantTx, keys: &[(&str, &str)]) -> Result<Vec<Known>> {
    let tenant = tx.tenant();
    let (devices, numbers): (Vec<&str>, Vec<&str>) = keys.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select d.device_id, d.reading_id, d.patient_id as "patient_id: PatientId", d.measured_at, d.set_id as "set_id: VitalSetId",
                  d.vital_id as "vital_id: VitalId", v.kind as "kind?: VitalKind", v.value::float8, v.diastolic::float8,
                  v.code as "code: VitalCode"
             from unnest($2::text[], $3::text[]) as w (device_id, reading_id)
             join app.device_readings d on d.tenant_id = $1 and d.device_id = w.device_id and d.reading_id = w.reading_id
             left join app.vitals v on v.tenant_id = $1 and v.measured_at = d.measured_at and v.id = d.vital_id"#,
        tenant as _,
        &devices as _,
        &numbers as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Known {
            device_id: row.device_id,
            reading_id: row.reading_id,
            patient_id: row.patient_id,
            measured_at: row.measured_at,
            set_id: row.set_id,
            vital_id: row.vital_id,
            kind: row.kind,
            value: row.value.and_then(Amount::new),
            diastolic: row.diastolic.and_then(Amount::new),
            code: row.code,
        })
        .collect())
}

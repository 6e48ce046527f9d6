//! Patients and encounters a measurement refers to.

use chrono_tz::Tz;
use kernel::Result;
use kernel::ids::{EncounterId, PatientId};
use platform::db::TenantTx;

use super::subjects::Subject;
use crate::encounters;
use crate::patients::{PatientStatus, Sex};

/// Those of the patients the caller may see.
pub(super) async fn find(tx: &mut TenantTx, patients: &[PatientId]) -> Result<Vec<Subject>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select p.id as "id: PatientId", p.birth_date, p.sex as "sex: Sex", p.status as "status: PatientStatus",
                  p.replaced_by as "replaced_by: PatientId", p.deceased_on,
                  (select t.time_zone from app.tenants t where t.tenant_id = $1) as "time_zone!"
             from app.patients p where p.tenant_id = $1 and p.id = any($2) and p.deleted_at is null"#,
        tenant as _,
        patients as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Subject {
            id: row.id,
            birth_date: row.birth_date,
            sex: row.sex,
            status: row.status,
            replaced_by: row.replaced_by,
            deceased_on: row.deceased_on,
            zone: encounters::zone(&row.time_zone).unwrap_or(Tz::UTC),
        })
        .collect())
}

/// Those of the pairs that are an encounter of the patient.
pub(super) async fn encounters(
    tx: &mut TenantTx,
    pairs: &[(PatientId, EncounterId)],
) -> Result<Vec<(PatientId, EncounterId)>> {
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let tenant = tx.tenant();
    let (patients, encounters): (Vec<PatientId>, Vec<EncounterId>) = pairs.iter().copied().unzip();
    let rows = sqlx::query!(
        r#"select r.patient_id as "patient_id: PatientId", r.id as "id: EncounterId"
             from unnest($2::uuid[], $3::uuid[]) as w (patient_id, id)
             join app.encounter_register r on r.tenant_id = $1 and r.id = w.id and r.patient_id = w.patient_id"#,
        tenant as _,
        &patients as _,
        &encounters as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.patient_id, row.id))
        .collect())
}

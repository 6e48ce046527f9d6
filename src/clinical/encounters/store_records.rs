//! SQL of what is handed over with encounters: stays in beds and participants, many in one statement.

use kernel::clock::Instant;
use kernel::ids::UserId;
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::beds::BedStay;
use super::participants::Participant;

pub(super) async fn insert_stays(
    tx: &mut TenantTx,
    stays: &[BedStay],
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let rows = serde_json::to_value(stays).map_err(Error::internal)?;
    sqlx::query!(
        "insert into app.bed_stays (tenant_id, id, patient_id, encounter_id, facility_id, department_id, bed, starts_at, ends_at,
                created_by, created_at, updated_at)
         select $1, r.id, r.patient_id, r.encounter_id, r.facility_id, r.department_id, r.bed, r.starts_at, r.ends_at, $3, $4, $4
           from jsonb_to_recordset($2) r (id uuid, patient_id uuid, encounter_id uuid, facility_id uuid, department_id uuid,
                bed text, starts_at timestamptz, ends_at timestamptz)",
        tenant as _,
        rows,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_participants(
    tx: &mut TenantTx,
    participants: &[Participant],
) -> Result<()> {
    let tenant = tx.tenant();
    let rows = serde_json::to_value(participants).map_err(Error::internal)?;
    sqlx::query!(
        "insert into app.encounter_participants (tenant_id, id, patient_id, encounter_id, provider_id, user_id, role, created_at,
                updated_at)
         select $1, r.id, r.patient_id, r.encounter_id, r.provider_id, r.user_id, r.role, r.created_at, r.created_at
           from jsonb_to_recordset($2) r (id uuid, patient_id uuid, encounter_id uuid, provider_id uuid, user_id uuid, role text,
                created_at timestamptz)",
        tenant as _,
        rows,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of the codings. The trigger of `app.procedures` writes them.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, ProcedureId};
use kernel::{PartialDate, Result};
use platform::db::TenantTx;
use sqlx::types::Json;

use super::codings::ProcedureCoding;
use super::model::{Performer, ProcedureSystem};
use super::status::ProcedureStatus;

struct Row {
    id: ProcedureId,
    patient_id: PatientId,
    encounter_id: EncounterId,
    code_system: ProcedureSystem,
    code: String,
    name: String,
    modifiers: Json<Vec<String>>,
    status: ProcedureStatus,
    performed_on: Option<PartialDate>,
    performed_start: Option<Instant>,
    performed_end: Option<Instant>,
    performers: Json<Vec<Performer>>,
}

/// Those that count, oldest first.
pub(super) async fn of_encounter(
    tx: &mut TenantTx,
    patient: PatientId,
    encounter: EncounterId,
) -> Result<Vec<ProcedureCoding>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _", code_system as "code_system: _",
                  code, name, modifiers as "modifiers: _", status as "status: _", performed_on as "performed_on: _", performed_start,
                  performed_end, performers as "performers: _"
             from app.procedure_codings
            where tenant_id = $1 and patient_id = $2 and encounter_id = $3 and status <> 'entered_in_error'
            order by id"#,
        tenant as _,
        patient as _,
        encounter as _
    )
    .fetch_all(tx.conn())
    .await?;
    let coding = |row: Row| ProcedureCoding {
        id: row.id,
        patient_id: row.patient_id,
        encounter_id: row.encounter_id,
        system: row.code_system,
        code: row.code,
        name: row.name,
        modifiers: row.modifiers.0,
        status: row.status,
        performed_on: row.performed_on,
        performed_start: row.performed_start,
        performed_end: row.performed_end,
        performers: row.performers.0,
    };
    Ok(rows.into_iter().map(coding).collect())
}

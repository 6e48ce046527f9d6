//! SQL of encounter diagnoses.

use kernel::clock::Instant;
use kernel::ids::{DiagnosisId, EncounterId, PatientId, ProblemId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::{Diagnosis, DiagnosisStatus, NewDiagnosis, PresentOnAdmission};
use crate::entries::Remembered;

#[derive(Deserialize)]
struct Row {
    id: DiagnosisId,
    patient_id: PatientId,
    encounter_id: EncounterId,
    rank: i32,
    icd10cm: Option<String>,
    snomed: Option<String>,
    name: String,
    present_on_admission: Option<PresentOnAdmission>,
    problem_id: Option<ProblemId>,
    status: DiagnosisStatus,
    error_reason: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Diagnosis {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            encounter_id: row.encounter_id,
            data: NewDiagnosis {
                icd10cm: row.icd10cm,
                snomed: row.snomed,
                name: Some(row.name),
                rank: Some(row.rank),
                present_on_admission: row.present_on_admission,
            },
            status: row.status,
            problem_id: row.problem_id,
            error_reason: row.error_reason,
            version: row.version,
            recorded_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Diagnosis {
    const TABLE: &'static str = "encounter_diagnoses";
    const RESOURCE: &'static str = "diagnosis";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// All of an encounter by rank, or the one.
pub(super) async fn of_encounter(
    tx: &mut TenantTx,
    (patient, encounter): (PatientId, EncounterId),
    id: Option<DiagnosisId>,
    include_errors: bool,
) -> Result<Vec<Diagnosis>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", encounter_id as "encounter_id: _", rank, icd10cm, snomed, name,
                  present_on_admission as "present_on_admission: _", problem_id as "problem_id: _", status as "status: _",
                  error_reason, version, created_by as "created_by: _", created_at, updated_at
             from app.encounter_diagnoses
            where tenant_id = $1 and patient_id = $2 and encounter_id = $3
              and ($4::uuid is null or id = $4)
              and ($5 or status = 'active')
            order by status, rank, id"#,
        tenant as _,
        patient as _,
        encounter as _,
        id as _,
        include_errors
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(
    tx: &mut TenantTx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
) -> Result<Diagnosis> {
    of_encounter(tx, of, Some(id), true)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Fetches the diagnosis to be changed; others who want to change it wait.
pub(super) async fn lock(
    tx: &mut TenantTx,
    of: (PatientId, EncounterId),
    id: DiagnosisId,
) -> Result<Diagnosis> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.encounter_diagnoses
          where tenant_id = $1 and patient_id = $2 and encounter_id = $3 and id = $4 for no key update",
        tenant as _,
        of.0 as _,
        of.1 as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, of, id).await
}

/// The encounter a diagnosis of the patient was coded on.
pub(super) async fn encounter_of(
    tx: &mut TenantTx,
    patient: PatientId,
    id: DiagnosisId,
) -> Result<Option<EncounterId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select encounter_id as "encounter_id: EncounterId" from app.encounter_diagnoses
            where tenant_id = $1 and patient_id = $2 and id = $3"#,
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// The rank after the last one that is taken.
pub(super) async fn next_rank(tx: &mut TenantTx, encounter: EncounterId) -> Result<i32> {
    let tenant = tx.tenant();
    let rank = sqlx::query_scalar!(
        r#"select coalesce(max(rank), 0) + 1 as "rank!" from app.encounter_diagnoses
            where tenant_id = $1 and encounter_id = $2 and status = 'active'"#,
        tenant as _,
        encounter as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(rank)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    (patient, encounter): (PatientId, EncounterId),
    id: DiagnosisId,
    data: &NewDiagnosis,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.encounter_diagnoses (tenant_id, id, patient_id, encounter_id, rank, icd10cm, snomed, name,
                present_on_admission, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, app.user_id(), $10, $10)",
        tenant as _,
        id as _,
        patient as _,
        encounter as _,
        data.rank,
        data.icd10cm,
        data.snomed,
        data.name,
        data.present_on_admission as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes over the diagnosis that was locked before. `mistake`: why it should never have been coded.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: DiagnosisId,
    data: &NewDiagnosis,
    problem: Option<ProblemId>,
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.encounter_diagnoses
            set rank = $3, icd10cm = $4, snomed = $5, name = $6, present_on_admission = $7, problem_id = $8, error_reason = $9,
                status = case when $9::text is null then 'active' else 'entered_in_error' end,
                version = version + 1, updated_at = $10
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.rank,
        data.icd10cm,
        data.snomed,
        data.name,
        data.present_on_admission as _,
        problem as _,
        mistake,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

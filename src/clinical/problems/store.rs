//! SQL of problem lists.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, ProblemId, UserId};
use kernel::{Error, PartialDate, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::{NewProblem, Problem, ProblemSeverity, ProblemVerification};
use super::status::ProblemStatus;
use crate::entries::Remembered;

/// Which rows of a patient.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Filter {
    pub id: Option<ProblemId>,
    pub status: Option<ProblemStatus>,
    /// Neither resolved nor refuted.
    pub open_only: bool,
    pub include_errors: bool,
}

#[derive(Deserialize)]
struct Row {
    id: ProblemId,
    patient_id: PatientId,
    icd10cm: Option<String>,
    snomed: Option<String>,
    name: String,
    onset: Option<PartialDate>,
    abatement: Option<PartialDate>,
    severity: Option<ProblemSeverity>,
    status: ProblemStatus,
    verification: ProblemVerification,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    recorded_at: Option<Instant>,
    error_reason: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Problem {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            data: NewProblem {
                icd10cm: row.icd10cm,
                snomed: row.snomed,
                name: Some(row.name),
                onset: row.onset,
                abatement: row.abatement,
                severity: row.severity,
                status: row.status,
                verification: row.verification,
                note: row.note,
                encounter_id: row.encounter_id,
                recorded_at: row.recorded_at,
            },
            error_reason: row.error_reason,
            version: row.version,
            recorded_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Problem {
    const TABLE: &'static str = "problems";
    const RESOURCE: &'static str = "problem";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: Filter,
    after: Option<(Instant, ProblemId)>,
    limit: i64,
) -> Result<Vec<Problem>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", icd10cm, snomed, name, onset as "onset: _", abatement as "abatement: _",
                  severity as "severity: _", status as "status: _", verification as "verification: _", note,
                  encounter_id as "encounter_id: _", recorded_at, error_reason, version, created_by as "created_by: _", created_at, updated_at
             from app.problems
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null or status = $4)
              and (not $5 or (status <> 'resolved' and verification <> 'refuted'))
              and ($6 or verification <> 'entered_in_error')
              and ($7::timestamptz is null or (created_at, id) < ($7, $8))
            order by created_at desc, id desc
            limit $9"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        filter.open_only,
        filter.include_errors,
        at,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(tx: &mut TenantTx, patient: PatientId, id: ProblemId) -> Result<Problem> {
    let filter = Filter {
        id: Some(id),
        include_errors: true,
        ..Filter::default()
    };
    page(tx, patient, filter, None, 1)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

/// Fetches the problem to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: ProblemId) -> Result<Problem> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.problems where tenant_id = $1 and patient_id = $2 and id = $3 for no key update",
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, patient, id).await
}

/// An open problem with one of these codes, or where neither has any with the same words, other than `except`.
pub(super) async fn open_with_code(
    tx: &mut TenantTx,
    patient: PatientId,
    data: &NewProblem,
    except: Option<ProblemId>,
) -> Result<Option<ProblemId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select id as "id: ProblemId" from app.problems
            where tenant_id = $1 and patient_id = $2 and (icd10cm = $3 or snomed = $4
                   or $3 is null and $4 is null and icd10cm is null and snomed is null and lower(name) = lower($6))
              and status <> 'resolved' and verification not in ('refuted', 'entered_in_error')
              and ($5::uuid is null or id <> $5)
            limit 1"#,
        tenant as _,
        patient as _,
        data.icd10cm,
        data.snomed,
        except as _,
        data.name,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    id: ProblemId,
    data: &NewProblem,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.problems (tenant_id, id, patient_id, icd10cm, snomed, name, onset, abatement, severity, status,
                verification, note, encounter_id, recorded_at, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $15, app.user_id(), $14, $14)",
        tenant as _,
        id as _,
        patient as _,
        data.icd10cm,
        data.snomed,
        data.name,
        data.onset.as_ref() as _,
        data.abatement.as_ref() as _,
        data.severity as _,
        data.status as _,
        data.verification as _,
        data.note,
        data.encounter_id as _,
        now,
        data.recorded_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes over the problem that was locked before. `mistake`: why it should never have been entered.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: ProblemId,
    data: &NewProblem,
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.problems
            set icd10cm = $3, snomed = $4, name = $5, onset = $6, abatement = $7, severity = $8, status = $9, verification = $10,
                note = $11, encounter_id = $12, error_reason = $13, recorded_at = $15, version = version + 1, updated_at = $14
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.icd10cm,
        data.snomed,
        data.name,
        data.onset.as_ref() as _,
        data.abatement.as_ref() as _,
        data.severity as _,
        data.status as _,
        data.verification as _,
        data.note,
        data.encounter_id as _,
        mistake,
        now,
        data.recorded_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

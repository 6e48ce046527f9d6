//! SQL of statements that no allergies are known.

use kernel::clock::Instant;
use kernel::ids::{AllergyStatementId, PatientId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::{AllergyStatement, NewStatement, NoKnown};
use crate::entries::Remembered;

#[derive(Deserialize)]
struct Row {
    id: AllergyStatementId,
    patient_id: PatientId,
    statement: NoKnown,
    note: Option<String>,
    stated_by: Option<UserId>,
    stated_at: Instant,
    withdrawn_by: Option<UserId>,
    withdrawn_at: Option<Instant>,
    withdrawal_reason: Option<String>,
    version: i64,
}

impl From<Row> for AllergyStatement {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            data: NewStatement {
                statement: row.statement,
                note: row.note,
            },
            stated_by: row.stated_by,
            stated_at: row.stated_at,
            withdrawn_by: row.withdrawn_by,
            withdrawn_at: row.withdrawn_at,
            withdrawal_reason: row.withdrawal_reason,
            version: row.version,
        }
    }
}

impl Remembered for AllergyStatement {
    const TABLE: &'static str = "allergy_statements";
    const RESOURCE: &'static str = "allergy";
    const ORDER: &'static str = "stated_at";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// All of a patient, newest first, or the one.
pub(super) async fn of_patient(
    tx: &mut TenantTx,
    patient: PatientId,
    id: Option<AllergyStatementId>,
    include_withdrawn: bool,
) -> Result<Vec<AllergyStatement>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", statement as "statement: _", note, stated_by as "stated_by: _",
                  stated_at, withdrawn_by as "withdrawn_by: _", withdrawn_at, withdrawal_reason, version
             from app.allergy_statements
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4 or withdrawn_at is null)
            order by stated_at desc, id desc
            limit 200"#,
        tenant as _,
        patient as _,
        id as _,
        include_withdrawn
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn get(
    tx: &mut TenantTx,
    patient: PatientId,
    id: AllergyStatementId,
) -> Result<AllergyStatement> {
    of_patient(tx, patient, Some(id), true)
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    id: AllergyStatementId,
    new: &NewStatement,
    (stated_at, now): (Instant, Instant),
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.allergy_statements (tenant_id, id, patient_id, statement, note, stated_by, stated_at, created_at, updated_at)
         values ($1, $2, $3, $4, $5, app.user_id(), $6, $7, $7)",
        tenant as _,
        id as _,
        patient as _,
        new.statement as _,
        new.note,
        stated_at,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn withdraw(
    tx: &mut TenantTx,
    id: AllergyStatementId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.allergy_statements
            set withdrawn_by = app.user_id(), withdrawn_at = $3, withdrawal_reason = $4, version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        now,
        reason
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

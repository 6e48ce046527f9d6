//! SQL of family history.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, FamilyHistoryId, PatientId, UserId};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{
    FamilyHistory, FamilyHistoryExtent, FamilyRelationship, NewFamilyHistory, RelativeCondition,
};
use crate::entries::{EntryStatus, Remembered};
use crate::patients::Sex;

#[derive(Deserialize)]
struct Row {
    id: FamilyHistoryId,
    patient_id: PatientId,
    status: EntryStatus,
    error_reason: Option<String>,
    extent: FamilyHistoryExtent,
    relationship: FamilyRelationship,
    sex: Option<Sex>,
    born_year: Option<i32>,
    deceased: Option<bool>,
    deceased_age: Option<i32>,
    conditions: Json<Vec<RelativeCondition>>,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for FamilyHistory {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            status: row.status,
            error_reason: row.error_reason,
            data: NewFamilyHistory {
                extent: row.extent,
                relationship: row.relationship,
                sex: row.sex,
                born_year: row.born_year,
                deceased: row.deceased,
                deceased_age: row.deceased_age,
                conditions: row.conditions.0,
                note: row.note,
                encounter_id: row.encounter_id,
            },
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for FamilyHistory {
    const TABLE: &'static str = "family_history";
    const RESOURCE: &'static str = "family_history";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str::<Row>(image.get()).map(Into::into)
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Which rows of a patient; without anything said, all that stand.
#[derive(Default)]
pub(super) struct Filter {
    pub id: Option<FamilyHistoryId>,
    pub with_errors: bool,
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: &Filter,
    after: Option<(Instant, FamilyHistoryId)>,
    limit: i64,
) -> Result<Vec<FamilyHistory>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", status as "status: _", error_reason, extent as "extent: _",
                  relationship as "relationship: _", sex as "sex: _", born_year, deceased, deceased_age,
                  conditions as "conditions: _", note, encounter_id as "encounter_id: _", version,
                  created_by as "created_by: _", created_at, updated_at
             from app.family_history
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4 or status <> 'entered_in_error')
              and ($5::timestamptz is null or (created_at, id) < ($5, $6))
            order by created_at desc, id desc
            limit $7"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.with_errors,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(FamilyHistory::from).collect())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: FamilyHistoryId,
) -> Result<Option<FamilyHistory>> {
    let filter = Filter {
        id: Some(id),
        with_errors: true,
    };
    Ok(page(tx, patient, &filter, None, 1).await?.pop())
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: FamilyHistoryId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.family_history where tenant_id = $1 and id = $2 and patient_id = $3 for no key update",
        tenant as _,
        id as _,
        patient as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    (patient, id): (PatientId, FamilyHistoryId),
    data: &NewFamilyHistory,
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.family_history (tenant_id, id, patient_id, status, extent, relationship, sex, born_year, deceased, deceased_age, conditions,
            note, encounter_id, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)",
        tenant as _,
        id as _,
        patient as _,
        EntryStatus::Recorded as _,
        data.extent as _,
        data.relationship as _,
        data.sex as _,
        data.born_year,
        data.deceased,
        data.deceased_age,
        Json(&data.conditions) as _,
        data.note,
        data.encounter_id as _,
        by as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes what was amended; its row is locked.
pub(super) async fn update(
    tx: &mut TenantTx,
    id: FamilyHistoryId,
    data: &NewFamilyHistory,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.family_history
            set extent = $3, relationship = $4, sex = $5, born_year = $6, deceased = $7, deceased_age = $8, conditions = $9,
                note = $10, encounter_id = $11,
                version = version + 1, updated_at = $12
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.extent as _,
        data.relationship as _,
        data.sex as _,
        data.born_year,
        data.deceased,
        data.deceased_age,
        Json(&data.conditions) as _,
        data.note,
        data.encounter_id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes an entry back; its row is locked.
pub(super) async fn take_back(
    tx: &mut TenantTx,
    id: FamilyHistoryId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.family_history
            set status = 'entered_in_error', error_reason = $3, version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

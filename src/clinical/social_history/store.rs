//! SQL of social history.

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId, SocialHistoryId, UserId};
use kernel::{PartialDate, Result};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{NewSocialHistory, SmokingStatus, SocialAnswer, SocialCategory, SocialHistory};
use crate::entries::{EntryStatus, Remembered};
use crate::terminology::Coding;

#[derive(Deserialize)]
struct Row {
    id: SocialHistoryId,
    patient_id: PatientId,
    status: EntryStatus,
    error_reason: Option<String>,
    category: SocialCategory,
    effective_at: Instant,
    #[serde(default)]
    effective_on: Option<PartialDate>,
    smoking_status: Option<SmokingStatus>,
    instrument: Option<Json<Coding>>,
    answers: Json<Vec<SocialAnswer>>,
    note: Option<String>,
    encounter_id: Option<EncounterId>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for SocialHistory {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            status: row.status,
            error_reason: row.error_reason,
            data: NewSocialHistory {
                category: row.category,
                effective_at: row.effective_at,
                smoking_status: row.smoking_status,
                instrument: row.instrument.map(|json| json.0),
                answers: row.answers.0,
                note: row.note,
                encounter_id: row.encounter_id,
            },
            effective_on: row.effective_on,
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for SocialHistory {
    const TABLE: &'static str = "social_history";
    const RESOURCE: &'static str = "social_history";

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
    pub id: Option<SocialHistoryId>,
    pub with_errors: bool,
    pub category: Option<SocialCategory>,
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: &Filter,
    after: Option<(Instant, SocialHistoryId)>,
    limit: i64,
) -> Result<Vec<SocialHistory>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", status as "status: _", error_reason, category as "category: _",
                  effective_at, effective_on as "effective_on: _", smoking_status as "smoking_status: _", instrument as "instrument: _",
                  answers as "answers: _", note, encounter_id as "encounter_id: _", version,
                  created_by as "created_by: _", created_at, updated_at
             from app.social_history
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4 or status <> 'entered_in_error')
              and ($5::text is null or category = $5)
              and ($6::timestamptz is null or (effective_at, id) < ($6, $7))
            order by effective_at desc, id desc
            limit $8"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.with_errors,
        filter.category as _,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(SocialHistory::from).collect())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: SocialHistoryId,
) -> Result<Option<SocialHistory>> {
    let filter = Filter {
        id: Some(id),
        with_errors: true,
        ..Filter::default()
    };
    Ok(page(tx, patient, &filter, None, 1).await?.pop())
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: SocialHistoryId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.social_history where tenant_id = $1 and id = $2 and patient_id = $3 for no key update",
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
    (patient, id): (PatientId, SocialHistoryId),
    (data, effective_on): (&NewSocialHistory, Option<&PartialDate>),
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.social_history (tenant_id, id, patient_id, status, category, effective_at, effective_on, smoking_status, instrument, answers,
            note, encounter_id, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $14)",
        tenant as _,
        id as _,
        patient as _,
        EntryStatus::Recorded as _,
        data.category as _,
        data.effective_at,
        effective_on as _,
        data.smoking_status as _,
        data.instrument.as_ref().map(Json) as _,
        Json(&data.answers) as _,
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
    id: SocialHistoryId,
    (data, effective_on): (&NewSocialHistory, Option<&PartialDate>),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.social_history
            set category = $3, effective_at = $4, effective_on = $5, smoking_status = $6, instrument = $7, answers = $8, note = $9,
                encounter_id = $10, version = version + 1, updated_at = $11
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.category as _,
        data.effective_at,
        effective_on as _,
        data.smoking_status as _,
        data.instrument.as_ref().map(Json) as _,
        Json(&data.answers) as _,
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
    id: SocialHistoryId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.social_history
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

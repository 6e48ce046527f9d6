//! SQL of care plans.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{CarePlanId, EncounterId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{CarePlan, NewCarePlan, PlanActivity};
use super::status::CarePlanStatus;
use crate::entries::Remembered;
use crate::terminology::Coding;

#[derive(Deserialize)]
struct Row {
    id: CarePlanId,
    patient_id: PatientId,
    status: CarePlanStatus,
    error_reason: Option<String>,
    status_reason: Option<String>,
    title: String,
    description: Option<String>,
    category: Option<Json<Coding>>,
    addresses: Json<Vec<Coding>>,
    starts_on: Option<NaiveDate>,
    ends_on: Option<NaiveDate>,
    activities: Json<Vec<PlanActivity>>,
    provider_id: Option<ProviderId>,
    encounter_id: Option<EncounterId>,
    note: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for CarePlan {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            status: row.status,
            error_reason: row.error_reason,
            status_reason: row.status_reason,
            data: NewCarePlan {
                title: row.title,
                description: row.description,
                category: row.category.map(|json| json.0),
                addresses: row.addresses.0,
                starts_on: row.starts_on,
                ends_on: row.ends_on,
                activities: row.activities.0,
                provider_id: row.provider_id,
                encounter_id: row.encounter_id,
                note: row.note,
            },
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for CarePlan {
    const TABLE: &'static str = "care_plans";
    const RESOURCE: &'static str = "care_plan";

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
    pub id: Option<CarePlanId>,
    pub status: Option<CarePlanStatus>,
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: &Filter,
    after: Option<(Instant, CarePlanId)>,
    limit: i64,
) -> Result<Vec<CarePlan>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", status as "status: _", error_reason, status_reason, title,
                  description, category as "category: _", addresses as "addresses: _", starts_on, ends_on,
                  activities as "activities: _", provider_id as "provider_id: _", encounter_id as "encounter_id: _",
                  note, version, created_by as "created_by: _", created_at, updated_at
             from app.care_plans
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null and ($3::uuid is not null or status <> 'entered_in_error') or status = $4)
              and ($5::timestamptz is null or (created_at, id) < ($5, $6))
            order by created_at desc, id desc
            limit $7"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(CarePlan::from).collect())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CarePlanId,
) -> Result<Option<CarePlan>> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    Ok(page(tx, patient, &filter, None, 1).await?.pop())
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: CarePlanId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.care_plans where tenant_id = $1 and id = $2 and patient_id = $3 for no key update",
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
    (patient, id, status): (PatientId, CarePlanId, CarePlanStatus),
    data: &NewCarePlan,
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.care_plans (tenant_id, id, patient_id, status, title, description, category, addresses, starts_on, ends_on, activities,
            provider_id, encounter_id, note, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        tenant as _,
        id as _,
        patient as _,
        status as _,
        data.title,
        data.description,
        data.category.as_ref().map(Json) as _,
        Json(&data.addresses) as _,
        data.starts_on,
        data.ends_on,
        Json(&data.activities) as _,
        data.provider_id as _,
        data.encounter_id as _,
        data.note,
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
    id: CarePlanId,
    data: &NewCarePlan,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.care_plans
            set title = $3, description = $4, category = $5, addresses = $6, starts_on = $7, ends_on = $8, activities = $9,
                provider_id = $10, encounter_id = $11, note = $12,
                version = version + 1, updated_at = $13
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.title,
        data.description,
        data.category.as_ref().map(Json) as _,
        Json(&data.addresses) as _,
        data.starts_on,
        data.ends_on,
        Json(&data.activities) as _,
        data.provider_id as _,
        data.encounter_id as _,
        data.note,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Writes where it stands; its row is locked. `mistake` goes with `entered_in_error`, and only with it.
pub(super) async fn set_status(
    tx: &mut TenantTx,
    id: CarePlanId,
    (status, reason): (CarePlanStatus, Option<&str>),
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.care_plans
            set status = $3, status_reason = $4, error_reason = $5, version = version + 1, updated_at = $6
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        reason,
        mistake,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

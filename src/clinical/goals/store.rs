//! SQL of goals.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{CarePlanId, GoalId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::types::Json;

use super::model::{Goal, GoalAchievement, GoalPriority, GoalTarget, NewGoal};
use super::status::GoalStatus;
use crate::entries::Remembered;
use crate::terminology::Coding;

#[derive(Deserialize)]
struct Row {
    id: GoalId,
    patient_id: PatientId,
    status: GoalStatus,
    error_reason: Option<String>,
    status_reason: Option<String>,
    description: String,
    achievement: GoalAchievement,
    priority: Option<GoalPriority>,
    addresses: Json<Vec<Coding>>,
    starts_on: Option<NaiveDate>,
    due_on: Option<NaiveDate>,
    targets: Json<Vec<GoalTarget>>,
    care_plan_id: Option<CarePlanId>,
    provider_id: Option<ProviderId>,
    note: Option<String>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Goal {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            patient_id: row.patient_id,
            status: row.status,
            error_reason: row.error_reason,
            status_reason: row.status_reason,
            data: NewGoal {
                description: row.description,
                achievement: row.achievement,
                priority: row.priority,
                addresses: row.addresses.0,
                starts_on: row.starts_on,
                due_on: row.due_on,
                targets: row.targets.0,
                care_plan_id: row.care_plan_id,
                provider_id: row.provider_id,
                note: row.note,
            },
            version: row.version,
            created_by: row.created_by,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl Remembered for Goal {
    const TABLE: &'static str = "goals";
    const RESOURCE: &'static str = "goal";

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
    pub id: Option<GoalId>,
    pub status: Option<GoalStatus>,
    pub care_plan_id: Option<CarePlanId>,
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    filter: &Filter,
    after: Option<(Instant, GoalId)>,
    limit: i64,
) -> Result<Vec<Goal>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", patient_id as "patient_id: _", status as "status: _", error_reason, status_reason, description,
                  achievement as "achievement: _", priority as "priority: _", addresses as "addresses: _", starts_on,
                  due_on, targets as "targets: _", care_plan_id as "care_plan_id: _", provider_id as "provider_id: _",
                  note, version, created_by as "created_by: _", created_at, updated_at
             from app.goals
            where tenant_id = $1 and patient_id = $2
              and ($3::uuid is null or id = $3)
              and ($4::text is null and ($3::uuid is not null or status <> 'entered_in_error') or status = $4)
              and ($5::uuid is null or care_plan_id = $5)
              and ($6::timestamptz is null or (created_at, id) < ($6, $7))
            order by created_at desc, id desc
            limit $8"#,
        tenant as _,
        patient as _,
        filter.id as _,
        filter.status as _,
        filter.care_plan_id as _,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Goal::from).collect())
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: GoalId,
) -> Result<Option<Goal>> {
    let filter = Filter {
        id: Some(id),
        ..Filter::default()
    };
    Ok(page(tx, patient, &filter, None, 1).await?.pop())
}

/// Those who want to change it, too, wait.
pub(super) async fn lock(tx: &mut TenantTx, patient: PatientId, id: GoalId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.goals where tenant_id = $1 and id = $2 and patient_id = $3 for no key update",
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
    (patient, id, status): (PatientId, GoalId, GoalStatus),
    data: &NewGoal,
    by: Option<UserId>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.goals (tenant_id, id, patient_id, status, description, achievement, priority, addresses, starts_on, due_on, targets,
            care_plan_id, provider_id, note, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        tenant as _,
        id as _,
        patient as _,
        status as _,
        data.description,
        data.achievement as _,
        data.priority as _,
        Json(&data.addresses) as _,
        data.starts_on,
        data.due_on,
        Json(&data.targets) as _,
        data.care_plan_id as _,
        data.provider_id as _,
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
    id: GoalId,
    data: &NewGoal,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.goals
            set description = $3, achievement = $4, priority = $5, addresses = $6, starts_on = $7, due_on = $8, targets = $9,
                care_plan_id = $10, provider_id = $11, note = $12,
                version = version + 1, updated_at = $13
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.description,
        data.achievement as _,
        data.priority as _,
        Json(&data.addresses) as _,
        data.starts_on,
        data.due_on,
        Json(&data.targets) as _,
        data.care_plan_id as _,
        data.provider_id as _,
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
    id: GoalId,
    (status, reason): (GoalStatus, Option<&str>),
    mistake: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.goals
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

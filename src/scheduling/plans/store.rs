//! SQL of plans, their requests and their weights.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, PlanRequestId, SchedulePlanId, ServiceId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::building::Visit;
use super::model::{PlanFrame, WantedVisit};
use super::model_plan::{
    KeptPlan, KeptRequest, PlanComparison, PlanProblem, PlanStatus, RequestOutcome,
    SchedulePlanSummary,
};
use super::weights::{NewPlanWeights, PlanWeights};

pub(super) async fn insert(
    tx: &mut TenantTx,
    kept: &KeptPlan,
    problem: &planner::Problem,
    by: UserId,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.schedule_plans
                  (tenant_id, id, status, first_day, days, time_zone, request, problem, plan, replans, comparison, created_by,
                   created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)"#,
        tenant as _,
        kept.id as _,
        kept.status as _,
        kept.frame.first_day,
        i32::try_from(kept.frame.days).unwrap_or(i32::MAX),
        kept.time_zone,
        Json(&kept.frame) as _,
        Json(problem) as _,
        Json(&kept.plan) as _,
        kept.replans as _,
        kept.comparison.as_ref().map(Json) as _,
        by as _,
        kept.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_requests(
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    visits: &[Visit],
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = visits.iter().map(|_| PlanRequestId::new().0).collect();
    let keys: Vec<String> = visits.iter().map(|it| it.wanted.key.clone()).collect();
    let patients: Vec<Uuid> = visits.iter().map(|it| it.wanted.patient_id.0).collect();
    let services: Vec<Uuid> = visits.iter().map(|it| it.wanted.service_id.0).collect();
    let moves: Vec<Option<Uuid>> = visits.iter().map(|it| it.moves.map(|id| id.0)).collect();
    let requests: Vec<serde_json::Value> = visits
        .iter()
        .map(|it| serde_json::to_value(&it.wanted))
        .collect::<std::result::Result<_, _>>()
        .map_err(Error::internal)?;
    sqlx::query!(
        r#"insert into app.schedule_plan_requests
                  (tenant_id, id, plan_id, patient_id, key, service_id, request, moves, created_at, updated_at)
           select $1, u.id, $2, u.patient_id, u.key, u.service_id, u.request, u.moves, $9, $9
             from unnest($3::uuid[], $4::uuid[], $5::text[], $6::uuid[], $7::jsonb[], $8::uuid[])
                  as u (id, patient_id, key, service_id, request, moves)"#,
        tenant as _,
        plan as _,
        &ids,
        &patients,
        &keys,
        &services,
        &requests,
        &moves as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

struct PlanRow {
    id: SchedulePlanId,
    status: PlanStatus,
    time_zone: String,
    request: Json<PlanFrame>,
    plan: Json<planner::Plan>,
    replans: Option<SchedulePlanId>,
    comparison: Option<Json<PlanComparison>>,
    version: i64,
    created_at: Instant,
}

impl From<PlanRow> for KeptPlan {
    fn from(row: PlanRow) -> Self {
        Self {
            id: row.id,
            status: row.status,
            time_zone: row.time_zone,
            frame: row.request.0,
            plan: row.plan.0,
            replans: row.replans,
            comparison: row.comparison.map(|it| it.0),
            version: row.version,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: SchedulePlanId) -> Result<Option<KeptPlan>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        PlanRow,
        r#"select id as "id: _", status as "status: _", time_zone, request as "request: _", plan as "plan: _",
                  replans as "replans: _", comparison as "comparison: _", version, created_at
             from app.schedule_plans
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// As [`find`], and holds it.
pub(super) async fn lock(tx: &mut TenantTx, id: SchedulePlanId) -> Result<Option<KeptPlan>> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.schedule_plans where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

/// The newest first.
pub(super) async fn page(
    tx: &mut TenantTx,
    status: Option<PlanStatus>,
    after: Option<SchedulePlanId>,
    limit: i64,
) -> Result<Vec<SchedulePlanSummary>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SchedulePlanSummary,
        r#"select id as "id: _", status as "status: _", first_day as "first_day: NaiveDate", days, time_zone,
                  replans as "replans: _", version, created_at
             from app.schedule_plans
            where tenant_id = $1 and ($2::text is null or status = $2) and ($3::uuid is null or id < $3)
            order by id desc
            limit $4"#,
        tenant as _,
        status as _,
        after as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

struct RequestRow {
    key: String,
    patient_id: PatientId,
    service_id: ServiceId,
    request: Json<WantedVisit>,
    moves: Option<AppointmentId>,
    outcome: RequestOutcome,
    appointment_id: Option<AppointmentId>,
    refusal: Option<String>,
    problem: Option<Json<PlanProblem>>,
}

/// Those the caller may see, in the order in which they were asked for.
pub(super) async fn requests(tx: &mut TenantTx, plan: SchedulePlanId) -> Result<Vec<KeptRequest>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        RequestRow,
        r#"select key, patient_id as "patient_id: _", service_id as "service_id: _", request as "request: _",
                  moves as "moves: _", outcome as "outcome: _", appointment_id as "appointment_id: _", refusal,
                  problem as "problem: _"
             from app.schedule_plan_requests
            where tenant_id = $1 and plan_id = $2
            order by id"#,
        tenant as _,
        plan as _
    )
    .fetch_all(tx.conn())
    .await?;
    let kept = rows.into_iter().map(|row| KeptRequest {
        key: row.key,
        // A merge may have given it to another registration since.
        data: WantedVisit {
            patient_id: row.patient_id,
            ..row.request.0
        },
        patient_id: row.patient_id,
        service_id: row.service_id,
        moves: row.moves,
        outcome: row.outcome,
        booked: row.appointment_id,
        refusal: row.refusal,
        problem: row.problem.map(|it| it.0),
    });
    Ok(kept.collect())
}

/// Says what became of a request.
pub(super) async fn settle(
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    key: &str,
    outcome: RequestOutcome,
    booked: Option<AppointmentId>,
    refusal: Option<&Error>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.schedule_plan_requests
              set outcome = $4, appointment_id = $5, refusal = $6, problem = $8, updated_at = $7
            where tenant_id = $1 and plan_id = $2 and key = $3"#,
        tenant as _,
        plan as _,
        key,
        outcome as _,
        booked as _,
        refusal.map(|it| it.code().as_str()),
        now,
        refusal.map(|it| Json(PlanProblem::from(it))) as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    tx: &mut TenantTx,
    plan: SchedulePlanId,
    status: PlanStatus,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.schedule_plans set status = $3, version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        plan as _,
        status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What comes next can be taken back alone.
pub(super) async fn savepoint(tx: &mut TenantTx) -> Result<()> {
    sqlx::query("savepoint plan_item")
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn release(tx: &mut TenantTx) -> Result<()> {
    sqlx::query("release savepoint plan_item")
        .execute(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn go_back(tx: &mut TenantTx) -> Result<()> {
    sqlx::query("rollback to savepoint plan_item")
        .execute(tx.conn())
        .await?;
    release(tx).await
}

/// The tenant's weights, or those everybody begins with.
pub(super) async fn weights(tx: &mut TenantTx) -> Result<PlanWeights> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select weights as "weights: Json<NewPlanWeights>", version, updated_at
             from app.schedule_plan_weights where tenant_id = $1"#,
        tenant as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(match row {
        Some(row) => PlanWeights {
            data: row.weights.0,
            version: row.version,
            updated_at: Some(row.updated_at),
        },
        None => PlanWeights {
            data: NewPlanWeights::default(),
            version: 1,
            updated_at: None,
        },
    })
}

pub(super) async fn lock_weights(tx: &mut TenantTx, now: Instant) -> Result<PlanWeights> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.schedule_plan_weights (tenant_id, weights, created_at, updated_at) values ($1, $2, $3, $3)
           on conflict do nothing"#,
        tenant as _,
        Json(NewPlanWeights::default()) as _,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "select tenant_id from app.schedule_plan_weights where tenant_id = $1 for update",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    weights(tx).await
}

pub(super) async fn set_weights(
    tx: &mut TenantTx,
    data: &NewPlanWeights,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.schedule_plan_weights set weights = $2, version = version + 1, updated_at = $3 where tenant_id = $1"#,
        tenant as _,
        Json(data) as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

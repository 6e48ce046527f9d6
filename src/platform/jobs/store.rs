//! SQL of jobs.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{TenantId, mint};
use uuid::Uuid;

use super::{Job, NewJob};
use crate::db::{Db, SystemTx, TenantTx};

/// How many jobs of a kind are in a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Count {
    pub kind: String,
    pub state: String,
    pub jobs: i64,
}

pub(super) async fn insert(tx: &mut TenantTx, job: &NewJob) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.jobs (tenant_id, id, kind, payload, unique_key, run_at) values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
        tenant as _,
        mint(),
        job.kind,
        job.payload,
        job.unique_key,
        job.run_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Tenants with work due by then.
pub(super) async fn tenants_with_work(db: &Db, by: Instant) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"select tenant_id as "tenant_id!: TenantId" from app.tenants_with_work($1)"#,
        by
    )
    .fetch_all(db.shared())
    .await?)
}

/// Takes the job that is due longest, of these kinds; one whose worker has lost it, too. The work of a suspended tenant waits.
pub(super) async fn take(
    db: &Db,
    tenant: TenantId,
    kinds: &[String],
    now: Instant,
    lease: TimeDelta,
) -> Result<Option<Job>> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    let row = sqlx::query!(
        "update app.jobs set state = 'running', attempts = attempts + 1, run_at = $4, updated_at = $3
          where tenant_id = $1 and id = (select j.id from app.jobs j
                 where j.tenant_id = $1 and j.kind = any($2) and j.state in ('waiting', 'running') and j.run_at <= $3
                   and exists (select from app.tenants t where t.tenant_id = $1 and t.status = 'active')
                 order by j.run_at limit 1 for update skip locked)
         returning id, kind, payload, attempts",
        tenant as _,
        kinds,
        now,
        now + lease,
    )
    .fetch_optional(tx.conn())
    .await?;
    tx.commit().await?;
    Ok(row.map(|row| Job {
        tenant,
        id: row.id,
        kind: row.kind,
        attempt: row.attempts,
        payload: row.payload,
    }))
}

/// The job is done, unless another took it meanwhile.
pub(super) async fn done(db: &Db, job: &Job) -> Result<()> {
    let mut tx = SystemTx::begin(db, job.tenant).await?;
    sqlx::query!(
        "delete from app.jobs where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3",
        job.tenant as _,
        job.id,
        job.attempt,
    )
    .execute(tx.conn())
    .await?;
    tx.commit().await
}

/// The job failed: it waits until `again`, or is given up.
pub(super) async fn failed(
    db: &Db,
    job: &Job,
    code: &str,
    again: Option<Instant>,
    now: Instant,
) -> Result<()> {
    let mut tx = SystemTx::begin(db, job.tenant).await?;
    // One with the same key may wait by now: then that one is the next try.
    let superseded = sqlx::query!(
        "delete from app.jobs j where j.tenant_id = $1 and j.id = $2 and j.state = 'running' and j.attempts = $3
            and exists (select from app.jobs o where o.tenant_id = $1 and o.kind = j.kind and o.unique_key = j.unique_key
                           and o.state = 'waiting')",
        job.tenant as _,
        job.id,
        job.attempt,
    )
    .execute(tx.conn())
    .await?
    .rows_affected();
    if superseded == 0 {
        sqlx::query!(
            "update app.jobs set state = case when $4::timestamptz is null then 'dead' else 'waiting' end,
                    run_at = coalesce($4, run_at), last_error = $5, updated_at = $6
              where tenant_id = $1 and id = $2 and state = 'running' and attempts = $3",
            job.tenant as _,
            job.id,
            job.attempt,
            again,
            code,
            now,
        )
        .execute(tx.conn())
        .await?;
    }
    tx.commit().await
}

/// How many jobs a tenant has, by kind and state.
pub async fn counts(tx: &mut SystemTx) -> Result<Vec<Count>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Count,
        r#"select kind, state, count(*) as "jobs!" from app.jobs where tenant_id = $1 group by kind, state order by kind, state"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?)
}

/// Lets jobs that were given up be tried again. Returns how many; one of which another waits already is dropped.
pub async fn retry_dead(tx: &mut SystemTx, now: Instant) -> Result<u64> {
    let tenant = tx.tenant();
    let dead: Vec<Uuid> = sqlx::query_scalar!(
        "select id from app.jobs where tenant_id = $1 and state = 'dead' order by run_at for update",
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut again = 0;
    for id in dead {
        again += sqlx::query!(
            "update app.jobs j set state = 'waiting', attempts = 0, run_at = $3, updated_at = $3
              where j.tenant_id = $1 and j.id = $2
                and not exists (select from app.jobs o where o.tenant_id = $1 and o.kind = j.kind
                                   and o.unique_key = j.unique_key and o.state = 'waiting')",
            tenant as _,
            id,
            now,
        )
        .execute(tx.conn())
        .await?
        .rows_affected();
    }
    sqlx::query!(
        "delete from app.jobs where tenant_id = $1 and state = 'dead'",
        tenant as _
    )
    .execute(tx.conn())
    .await?;
    Ok(again)
}

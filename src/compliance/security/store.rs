//! SQL of security events and of the monitoring view.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::UserId;
use platform::audit::SecurityKind;
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{Filter, SecurityEntry, SecurityOutcome, SecuritySummary, UserActivity};

/// Accounts in a summary, at most.
const USERS: i64 = 500;

/// The view and the events end at the same instant: the transaction's.
pub(super) async fn summary(tx: &mut TenantTx) -> Result<SecuritySummary> {
    let tenant = tx.tenant();
    let users = sqlx::query_as!(
        UserActivity,
        r#"with doors as (
               select coalesce(user_id, subject_id) as user_id,
                      count(*) filter (where kind = 'login' and outcome = 'failure') as failed_logins,
                      count(*) filter (where kind = 'lockout') as lockouts,
                      max(at) filter (where kind = 'login' and outcome = 'success') as last_login
                 from app.security_events
                where tenant_id = $1 and at > now() - interval '24 hours'
                group by 1)
           select coalesce(m.user_id, d.user_id) as "user_id!: _", u.given_name || ' ' || u.family_name as name,
                  u.role as "role?: _", coalesce(m.accesses, 0) as "accesses!", coalesce(m.refusals, 0) as "refusals!",
                  coalesce(m.patients, 0) as "patients!", coalesce(d.failed_logins, 0) as "failed_logins!",
                  coalesce(d.lockouts, 0) as "lockouts!", m.last_access, d.last_login
             from (select * from app.access_monitor where tenant_id = $1) m
             full join doors d on d.user_id = m.user_id
             left join app.users u on u.tenant_id = $1 and u.id = coalesce(m.user_id, d.user_id)
            where coalesce(m.user_id, d.user_id) is not null
            order by coalesce(d.failed_logins, 0) + coalesce(d.lockouts, 0) + coalesce(m.refusals, 0) desc,
                     coalesce(m.accesses, 0) desc, 1
            limit $2"#,
        tenant as _,
        USERS
    )
    .fetch_all(tx.conn())
    .await?;
    let totals = sqlx::query!(
        r#"with monitored as (
               select user_id, accesses, refusals from app.access_monitor where tenant_id = $1),
           doors as (
               select coalesce(user_id, subject_id) as user_id, kind, outcome from app.security_events
                where tenant_id = $1 and at > now() - interval '24 hours')
           select now() - interval '24 hours' as "from!", now() as "to!",
                  (select coalesce(sum(accesses), 0)::bigint from monitored) as "accesses!",
                  (select coalesce(sum(refusals), 0)::bigint from monitored) as "refusals!",
                  count(*) filter (where kind = 'login' and outcome = 'failure') as "failed_logins!",
                  count(*) filter (where kind = 'login' and outcome = 'failure' and user_id is null) as "without_account!",
                  count(*) filter (where kind = 'lockout') as "lockouts!",
                  (select count(*) from (select user_id from monitored union select user_id from doors) as active
                    where user_id is not null) as "active_users!"
             from doors"#,
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(SecuritySummary {
        from: totals.from,
        to: totals.to,
        accesses: totals.accesses,
        refusals: totals.refusals,
        failed_logins: totals.failed_logins,
        failed_logins_without_account: totals.without_account,
        lockouts: totals.lockouts,
        users,
        active_users: totals.active_users,
    })
}

pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<SecurityEntry>> {
    // The optional predicates decide which index serves, so the plan must know which are there.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(tx.conn())
        .await?;
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SecurityEntry,
        r#"select e.id, e.at, e.kind as "kind: _", e.outcome as "outcome: _", e.user_id as "user_id: _",
                  u.given_name || ' ' || u.family_name as user_name, e.subject_id as "subject_id: _",
                  e.session_id as "session_id: _", e.address, e.user_agent, e.reason, e.request_id as "request_id: _"
             from app.security_events e
             left join app.users u on u.tenant_id = $1 and u.id = e.user_id
            where e.tenant_id = $1
              and ($2::text is null or e.kind = $2)
              and ($3::text is null or e.outcome = $3)
              and ($4::uuid is null or e.user_id = $4 or e.subject_id = $4)
              and ($5::timestamptz is null or e.at >= $5)
              and ($6::timestamptz is null or e.at < $6)
              and ($7::timestamptz is null or e.at <= $7 and (e.at, e.id) < ($7, $8))
            order by e.at desc, e.id desc limit $9"#,
        tenant as _,
        filter.kind.map(SecurityKind::as_str),
        filter.outcome.map(SecurityOutcome::as_str),
        filter.user as Option<UserId>,
        filter.from,
        filter.to,
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

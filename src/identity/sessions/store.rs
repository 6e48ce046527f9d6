//! SQL of sessions.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, SessionId, UserId};
use platform::access::{ChartAccess, Role};
use platform::db::TenantTx;
use platform::http::RequestInfo;

use super::model::Session;

/// Why a session ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum EndReason {
    Logout,
    Revoked,
    RefreshReuse,
    PasswordChanged,
    AccountChanged,
}

/// What a principal is made of, as it stands now.
pub(crate) struct Live {
    pub role: Role,
    pub chart_access: ChartAccess,
    pub time_zone: String,
    pub facility_zones: Vec<String>,
    /// The chart that is his own, for a patient.
    pub patient: Option<PatientId>,
    pub ends_at: Instant,
    pub last_used_at: Instant,
}

/// The session, if it, its account and its tenant are live.
pub(super) async fn live(
    tx: &mut TenantTx,
    session: SessionId,
    user: UserId,
    now: Instant,
) -> Result<Option<Live>> {
    let tenant = tx.tenant();
    let live = sqlx::query_as!(
        Live,
        r#"select u.role as "role: _", t.chart_access as "chart_access: _", t.time_zone,
                  array(select distinct f.time_zone from app.facilities f where f.tenant_id = $1) as "facility_zones!", s.last_used_at,
                  least(s.expires_at, s.created_at + make_interval(hours => t.session_hours::int)) as "ends_at!",
                  case when u.role = 'patient' then
                      (select p.id from app.patients p
                        where p.tenant_id = $1 and p.portal_user_id = u.id and p.deleted_at is null)
                  end as "patient: PatientId"
             from app.sessions s
             join app.users u on u.tenant_id = $1 and u.id = s.user_id
             join app.tenants t on t.tenant_id = $1
            where s.tenant_id = $1 and s.id = $2 and s.user_id = $3
              and s.ended_at is null and s.idle_until > $4
              and least(s.expires_at, s.created_at + make_interval(hours => t.session_hours::int)) > $4
              and u.status = 'active' and u.deleted_at is null and t.status = 'active'"#,
        tenant as _,
        session as _,
        user as _,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(live)
}

/// Moves the last use forward, unless another request has just done so.
pub(super) async fn touch(
    tx: &mut TenantTx,
    session: SessionId,
    now: Instant,
    unless_since: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.sessions s
              set last_used_at = $3, idle_until = $3::timestamptz + make_interval(mins => t.idle_minutes)
             from app.tenants t
            where t.tenant_id = $1 and s.tenant_id = $1 and s.id = $2 and s.ended_at is null and s.last_used_at < $4"#,
        tenant as _,
        session as _,
        now,
        unless_since
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    session: SessionId,
    user: UserId,
    request: &RequestInfo,
    now: Instant,
    (expires_at, idle_until): (Instant, Instant),
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.sessions (tenant_id, id, user_id, created_at, expires_at, idle_until, last_used_at, address, user_agent)
           values ($1, $2, $3, $4, $5, $6, $4, $7, $8)"#,
        tenant as _,
        session as _,
        user as _,
        now,
        expires_at,
        idle_until,
        &*request.address,
        &*request.user_agent
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether the account has logged in since from the network (an address, or a /64 of IPv6).
pub(crate) async fn has_come_from(
    tx: &mut TenantTx,
    user: UserId,
    network: &str,
    since: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let came = sqlx::query_scalar!(
        r#"select exists (select from app.sessions
                           where tenant_id = $1 and user_id = $2 and created_at > $4
                             and (address = $3
                                  or case when address ~ '^[0-9a-f.:]+$' and $3 ~ '^[0-9a-f.:/]+$'
                                          then address::inet <<= $3::text::inet end)) as "came!""#,
        tenant as _,
        user as _,
        network,
        since
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(came)
}

/// Ends every live session of the account but one. Whoever calls it announces the change.
pub(crate) async fn end_all(
    tx: &mut TenantTx,
    user: UserId,
    but: Option<SessionId>,
    reason: EndReason,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.sessions set ended_at = $4, end_reason = $5
            where tenant_id = $1 and user_id = $2 and id is distinct from $3 and ended_at is null"#,
        tenant as _,
        user as _,
        but as _,
        now,
        reason as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends every live session of the tenant. Whoever calls it announces the change.
pub(crate) async fn end_all_of_tenant(
    tx: &mut TenantTx,
    reason: EndReason,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.sessions set ended_at = $2, end_reason = $3 where tenant_id = $1 and ended_at is null",
        tenant as _,
        now,
        reason as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends a live session of the account; false if it has none such. Whoever calls it announces the change.
pub(crate) async fn end_one(
    tx: &mut TenantTx,
    user: UserId,
    session: SessionId,
    reason: EndReason,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let ended = sqlx::query!(
        r#"update app.sessions set ended_at = $4, end_reason = $5
            where tenant_id = $1 and user_id = $2 and id = $3 and ended_at is null"#,
        tenant as _,
        user as _,
        session as _,
        now,
        reason as _
    )
    .execute(tx.conn())
    .await?;
    Ok(ended.rows_affected() == 1)
}

/// The account's live sessions, the newest first. `current` is the one that asks.
pub(crate) async fn live_of(
    tx: &mut TenantTx,
    user: UserId,
    current: SessionId,
    now: Instant,
) -> Result<Vec<Session>> {
    let tenant = tx.tenant();
    let sessions = sqlx::query_as!(
        Session,
        r#"select id as "id: _", created_at, last_used_at, expires_at, address, user_agent, id = $3 as "current!"
             from app.sessions
            where tenant_id = $1 and user_id = $2 and ended_at is null and expires_at > $4 and idle_until > $4
            order by created_at desc, id desc
            limit 200"#,
        tenant as _,
        user as _,
        current as _,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(sessions)
}

//! Security events: what happened at the door. Append-only, by month.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{RequestId, SessionId, TenantId, UserId, mint};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::db::{Db, SystemTx, TenantTx};
use crate::http::RequestInfo;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SecurityKind {
    Login,
    Logout,
    Refresh,
    RefreshReuse,
    Lockout,
    PasswordChange,
    PasswordReset,
    RoleChange,
    StatusChange,
    AccountCreated,
    SessionRevoked,
    PermissionRefused,
    RateLimited,
    KeyRotation,
}

impl SecurityKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::Logout => "logout",
            Self::Refresh => "refresh",
            Self::RefreshReuse => "refresh_reuse",
            Self::Lockout => "lockout",
            Self::PasswordChange => "password_change",
            Self::PasswordReset => "password_reset",
            Self::RoleChange => "role_change",
            Self::StatusChange => "status_change",
            Self::AccountCreated => "account_created",
            Self::SessionRevoked => "session_revoked",
            Self::PermissionRefused => "permission_refused",
            Self::RateLimited => "rate_limited",
            Self::KeyRotation => "key_rotation",
        }
    }
}

/// The tenant under which attempts against no tenant are kept.
pub const NO_TENANT: TenantId = TenantId(Uuid::nil());

/// One event.
#[derive(Clone, Debug)]
pub struct SecurityEvent {
    pub kind: SecurityKind,
    pub success: bool,
    pub user: Option<UserId>,
    pub session: Option<SessionId>,
    /// The account acted upon, where it is another than the actor's.
    pub subject: Option<UserId>,
    /// A stable word, never a value that was sent.
    pub reason: Option<&'static str>,
}

impl SecurityEvent {
    pub fn new(kind: SecurityKind, success: bool) -> Self {
        Self {
            kind,
            success,
            user: None,
            session: None,
            subject: None,
            reason: None,
        }
    }
    #[must_use]
    pub fn by(mut self, user: Option<UserId>, session: Option<SessionId>) -> Self {
        self.user = user;
        self.session = session;
        self
    }
    #[must_use]
    pub fn upon(mut self, subject: UserId) -> Self {
        self.subject = Some(subject);
        self
    }
    #[must_use]
    pub fn because(mut self, reason: &'static str) -> Self {
        self.reason = Some(reason);
        self
    }
}

/// Adds the event to a transaction, so that it is as durable as what it tells of.
pub async fn insert(
    tx: &mut TenantTx,
    event: &SecurityEvent,
    request: Option<&RequestInfo>,
    now: Instant,
) -> Result<()> {
    sqlx::query!(
        r#"insert into app.security_events (tenant_id, at, id, kind, outcome, user_id, session_id, subject_id, address, user_agent, reason, request_id)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"#,
        tx.tenant() as _,
        now,
        mint(),
        event.kind.as_str(),
        if event.success { "success" } else { "failure" },
        event.user as Option<UserId>,
        event.session as Option<SessionId>,
        event.subject as Option<UserId>,
        request.map_or("local", |request| &request.address),
        request.map_or("", |request| &request.user_agent),
        event.reason,
        request.map(|request| request.id) as Option<RequestId>,
    )
    .execute(tx.conn())
    .await?;
    metrics::counter!("chartwell_security_events_total", "kind" => event.kind.as_str(), "outcome" => if event.success { "success" } else { "failure" })
        .increment(1);
    Ok(())
}

/// Writes the event in a transaction of its own.
pub async fn record(
    db: &Db,
    tenant: TenantId,
    event: &SecurityEvent,
    request: Option<&RequestInfo>,
    now: Instant,
) -> Result<()> {
    let mut tx = SystemTx::begin(db, tenant).await?;
    insert(&mut tx, event, request, now).await?;
    tx.commit().await
}

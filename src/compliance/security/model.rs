//! Security events and the activity of accounts. No health information: patients are counted, never named.

use chrono::{DateTime, Utc};
use kernel::ids::{RequestId, SessionId, UserId};
use platform::access::{NoPhi, Role};
use platform::audit::SecurityKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Twenty-four hours of an organisation.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecuritySummary {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub accesses: i64,
    pub refusals: i64,
    pub failed_logins: i64,
    /// Of the failed logins, those against no account.
    pub failed_logins_without_account: i64,
    pub lockouts: i64,
    /// Accounts with any activity: those with failures and refusals first, then the busiest; 500 at most.
    pub users: Vec<UserActivity>,
    /// How many accounts were active in all.
    pub active_users: i64,
}

impl NoPhi for SecuritySummary {}

/// Twenty-four hours of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserActivity {
    pub user_id: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Records of health information seen or changed.
    pub accesses: i64,
    pub refusals: i64,
    /// How many different patients.
    pub patients: i64,
    pub failed_logins: i64,
    pub lockouts: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_access: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login: Option<DateTime<Utc>>,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SecurityOutcome {
    Success,
    Failure,
}

impl SecurityOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}

/// One security event.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SecurityEntry {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    pub kind: SecurityKind,
    pub outcome: SecurityOutcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// The account acted upon, where it is another than the actor's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<SessionId>,
    pub address: String,
    pub user_agent: String,
    /// A stable word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
}

impl NoPhi for SecurityEntry {}

/// Which events.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListSecurityEvents {
    pub kind: Option<SecurityKind>,
    pub outcome: Option<SecurityOutcome>,
    /// The account that acted or was acted upon.
    pub user_id: Option<UserId>,
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// What narrows the list. A cursor is good for the same filter only.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Filter {
    pub kind: Option<SecurityKind>,
    pub outcome: Option<SecurityOutcome>,
    pub user: Option<UserId>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

//! Accounts on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{PatientId, UserId};
use kernel::{Checks, Validate};
use platform::access::{NoPhi, Role};
use platform::audit::Subject;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whether an account may log in. Only an active one may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AccountStatus {
    Active,
    /// No longer needed: its owner has left.
    Inactive,
    /// Held back for a while.
    Suspended,
}

/// A new account. Its owner sets the password with the link in the answer.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "email": "nora.okafor@riverside.example", "role": "nurse", "given_name": "Nora", "family_name": "Okafor",
    "phone": "+1 312 555 0142"
}))]
pub struct NewUser {
    /// What its owner logs in with. Compared without case.
    pub email: String,
    pub role: Role,
    pub given_name: String,
    pub family_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Where a picture is; the server only keeps the reference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_ref: Option<String>,
}

/// What can be changed of an account without consequences.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "given_name": "Nora", "family_name": "Okafor-Lind", "phone": "+1 312 555 0142" }))]
pub struct UserProfile {
    pub given_name: String,
    pub family_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avatar_ref: Option<String>,
}

/// An account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    pub status: AccountStatus,
    #[serde(flatten)]
    pub profile: UserProfile,
    /// Absent until the invitation is taken up, and after a reset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_set_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_login_at: Option<DateTime<Utc>>,
    /// Until when too many wrong passwords locked it; may have passed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locked_until: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Whose own account it is, for the access log: not shown.
    #[serde(skip)]
    pub patient: Option<PatientId>,
}

impl User {
    /// Whom it discloses.
    pub(super) fn subject(&self) -> Subject {
        Subject {
            patient: self.patient,
            resource: Some(self.id.0),
        }
    }
}

/// An account just made, with the invitation of its owner.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct InvitedUser {
    #[serde(flatten)]
    pub user: User,
    #[serde(flatten)]
    pub invitation: OneTimeLink,
}

/// The role an account gets.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "role": "provider" }))]
pub struct RoleChange {
    pub role: Role,
}

/// The way to set a password, once.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OneTimeLink {
    /// Hand it to the account's owner. Shown once: an answer repeated for an `Idempotency-Key` has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "http://127.0.0.1:8080/set-password#token=cwo_…")]
    pub set_password_link: Option<String>,
    pub link_expires_at: DateTime<Utc>,
}

/// Which accounts to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    pub role: Option<Role>,
    pub status: Option<AccountStatus>,
    /// How the e-mail begins, without case.
    pub email: Option<String>,
    /// How the given or the family name begins, without case.
    pub name: Option<String>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NoPhi for OneTimeLink {}
// It is nobody's yet.
impl NoPhi for InvitedUser {}

impl NewUser {
    pub(super) fn profile(&self) -> UserProfile {
        UserProfile {
            given_name: self.given_name.clone(),
            family_name: self.family_name.clone(),
            phone: self.phone.clone(),
            avatar_ref: self.avatar_ref.clone(),
        }
    }
}

impl Validate for NewUser {
    fn check(&self, checks: &mut Checks) {
        checks.email("email", &self.email);
        self.profile().check(checks);
    }
}

impl Validate for UserProfile {
    fn check(&self, checks: &mut Checks) {
        checks.text("given_name", &self.given_name, 100);
        checks.text("family_name", &self.family_name, 100);
        if let Some(phone) = &self.phone {
            checks.phone("phone", phone);
        }
        checks.text_if("avatar_ref", self.avatar_ref.as_deref(), 500);
    }
}

impl Validate for RoleChange {
    fn check(&self, _: &mut Checks) {}
}

//! What is said at the door.

use chrono::{DateTime, Utc};
use kernel::ids::{PatientId, ProviderId, SessionId, TenantId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::users::User;

/// Proof of who one is.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "tenant": "riverside", "email": "provider@riverside.demo", "password": "chartwell-demo" }))]
pub struct Login {
    /// The organisation's short name.
    pub tenant: String,
    pub email: String,
    #[schema(value_type = String, format = Password)]
    pub password: SecretString,
}

/// A refresh token, to be exchanged for the next.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "refresh_token": "cwr_AZrG…" }))]
pub struct Refresh {
    #[schema(value_type = String, format = Password)]
    pub refresh_token: SecretString,
}

/// The tokens of a session.
#[derive(Clone, Serialize, ToSchema)]
pub struct SessionTokens {
    /// Send it as `Authorization: Bearer …`.
    pub access_token: String,
    #[schema(example = "Bearer")]
    pub token_type: &'static str,
    /// Seconds the access token lives.
    #[schema(example = 600)]
    pub expires_in: i64,
    /// Works once, at POST /api/v1/auth/refresh. A second use ends the session.
    pub refresh_token: String,
    pub session_id: SessionId,
    /// When the session ends whatever is refreshed.
    pub session_expires_at: DateTime<Utc>,
}

/// A session that is live.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Session {
    pub id: SessionId,
    pub created_at: DateTime<Utc>,
    /// To the minute.
    pub last_used_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// The address it was begun from.
    pub address: String,
    pub user_agent: String,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// One's own account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Me {
    #[serde(flatten)]
    pub account: User,
    pub tenant: MyTenant,
    pub session_id: SessionId,
    /// One's own chart, for a patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    /// The provider whose account it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// What the role permits.
    #[schema(example = json!(["profile.read", "patient.search"]))]
    pub permissions: Vec<&'static str>,
}

/// The organisation one belongs to.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MyTenant {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub time_zone: String,
}

/// A new password of one's own.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "current_password": "chartwell-demo", "new_password": "walnut glider sonnet" }))]
pub struct PasswordChange {
    #[schema(value_type = String, format = Password)]
    pub current_password: SecretString,
    /// As long as the organisation wants, at most 128 characters, and not easy to guess.
    #[schema(value_type = String, format = Password)]
    pub new_password: SecretString,
}

/// A password set with the one-time token of an invitation or a reset.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "token": "cwo_AZrG…", "new_password": "walnut glider sonnet" }))]
pub struct PasswordChoice {
    /// What stands behind `#token=` in the link.
    #[schema(value_type = String, format = Password)]
    pub token: SecretString,
    /// As long as the organisation wants, at most 128 characters, and not easy to guess.
    #[schema(value_type = String, format = Password)]
    pub new_password: SecretString,
}

/// The keys that verify access tokens (RFC 7517).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    pub keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    #[schema(example = "OKP")]
    pub kty: String,
    #[schema(example = "Ed25519")]
    pub crv: String,
    #[serde(rename = "use")]
    #[schema(example = "sig")]
    pub usage: String,
    #[schema(example = "EdDSA")]
    pub alg: String,
    #[schema(example = "access_token-1")]
    pub kid: String,
    /// The key, in base64url.
    pub x: String,
}

impl NoPhi for SessionTokens {}
impl NoPhi for Session {}
impl NoPhi for Me {}
impl NoPhi for Jwks {}

/// Longer than any secret we take: the door does not compute over megabytes.
const LONGEST: usize = 1_024;

fn secret(checks: &mut Checks, field: &str, secret: &SecretString) {
    let length = secret.expose_secret().len();
    checks.require(
        (1..=LONGEST).contains(&length),
        field,
        "wrong_length",
        "must have 1 to 1024 bytes",
    );
}

impl Validate for Login {
    fn check(&self, checks: &mut Checks) {
        checks.text("tenant", &self.tenant, 63);
        checks.text("email", &self.email, 254);
        secret(checks, "password", &self.password);
    }
}

impl Validate for Refresh {
    fn check(&self, checks: &mut Checks) {
        secret(checks, "refresh_token", &self.refresh_token);
    }
}

impl Validate for PasswordChange {
    fn check(&self, checks: &mut Checks) {
        secret(checks, "current_password", &self.current_password);
        secret(checks, "new_password", &self.new_password);
    }
}

impl Validate for PasswordChoice {
    fn check(&self, checks: &mut Checks) {
        secret(checks, "token", &self.token);
        secret(checks, "new_password", &self.new_password);
    }
}

//! One access record: who did what to whose information, when, why, from where.

use std::borrow::Cow;

use kernel::clock::Instant;
use kernel::ids::PatientId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// How information was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AccessAction)]
pub enum Action {
    Read,
    Search,
    Create,
    Update,
    Delete,
    Export,
    Print,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Search => "search",
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Export => "export",
            Action::Print => "print",
        }
    }
}

/// Whether it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AccessOutcome)]
pub enum Outcome {
    Success,
    Refused,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Refused => "refused",
        }
    }
}

/// Whose information, and which piece of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subject {
    pub patient: Option<PatientId>,
    pub resource: Option<Uuid>,
}

/// A row of `app.phi_access_log`, but for the transaction number, which the database adds.
#[derive(Clone, Debug)]
pub struct AccessRecord {
    pub tenant_id: Uuid,
    pub at: Instant,
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub patient_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    pub request_id: Uuid,
    pub break_glass: bool,
    pub role: Cow<'static, str>,
    pub resource: Cow<'static, str>,
    pub action: Cow<'static, str>,
    pub outcome: Cow<'static, str>,
    pub purpose: Cow<'static, str>,
    pub method: Cow<'static, str>,
    pub route: Cow<'static, str>,
    pub address: Cow<'static, str>,
    pub user_agent: Cow<'static, str>,
    pub mac: Vec<u8>,
}

impl AccessRecord {
    /// The hash that the record's MAC and its leaf in a seal are made from: every column but `xid` and `mac`, each with
    /// its length, so that no two records read the same.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let absent = Uuid::nil();
        for id in [
            self.tenant_id,
            self.id,
            self.user_id.unwrap_or(absent),
            self.session_id.unwrap_or(absent),
            self.patient_id.unwrap_or(absent),
            self.resource_id.unwrap_or(absent),
            self.request_id,
        ] {
            hash.update(id.as_bytes());
        }
        hash.update(self.at.timestamp_micros().to_be_bytes());
        hash.update([u8::from(self.break_glass)]);
        for text in [
            &self.role,
            &self.resource,
            &self.action,
            &self.outcome,
            &self.purpose,
            &self.method,
            &self.route,
            &self.address,
            &self.user_agent,
        ] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        hash.finalize().into()
    }
}

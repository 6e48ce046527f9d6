//! Changes, and how they are asked for.

use chrono::{DateTime, Utc};
use kernel::ids::{PatientId, RequestId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = RecordChangeKind)]
pub enum ChangeKind {
    #[sqlx(rename = "insert")]
    Create,
    Update,
    Delete,
}

/// One field before and after.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = RecordFieldChange)]
pub struct FieldChange {
    /// JSON Pointer into the resource as it is stored.
    #[schema(example = "/names/0/family")]
    pub field: String,
    /// Absent: there was nothing. `(sealed)`: kept encrypted, and not shown here either.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Absent: there is nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// One change of one row.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RecordChange)]
pub struct Change {
    pub id: Uuid,
    pub at: DateTime<Utc>,
    /// The kind of resource, as its table is called.
    #[schema(example = "patients")]
    pub resource: String,
    pub resource_id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    pub kind: ChangeKind,
    /// Absent: the system itself, as in an import.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_name: Option<String>,
    /// As it was then: a role, or `system`.
    pub role: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<RequestId>,
    /// The version the change led to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
    pub changes: Vec<FieldChange>,
}

/// Which changes.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListChanges {
    /// The kind of resource, as its table is called: `patients`, `encounters`, `users` …
    #[param(pattern = "^[a-z_]{1,63}$", example = "patients")]
    pub resource: Option<String>,
    /// The id of the resource; needs `resource`.
    pub id: Option<Uuid>,
    pub patient_id: Option<PatientId>,
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
    pub resource: Option<String>,
    pub id: Option<Uuid>,
    pub patient: Option<PatientId>,
    pub from: Option<DateTime<Utc>>,
    pub to: Option<DateTime<Utc>>,
}

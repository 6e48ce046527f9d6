//! Assignments as they come and go over the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{AssignmentId, DepartmentId, FacilityId, UserId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An assignment to a department, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "department_id": "01981c2e-7a41-7f02-8a11-6d2b9c0e4f5a", "is_primary": true, "valid_from": "2026-01-05T13:00:00Z"
}))]
pub struct NewAssignment {
    /// An active department.
    pub department_id: DepartmentId,
    /// Whether it is where he belongs first; takes the mark from another open assignment.
    #[serde(default)]
    pub is_primary: bool,
    /// Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<DateTime<Utc>>,
}

impl Validate for NewAssignment {
    fn check(&self, checks: &mut Checks) {
        if let Some(from) = self.valid_from {
            checks.instant("valid_from", from);
        }
    }
}

/// An assignment of a user to a department.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Assignment {
    pub id: AssignmentId,
    pub user_id: UserId,
    /// The department's.
    pub facility_id: FacilityId,
    pub department_id: DepartmentId,
    pub is_primary: bool,
    pub valid_from: DateTime<Utc>,
    /// When it ended; `null` while it is open.
    pub valid_until: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for Assignment {}

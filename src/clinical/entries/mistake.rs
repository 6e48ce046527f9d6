//! Taking an entry back.

use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum EntryStatus {
    Recorded,
    /// It should never have been made; it stays to be seen.
    EnteredInError,
}

/// Why an entry should never have been made.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Entered in the wrong chart" }))]
pub struct Mistake {
    pub reason: String,
}

impl Validate for Mistake {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

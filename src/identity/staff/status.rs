//! Whether somebody works here at present.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether a provider or member of the staff works here at present. His rows stay, whichever it is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum StaffStatus {
    #[default]
    Active,
    Inactive,
}

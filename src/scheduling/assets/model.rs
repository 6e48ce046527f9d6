//! Rooms and devices on the wire.

use chrono::{DateTime, Utc};
use identity::facilities::PlaceStatus;
use kernel::ids::{AssetId, DepartmentId, FacilityId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A place to be in, or a thing to be used.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AssetKind {
    Room,
    Equipment,
}

/// What an admin says of a room or a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "facility_id": "01990000-0000-7000-8000-000000000001", "kind": "room", "asset_kind": "exam", "code": "EX-4",
    "name": "Examination room 4", "status": "active"
}))]
pub struct NewAsset {
    /// Where it is. For good.
    pub facility_id: FacilityId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    pub kind: AssetKind,
    /// What services ask for: `exam`, `procedure`, `mri`, `ecg` … For good, as its kind is.
    pub asset_kind: String,
    /// Short and unique in the facility.
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub status: PlaceStatus,
}

/// A room or a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Asset {
    pub id: AssetId,
    #[serde(flatten)]
    pub data: NewAsset,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    /// Of an answer to a change: how many appointments that are to take place in it, whoever's they are, lie outside of what is
    /// available now. `GET /api/v1/scheduling/affected-appointments` says which.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub affected_appointments: Option<usize>,
}

/// Which rooms and devices to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAssets {
    /// Only those of this facility.
    pub facility_id: Option<FacilityId>,
    /// Only rooms, or only equipment.
    pub kind: Option<AssetKind>,
    /// Only those services ask for by this name.
    pub asset_kind: Option<String>,
    /// Only those of this status.
    pub status: Option<PlaceStatus>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NoPhi for Asset {}

impl Validate for NewAsset {
    fn check(&self, checks: &mut Checks) {
        check_kind(checks, "asset_kind", &self.asset_kind);
        let code =
            (1..=40).contains(&self.code.len()) && self.code.chars().all(|c| c.is_ascii_graphic());
        checks.require(
            code,
            "code",
            "wrong_form",
            "must have 1 to 40 printable ASCII characters and no spaces",
        );
        checks.text("name", &self.name, 200);
    }
}

/// `a-z 0-9 _`, 1 to 40 characters.
pub(crate) fn check_kind(checks: &mut Checks, field: &str, kind: &str) {
    checks.require(
        is_kind(kind),
        field,
        "wrong_form",
        "must have 1 to 40 small letters, digits and underscores",
    );
}

pub(crate) fn is_kind(kind: &str) -> bool {
    (1..=40).contains(&kind.len())
        && kind
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

//! Stays in beds, on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{BedStayId, DepartmentId, EncounterId, FacilityId, PatientId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Into which bed, and when.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "facility_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "department_id": "01890a5d-ac96-7ab2-80e2-4536629c90de",
    "bed": "4B-12"
}))]
pub struct BedMove {
    pub facility_id: FacilityId,
    /// A department of the facility.
    pub department_id: DepartmentId,
    /// As it is called in the department.
    pub bed: String,
    /// Now, unless given. Not before the present stay, not in the future.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

impl Validate for BedMove {
    fn check(&self, checks: &mut Checks) {
        checks.text("bed", &self.bed, 40);
    }
}

/// The end of a stay.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "disposition": "Home with home health care" }))]
pub struct Discharge {
    /// Where the patient goes, and how.
    pub disposition: String,
    /// Now, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime<Utc>>,
}

impl Validate for Discharge {
    fn check(&self, checks: &mut Checks) {
        checks.text("disposition", &self.disposition, 500);
    }
}

/// A stay in a bed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct BedStay {
    pub id: BedStayId,
    pub patient_id: PatientId,
    pub encounter_id: EncounterId,
    pub facility_id: FacilityId,
    pub department_id: DepartmentId,
    pub bed: String,
    pub starts_at: DateTime<Utc>,
    /// Absent while the patient lies there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<DateTime<Utc>>,
    pub version: i64,
}

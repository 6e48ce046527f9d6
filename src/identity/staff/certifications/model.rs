//! Certifications as they come and go over the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{CertificationId, ProviderId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::staff::licenses::check_expiry;

/// A certification, as written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Internal Medicine", "issuer": "American Board of Internal Medicine", "number": "318842",
    "issued_on": "2019-08-15", "expires_on": "2029-12-31"
}))]
pub struct NewCertification {
    pub name: String,
    /// Who attests it.
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issued_on: Option<NaiveDate>,
    /// The last day on which it is good; absent if it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
}

impl Validate for NewCertification {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 200);
        checks.text("issuer", &self.issuer, 200);
        checks.text_if("number", self.number.as_deref(), 40);
        if let Some(issued_on) = self.issued_on {
            checks.past_date("issued_on", issued_on);
        }
        check_expiry(checks, "expires_on", self.issued_on, self.expires_on);
    }
}

/// A certification of a provider.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Certification {
    pub id: CertificationId,
    pub provider_id: ProviderId,
    #[serde(flatten)]
    pub data: NewCertification,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for Certification {}

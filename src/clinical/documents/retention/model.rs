//! Retention on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{
    DestructionCertificateId, DocumentId, LegalHoldId, PatientId, ProviderId, RetentionPolicyId,
    RetentionReviewId, UserId,
};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::documents::model::{Category, DocumentKind};

fn eighteen() -> i16 {
    18
}

/// How long a category is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "category": "clinical", "state": "NY", "years": 6, "minor_years": 1, "majority_age": 18 }))]
pub struct NewRetentionPolicy {
    pub category: Category,
    /// USPS code. The policy holds for patients registered at a facility there, and for whom no state is known; everywhere
    /// unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// From the day of the document, 1 to 100.
    pub years: i16,
    /// Of a document made before the patient's majority: at least so many years from his majority, 0 to 50.
    #[serde(default)]
    pub minor_years: i16,
    /// 14 to 25; 18 unless given.
    #[serde(default = "eighteen")]
    pub majority_age: i16,
}

impl Validate for NewRetentionPolicy {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            (1..=100).contains(&self.years),
            "years",
            "out_of_range",
            "must lie between 1 and 100",
        );
        checks.require(
            (0..=50).contains(&self.minor_years),
            "minor_years",
            "out_of_range",
            "must lie between 0 and 50",
        );
        checks.require(
            (14..=25).contains(&self.majority_age),
            "majority_age",
            "out_of_range",
            "must lie between 14 and 25",
        );
        if let Some(state) = &self.state {
            let form = kernel::states::is_licensing_state(state);
            checks.require(
                form,
                "state",
                "not_a_state",
                "must be the two capitals of a state",
            );
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RetentionPolicyStatus {
    Active,
    Retired,
}

/// A retention policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RetentionPolicy {
    pub id: RetentionPolicyId,
    #[serde(flatten)]
    pub data: NewRetentionPolicy,
    pub status: RetentionPolicyStatus,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for RetentionPolicy {}

/// A hold to place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Litigation, case 2026-114" }))]
pub struct NewLegalHold {
    /// One document; every document of the patient, or about the provider, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    pub reason: String,
}

impl Validate for NewLegalHold {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 1000);
    }
}

/// A legal hold.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LegalHold {
    pub id: LegalHoldId,
    /// Whose documents are held; or else they are about a provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    pub document_id: Option<DocumentId>,
    pub reason: String,
    pub placed_by: Option<UserId>,
    pub placed_at: DateTime<Utc>,
    pub lifted_by: Option<UserId>,
    pub lifted_at: Option<DateTime<Utc>>,
    pub lift_reason: Option<String>,
    pub version: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum RetentionReviewState {
    Open,
    Kept,
    Destroyed,
}

/// A document that has outlived its retention.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RetentionReview {
    pub id: RetentionReviewId,
    pub document_id: DocumentId,
    pub patient_id: Option<PatientId>,
    pub category: Category,
    pub kind: DocumentKind,
    pub document_date: NaiveDate,
    /// The first day it need not be kept any more.
    pub expired_on: NaiveDate,
    pub state: RetentionReviewState,
    pub reason: Option<String>,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTime<Utc>>,
    pub version: i64,
}

/// Which part of the review list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReviews {
    /// `open` unless given.
    pub state: Option<RetentionReviewState>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A decision to keep.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "until": "2099-12-31", "reason": "Research agreement with the university" }))]
pub struct KeepLonger {
    /// Comes up for review again after that day.
    pub until: NaiveDate,
    pub reason: String,
}

impl Validate for KeepLonger {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 1000);
        let ahead = self.until > checks.latest_today();
        checks.require(ahead, "until", "in_the_past", "must lie in the future");
    }
}

/// What remains of a destroyed document.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DestructionCertificate {
    pub id: DestructionCertificateId,
    pub document_id: DocumentId,
    pub patient_id: Option<PatientId>,
    pub category: Category,
    pub kind: DocumentKind,
    pub document_date: NaiveDate,
    pub expired_on: NaiveDate,
    #[schema(value_type = Vec<DestroyedVersion>)]
    pub versions: sqlx::types::Json<Vec<DestroyedVersion>>,
    pub reason: String,
    /// What was done to it.
    pub method: String,
    pub destroyed_by: UserId,
    pub destroyed_at: DateTime<Utc>,
    pub version: i64,
}

/// A version that was destroyed.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct DestroyedVersion {
    pub number: i32,
    /// SHA-256 of the content, in hex: what a copy that turns up can be compared with.
    pub sha256: String,
    pub size: i64,
}

//! Documents on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{
    AppointmentId, DocumentId, DocumentVersionId, EncounterId, PatientId, ProviderId, UserId,
};
use kernel::{Checks, Validate};
use platform::access::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::patients::AsOf;

/// Who reads a document follows from its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DocumentCategory)]
pub enum Category {
    /// For those who treat.
    Clinical,
    /// Also for the front desk.
    Administrative,
    /// Also for the front desk and billing.
    Insurance,
    /// About a provider; for administrators and himself.
    Credential,
}

impl Category {
    pub const ALL: [Self; 4] = [
        Self::Clinical,
        Self::Administrative,
        Self::Insurance,
        Self::Credential,
    ];

    /// What it takes to file or change one.
    pub const fn permission(self) -> Permission {
        match self {
            Self::Clinical => Permission::DocumentFileClinical,
            Self::Administrative | Self::Insurance => Permission::DocumentFileOffice,
            Self::Credential => Permission::DocumentFileCredential,
        }
    }
}

/// What it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DocumentKind {
    LabReport,
    ImagingReport,
    PathologyReport,
    OperativeReport,
    DischargeSummary,
    ConsultationReport,
    ReferralLetter,
    ContinuityOfCare,
    AdvanceDirective,
    ImmunizationRecord,
    Photograph,
    Consent,
    Identification,
    InsuranceCard,
    PriorAuthorization,
    Correspondence,
    Form,
    License,
    Certificate,
    Diploma,
    Other,
}

/// Whether it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DocumentStatus {
    Current,
    EnteredInError,
    Destroyed,
}

/// Who brought it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DocumentSource {
    Staff,
    Patient,
    Import,
}

/// What a scanner said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DocumentScan)]
pub enum Scan {
    /// In quarantine until it has been scanned.
    Pending,
    Clean,
    /// Never given out.
    Infected,
    /// No scanner is configured.
    NotScanned,
    /// It can't be read; see the server's log.
    Failed,
}

/// How far the text has come into the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = DocumentTextState)]
pub enum TextState {
    Pending,
    Indexed,
    /// Its beginning is found, its end is not.
    Truncated,
    /// It has no text we can read, such as a photograph.
    None,
    /// Its text could not be read.
    Failed,
}

/// What a document shall be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "category": "clinical", "kind": "discharge_summary", "title": "Discharge summary, General Hospital",
                           "description": "Faxed by the ward", "document_date": "2026-01-15", "loinc_code": "18842-5" }))]
pub struct NewDocument {
    /// Can't be changed later.
    pub category: Category,
    pub kind: DocumentKind,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The day it is of. Retention counts from it.
    pub document_date: NaiveDate,
    /// The LOINC document code, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loinc_code: Option<String>,
    /// One of the patient's encounters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// One of the patient's appointments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub appointment_id: Option<AppointmentId>,
}

impl Validate for NewDocument {
    fn check(&self, checks: &mut Checks) {
        checks.text("title", &self.title, 200);
        checks.text_if("description", self.description.as_deref(), 2000);
        checks.past_date("document_date", self.document_date);
        if let Some(code) = &self.loinc_code {
            let form = code.split_once('-').is_some_and(|(number, digit)| {
                (1..=7).contains(&number.len())
                    && digit.len() == 1
                    && (number.to_owned() + digit)
                        .bytes()
                        .all(|byte| byte.is_ascii_digit())
            });
            checks.require(
                form,
                "loinc_code",
                "not_a_loinc_code",
                "must be a LOINC code such as 18842-5",
            );
        }
    }
}

/// A version of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DocumentVersion {
    pub id: DocumentVersionId,
    /// 1, 2, 3 … of its document.
    pub number: i32,
    #[schema(example = "summary.pdf")]
    pub filename: String,
    /// As declared and found true.
    #[schema(example = "application/pdf")]
    pub content_type: String,
    /// In bytes.
    pub size: i64,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    pub scan: Scan,
    /// What the scanner found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scan_detail: Option<String>,
    pub text: TextState,
    /// Since when the patient may read it.
    pub released_at: Option<DateTime<Utc>>,
    pub uploaded_by: Option<UserId>,
    pub uploaded_at: DateTime<Utc>,
}

/// A document, with the newest version the caller may read.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Document {
    pub id: DocumentId,
    /// Whose it is; or else it is about a provider.
    pub patient_id: Option<PatientId>,
    pub provider_id: Option<ProviderId>,
    #[serde(flatten)]
    pub data: NewDocument,
    pub source: DocumentSource,
    pub status: DocumentStatus,
    /// Why it is not current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_reason: Option<String>,
    pub current: DocumentVersion,
    /// Since when the patient may read it.
    pub released_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A form with a document and its file. The parts come in this order.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form that is read as it comes")]
#[schema(example = json!({
    "document": { "category": "clinical", "kind": "discharge_summary", "title": "Discharge summary, General Hospital",
                  "document_date": "2026-01-15" },
    "file": "Patient left in good health." }))]
pub struct DocumentForm {
    pub document: NewDocument,
    /// The content, with its type and file name.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// A form with a file.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes a form that is read as it comes")]
#[schema(example = json!({ "file": "Patient left in excellent health." }))]
pub struct FileForm {
    /// The content, with its type and file name.
    #[schema(value_type = String, format = Binary)]
    pub file: Vec<u8>,
}

/// Why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DocumentReason, example = json!({ "reason": "Filed in the wrong chart" }))]
pub struct Reason {
    pub reason: String,
}

impl Validate for Reason {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 1000);
    }
}

/// Which documents to list.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDocuments {
    pub category: Option<Category>,
    pub kind: Option<DocumentKind>,
    /// `current` unless given.
    pub status: Option<DocumentStatus>,
    pub encounter_id: Option<EncounterId>,
    pub appointment_id: Option<AppointmentId>,
    /// Of this day or later.
    pub from: Option<NaiveDate>,
    /// Of this day or earlier.
    pub to: Option<NaiveDate>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// A page, of today or as it stood.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PagesAsOf {
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the list as it was on record then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// A page, of whichever list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Pages {
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

//! Uploads on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{DocumentId, DocumentUploadId, PatientId, ProviderId};
use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::documents::model::NewDocument;

/// An upload to begin: whose document it will be, and what the content will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "patient_id": "01890a5d-ac96-774b-bcce-b302099a8057",
    "document": { "category": "clinical", "kind": "imaging_report", "title": "MRI of the knee", "document_date": "2026-01-15" },
    "filename": "knee.pdf", "content_type": "application/pdf", "size": 52_428_800 }))]
pub struct NewUpload {
    /// The patient whose document it is; or else a provider, or a document that gets a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_id: Option<PatientId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// The document that gets a new version; then without `document`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document_id: Option<DocumentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<NewDocument>,
    pub filename: String,
    pub content_type: String,
    /// In bytes; must be what comes in the end.
    pub size: i64,
    /// In hex; if given, must be what comes in the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Validate for NewUpload {
    fn check(&self, checks: &mut Checks) {
        let owners = usize::from(self.patient_id.is_some())
            + usize::from(self.provider_id.is_some())
            + usize::from(self.document_id.is_some());
        checks.require(
            owners == 1,
            "patient_id",
            "one_owner",
            "must be given, or else provider_id or document_id",
        );
        let labelled = self.document.is_some() != self.document_id.is_some();
        checks.require(
            labelled,
            "document",
            "one_label",
            "must be given for a new document, and not for a new version",
        );
        if let Some(document) = &self.document {
            checks.within("document", |checks| document.check(checks));
        }
        checks.text("filename", &self.filename, 200);
        checks.text("content_type", &self.content_type, 200);
        checks.require(self.size > 0, "size", "out_of_range", "must be at least 1");
        if let Some(hash) = &self.sha256 {
            let form = hash.len() == 64 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
            checks.require(form, "sha256", "not_a_hash", "must be 64 hex digits");
        }
    }
}

/// How an upload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum UploadState {
    Receiving,
    Completed,
    Aborted,
}

/// An upload under way.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DocumentUpload)]
pub struct Upload {
    pub id: DocumentUploadId,
    pub patient_id: Option<PatientId>,
    pub provider_id: Option<ProviderId>,
    /// The document that gets a new version; of a completed upload the one it has become.
    pub document_id: Option<DocumentId>,
    pub state: UploadState,
    /// What has arrived, in bytes: where the next part begins.
    pub offset: i64,
    pub size: i64,
    /// Swept away after that, unless completed.
    pub expires_at: DateTime<Utc>,
    pub version: i64,
    /// What was told when it began.
    #[serde(flatten)]
    pub request: UploadRequest,
}

/// What was told of the content when an upload began.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UploadRequest {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<NewDocument>,
    pub filename: String,
    pub content_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

//! Imported resources on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, ImportedResourceId, PatientId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::patients::AsOf;

/// What there is, without its content.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportedResourceSummary {
    pub id: ImportedResourceId,
    /// FHIR R4.
    #[schema(example = "Observation")]
    pub resource_type: String,
    /// Its id where it came from.
    pub source_id: String,
    pub encounter_id: Option<EncounterId>,
    /// The resource's own date, where it has one.
    pub effective_at: Option<DateTime<Utc>>,
    /// What it was entered into the chart as: `problem`, `vitals` and so on.
    #[schema(example = "vitals")]
    pub entry_kind: Option<String>,
    /// That entry; of vitals the set.
    pub entry_id: Option<uuid::Uuid>,
    /// Why there is no entry, or what it lacks.
    pub reason: Option<String>,
    /// Whether it is a note or a result, or can't be told from them, or is a draft, a proposal, or one that was dropped: the patient
    /// reads those when they were released to him.
    pub needs_release: bool,
    /// When it was released to the patient.
    pub released_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A resource as it came.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportedResource {
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub summary: ImportedResourceSummary,
    /// The FHIR resource.
    #[schema(value_type = Object)]
    pub content: Value,
}

/// Which resources to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListImportedResources {
    /// Only those of this FHIR type.
    #[param(example = "Observation")]
    pub r#type: Option<String>,
    /// Only those that should stand in the chart and could not be entered. Not with `as_of`.
    #[serde(default)]
    pub not_entered: bool,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: what its source had said by then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

//! Released notes on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{NoteId, PatientId};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::{IntoParams, ToSchema};

use crate::notes::amendment_requests::EntryAmendment;
use crate::notes::content::NoteContent;
use crate::notes::kinds::{EntryKind, NoteType};
use crate::patients::AsOf;

/// What of a note is released.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedDocument {
    pub r#type: NoteType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    /// Who wrote it.
    #[schema(example = "Ada Osei, MD")]
    pub author: String,
    /// The note itself, then what was added.
    pub parts: Vec<ReleasedPart>,
}

/// A signed part of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReleasedPart {
    pub kind: EntryKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<NoteContent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    pub signer: String,
    pub signed_at: DateTime<Utc>,
}

/// A note as the patient reads it.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleasedNote {
    pub id: NoteId,
    pub patient_id: PatientId,
    pub noted_at: DateTime<Utc>,
    pub released_at: DateTime<Utc>,
    #[schema(value_type = ReleasedDocument)]
    pub document: Json<ReleasedDocument>,
    /// What he asked to have amended, and what became of it.
    #[serde(default)]
    #[schema(value_type = Vec<EntryAmendment>)]
    pub amendment_requests: Json<Vec<EntryAmendment>>,
    pub version: i64,
}

/// Which released notes.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReleased {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: what the patient could read then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

//! Texts of a note on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::UserId;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::diff::SectionDiff;
use crate::notes::content::NoteContent;
use crate::patients::AsOf;

/// How a text came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = NoteTextKind)]
pub enum TextKind {
    /// A draft, saved.
    Saved,
    /// A draft that was refused, because somebody else had saved another in the meantime.
    Conflicted,
    /// The text of a signed correction.
    Corrected,
}

/// A text of a note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteText {
    pub number: i32,
    pub kind: TextKind,
    /// The note's version that this text made; of a conflicted text, the version it was made from.
    pub note_version: i64,
    pub saved_by: UserId,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Osei")]
    pub saved_by_name: Option<String>,
    pub saved_at: DateTime<Utc>,
    #[schema(value_type = NoteContent)]
    pub content: sqlx::types::Json<NoteContent>,
    /// Of a conflicted text: what else its writer wanted otherwise than the draft had it by then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<NoteHeader>)]
    pub header: Option<sqlx::types::Json<NoteHeader>>,
}

/// What a draft says besides its text; only what was to become otherwise. Null: it was to be taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object, example = json!({ "title": "Follow-up", "noted_at": "2026-03-10T14:45:00Z" }))]
pub struct NoteHeader(pub serde_json::Map<String, serde_json::Value>);

/// Which texts.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTexts {
    pub kind: Option<TextKind>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the texts there were then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// Which two texts.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CompareTexts {
    /// The number of the earlier text; unless given, the one before `to`.
    pub from: Option<i32>,
    /// The number of the later text; unless given, the one that counts.
    pub to: Option<i32>,
    /// A day (its local end) or an instant: of the texts there were then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// What differs between two texts of a note.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteDiff {
    pub from: i32,
    pub to: i32,
    /// The sections that differ, in the order in which a note is read.
    pub sections: Vec<SectionDiff>,
}

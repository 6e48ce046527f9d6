//! Searching on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{DocumentId, EncounterId, NoteId, PatientId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::documents::{Category, DocumentKind};
use crate::notes::{NoteSummary, NoteType};

/// Where to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SearchIn {
    /// Notes; for a patient those that were released to him.
    Notes,
    Documents,
}

/// What is looked for.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchTexts {
    /// Words, all of them wanted; `"a phrase"`, `-excluded`, `begin*`, `or`. Unless given, everything.
    #[param(example = "\"chest pain\" -trauma angin*")]
    pub q: Option<String>,
    /// Both unless given.
    #[param(inline)]
    pub r#in: Option<SearchIn>,
    pub patient_id: Option<PatientId>,
    /// The author of a note; who filed a document's newest version.
    pub author_id: Option<UserId>,
    /// Notes of this type, and no documents.
    pub r#type: Option<NoteType>,
    /// Documents of this kind, and no notes.
    pub kind: Option<DocumentKind>,
    /// Documents of this category, and no notes.
    pub category: Option<Category>,
    /// Noted at or after. A document counts as of the beginning of its day, on the organisation's clocks.
    pub from: Option<DateTime<Utc>>,
    /// Noted before.
    pub to: Option<DateTime<Utc>>,
    /// 20 unless given.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SnippetPiece {
    pub text: String,
    /// Whether it is what was looked for.
    pub highlighted: bool,
}

/// Something that was found, and what it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(tag = "found", rename_all = "snake_case")]
pub enum FoundText {
    Note(FoundNote),
    /// A patient's copy of a note.
    ReleasedNote(FoundReleasedNote),
    Document(FoundDocument),
}

/// A note that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundNote {
    #[serde(flatten)]
    pub note: NoteSummary,
    /// Where it was found, as plain text in pieces: nothing in it is markup.
    pub snippet: Vec<SnippetPiece>,
}

/// A note that was released to the patient, found by him. It is read at `/patients/{patient_id}/released-notes/{id}`.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundReleasedNote {
    pub id: NoteId,
    pub patient_id: PatientId,
    pub r#type: NoteType,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub author: Option<String>,
    pub noted_at: DateTime<Utc>,
    pub released_at: DateTime<Utc>,
    /// As that of a note.
    pub snippet: Vec<SnippetPiece>,
}

/// A document that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundDocument {
    pub id: DocumentId,
    pub patient_id: PatientId,
    pub category: Category,
    pub kind: DocumentKind,
    pub title: String,
    pub document_date: NaiveDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// The number of the version it was found in: the newest.
    pub number: i32,
    pub filename: String,
    pub content_type: String,
    /// Who filed that version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub author_id: Option<UserId>,
    /// When that version was released to the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_at: Option<DateTime<Utc>>,
    /// As that of a note.
    pub snippet: Vec<SnippetPiece>,
}

/// The marks that the database sets around a hit. No text can hold them: a note is refused control characters, and those of a
/// document are taken out with its text.
const BEGIN: char = '\u{2}';
const END: char = '\u{3}';
/// How the database is to make a headline, for [`pieces`] to read.
pub(crate) const MARKS: &str = "StartSel=\u{2}, StopSel=\u{3}, MaxFragments=2, MinWords=5, MaxWords=18, FragmentDelimiter=\" … \"";

/// A headline in pieces.
pub(crate) fn pieces(headline: &str) -> Vec<SnippetPiece> {
    let mut pieces = Vec::new();
    let mut push = |text: &str, highlighted| {
        if !text.is_empty() {
            pieces.push(SnippetPiece {
                text: text.to_owned(),
                highlighted,
            });
        }
    };
    for part in headline.split(BEGIN) {
        match part.split_once(END) {
            Some((hit, rest)) => {
                push(hit, true);
                push(rest, false);
            }
            None => push(part, false),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_become_pieces() {
        let found = pieces("no \u{2}chest\u{3} \u{2}pain\u{3} today");
        let shown: Vec<_> = found
            .iter()
            .map(|piece| (piece.text.as_str(), piece.highlighted))
            .collect();
        assert_eq!(
            shown,
            [
                ("no ", false),
                ("chest", true),
                (" ", false),
                ("pain", true),
                (" today", false)
            ]
        );
        assert!(pieces("").is_empty());
    }
}

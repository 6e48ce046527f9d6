//! Searching on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{PatientId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::notes::kinds::NoteType;
use crate::notes::model::NoteSummary;

/// What is looked for.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchNotes {
    /// Words, all of them wanted; `"a phrase"`, `-excluded`, `begin*`, `or`. Unless given, all notes.
    #[param(example = "\"chest pain\" -trauma angin*")]
    pub q: Option<String>,
    pub patient_id: Option<PatientId>,
    pub author_id: Option<UserId>,
    pub r#type: Option<NoteType>,
    /// Noted at or after.
    pub from: Option<DateTime<Utc>>,
    /// Noted before.
    pub to: Option<DateTime<Utc>>,
    /// 20 unless given.
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

/// A note that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundNote {
    #[serde(flatten)]
    pub note: NoteSummary,
    /// Where it was found, as plain text in pieces: nothing in it is markup.
    pub snippet: Vec<SnippetPiece>,
}

/// The marks that the database sets around a hit. No text of a note can hold them: control characters are refused.
pub(super) const BEGIN: char = '\u{2}';
pub(super) const END: char = '\u{3}';

/// A headline in pieces.
pub(super) fn pieces(headline: &str) -> Vec<SnippetPiece> {
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

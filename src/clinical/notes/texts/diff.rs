//! What differs between two texts, section by section and word by word. Pure.

use std::time::Duration;

use serde::Serialize;
use similar::{ChangeTag, TextDiff};
use utoipa::ToSchema;

use crate::notes::content::NoteContent;

/// Beyond this the comparison becomes coarser instead of slower: two long texts with nothing in common.
const PATIENCE: Duration = Duration::from_millis(100);

/// What became of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TextChange)]
pub enum Change {
    Same,
    Removed,
    Added,
}

/// A run of words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Piece {
    pub change: Change,
    pub text: String,
}

/// A section that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SectionDiff {
    #[schema(example = "assessment")]
    pub section: &'static str,
    /// One after the other: without what was added they are the earlier text, without what was removed the later.
    pub pieces: Vec<Piece>,
}

/// The sections in which two texts differ.
pub(super) fn compare(from: &NoteContent, to: &NoteContent) -> Vec<SectionDiff> {
    from.sections()
        .into_iter()
        .zip(to.sections())
        .map(|((section, from), (_, to))| (section, from.unwrap_or(""), to.unwrap_or("")))
        .filter(|(_, from, to)| from != to)
        .map(|(section, from, to)| SectionDiff {
            section,
            pieces: pieces(from, to),
        })
        .collect()
}

fn pieces(from: &str, to: &str) -> Vec<Piece> {
    let diff = TextDiff::configure().timeout(PATIENCE).diff_words(from, to);
    let mut pieces: Vec<Piece> = Vec::new();
    for change in diff.iter_all_changes() {
        let tag = match change.tag() {
            ChangeTag::Equal => Change::Same,
            ChangeTag::Delete => Change::Removed,
            ChangeTag::Insert => Change::Added,
        };
        match pieces.last_mut() {
            Some(last) if last.change == tag => last.text.push_str(change.value()),
            _ => pieces.push(Piece {
                change: tag,
                text: change.value().to_owned(),
            }),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(text: &str) -> NoteContent {
        NoteContent {
            plan: Some(text.to_owned()),
            ..NoteContent::default()
        }
    }

    fn side(diff: &SectionDiff, left_out: Change) -> String {
        let kept = diff.pieces.iter().filter(|piece| piece.change != left_out);
        kept.map(|piece| piece.text.as_str()).collect()
    }

    #[test]
    fn the_pieces_give_back_both_texts() {
        let (before, after) = (
            "rest and 400 mg ibuprofen daily",
            "rest and 600 mg ibuprofen",
        );
        let diff = compare(&plan(before), &plan(after));
        assert_eq!(diff.len(), 1);
        assert_eq!(side(&diff[0], Change::Added), before);
        assert_eq!(side(&diff[0], Change::Removed), after);
        let removed: Vec<_> = diff[0]
            .pieces
            .iter()
            .filter(|piece| piece.change == Change::Removed)
            .map(|piece| piece.text.trim())
            .collect();
        assert_eq!(removed, ["400", "daily"]);
    }

    #[test]
    fn a_section_that_appears_is_added_whole() {
        let diff = compare(&NoteContent::default(), &plan("rest"));
        let whole = Piece {
            change: Change::Added,
            text: "rest".to_owned(),
        };
        assert_eq!(diff[0].pieces, [whole]);
        assert!(compare(&plan("rest"), &plan("rest")).is_empty());
    }
}

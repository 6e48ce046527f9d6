//! The closed sets of notes: what a note is, where it stands, what an entry of its chain does.

use kernel::{Code, Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum NoteType {
    /// Subjective, objective, assessment, plan: all four are there when it is signed.
    Soap,
    Progress,
    Procedure,
    Consultation,
    /// Has discharge instructions when it is signed.
    DischargeSummary,
    /// The one type a nurse writes and signs.
    Nursing,
    Telephone,
}

impl NoteType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soap => "soap",
            Self::Progress => "progress",
            Self::Procedure => "procedure",
            Self::Consultation => "consultation",
            Self::DischargeSummary => "discharge_summary",
            Self::Nursing => "nursing",
            Self::Telephone => "telephone",
        }
    }
}

/// Where a note stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum NoteStatus {
    Draft,
    Signed,
    /// Signed, and something signed was added since.
    Amended,
    /// Written for the wrong patient, or otherwise not to be read as true. Nothing leads on.
    EnteredInError,
}

impl NoteStatus {
    /// # Errors
    /// `note_signed` or `note_retracted` unless it is a draft.
    pub fn require_draft(self) -> Result<()> {
        match self {
            Self::Draft => Ok(()),
            Self::Signed | Self::Amended => Err(Error::new(Code::NoteSigned)),
            Self::EnteredInError => Err(Error::new(Code::NoteRetracted)),
        }
    }

    /// # Errors
    /// `note_not_signed` or `note_retracted` unless it is signed, and stands.
    pub fn require_signed(self) -> Result<()> {
        match self {
            Self::Draft => Err(Error::new(Code::NoteNotSigned)),
            Self::Signed | Self::Amended => Ok(()),
            Self::EnteredInError => Err(Error::new(Code::NoteRetracted)),
        }
    }
}

/// Where a co-signature stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CosignatureStatus {
    /// In the supervisor's queue.
    Pending,
    /// The supervisor wants something added or corrected; what the author then signs goes to the queue again.
    Returned,
    Cosigned,
}

/// What a signed entry does to its note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = NoteEntryKind)]
pub enum EntryKind {
    /// The note itself.
    Original,
    /// Adds to it.
    Addendum,
    /// Replaces its text; the earlier text stays in the chain.
    Correction,
    /// Adds what the patient asked for.
    Amendment,
    /// A supervisor's consent to everything before it.
    Cosignature,
    /// Says that the note was entered in error.
    Retraction,
}

impl EntryKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Original => "original",
            Self::Addendum => "addendum",
            Self::Correction => "correction",
            Self::Amendment => "amendment",
            Self::Cosignature => "cosignature",
            Self::Retraction => "retraction",
        }
    }

    /// What the signer attests, unless he says it in other words.
    pub const fn attestation(self) -> &'static str {
        match self {
            Self::Original => {
                "I wrote or reviewed this note and attest that it is accurate and complete."
            }
            Self::Addendum | Self::Correction | Self::Amendment => {
                "I attest that this entry is accurate and complete."
            }
            Self::Cosignature => "I have reviewed this note and agree with it as written.",
            Self::Retraction => "I attest that this note was entered in error.",
        }
    }
}

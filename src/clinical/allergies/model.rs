//! Allergies and statements on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{AllergyId, AllergyStatementId, EncounterId, PatientId, UserId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::patients::AsOf;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$note:meta])* $word:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
        #[serde(rename_all = "snake_case")]
        #[sqlx(type_name = "text", rename_all = "snake_case")]
        pub enum $name { $($(#[$note])* $word,)+ }
    };
}

words!(
    /// Whether the immune system is what reacts.
    AllergyKind { #[default] Allergy, Intolerance, Unknown }
);
words!(
    /// What kind of thing the patient reacts to.
    SubstanceKind {
        /// An ingredient, by its RxNorm code.
        #[default] Drug,
        /// A class of drugs, by its key.
        DrugClass,
        Food,
        Environment
    }
);
words!(
    /// How bad a reaction was.
    AllergySeverity { #[default] Mild, Moderate, Severe }
);
words!(
    /// How bad the next one may be.
    Criticality { Low, High, #[default] UnableToAssess }
);
words!(AllergyStatus {
    #[default]
    Active,
    Inactive,
    Resolved
});
words!(AllergyVerification {
    Unconfirmed,
    #[default]
    Confirmed,
    /// Tested or tolerated: not allergic.
    Refuted,
    EnteredInError
});

/// What the patient reacts to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Substance {
    pub kind: SubstanceKind,
    /// RxNorm ingredient of a drug, key of a drug class, SNOMED CT of anything else. Without one, nothing that is ordered can
    /// be checked against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The code's name, unless given; needed without a code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reaction {
    pub manifestation: String,
    /// SNOMED CT of the manifestation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snomed: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<AllergySeverity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<PartialDate>,
}

/// An allergy or intolerance, as it is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "kind": "allergy", "substance": { "kind": "drug", "code": "7984", "text": "penicillin V" }, "severity": "severe",
    "criticality": "high", "status": "active", "verification": "confirmed", "onset": "1998",
    "reactions": [{ "manifestation": "Anaphylaxis", "severity": "severe", "onset": "1998-07" },
                  { "manifestation": "Hives", "severity": "mild" }],
    "note": "Carries an adrenaline pen"
}))]
pub struct NewAllergy {
    #[serde(default)]
    pub kind: AllergyKind,
    pub substance: Substance,
    /// Of the worst reaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<AllergySeverity>,
    #[serde(default)]
    pub criticality: Criticality,
    #[serde(default)]
    pub status: AllergyStatus,
    /// `entered_in_error` has an operation of its own.
    #[serde(default)]
    pub verification: AllergyVerification,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<PartialDate>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reaction>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The patient's encounter in which it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
    /// When it was recorded, where that was not here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_at: Option<DateTime<Utc>>,
}

/// Reactions that are kept of one allergy.
const REACTIONS: usize = 20;
const NOTE: usize = 2000;

impl NewAllergy {
    /// What two say of one allergy: the worse of both, and all that either has seen, as `app.taken_over` (36) has it when
    /// registrations are merged. Nothing that was
    /// said before is shortened; false, where what is new did not all fit.
    #[must_use]
    pub fn and(mut self, other: &Self) -> (Self, bool) {
        let worse = |kind: AllergyKind| match kind {
            AllergyKind::Unknown => 0,
            AllergyKind::Intolerance => 1,
            AllergyKind::Allergy => 2,
        };
        if worse(other.kind) > worse(self.kind) {
            self.kind = other.kind;
        }
        self.severity = self
            .severity
            .into_iter()
            .chain(other.severity)
            .max_by_key(|severity| *severity as u8);
        let worse = |criticality: Criticality| match criticality {
            Criticality::Low => 0,
            Criticality::UnableToAssess => 1,
            Criticality::High => 2,
        };
        if worse(other.criticality) > worse(self.criticality) {
            self.criticality = other.criticality;
        }
        if other.verification == AllergyVerification::Confirmed {
            self.verification = other.verification;
        }
        let onsets = self.onset.take().into_iter().chain(other.onset.clone());
        self.onset = onsets.reduce(PartialDate::or_earlier);
        let mut fits = true;
        for reaction in &other.reactions {
            if self.reactions.contains(reaction) {
                continue;
            }
            fits &= self.reactions.len() < REACTIONS;
            if self.reactions.len() < REACTIONS {
                self.reactions.push(reaction.clone());
            }
        }
        let said = self.note.clone().unwrap_or_default();
        if let Some(more) = other.note.as_deref().filter(|more| !said.contains(more)) {
            let both = format!("{said}\n{more}");
            let both = both.trim();
            if both.chars().count() <= NOTE {
                self.note = Some(both.to_owned());
            } else {
                fits = false;
            }
        }
        (self, fits)
    }

    /// Whether it warns: active, and neither refuted nor a mistake.
    pub fn is_live(&self) -> bool {
        self.status == AllergyStatus::Active
            && matches!(
                self.verification,
                AllergyVerification::Unconfirmed | AllergyVerification::Confirmed
            )
    }
}

impl Validate for NewAllergy {
    fn check(&self, checks: &mut Checks) {
        checks.within("substance", |checks| {
            let Substance { code, text, .. } = &self.substance;
            checks.text_if("code", code.as_deref(), 60);
            checks.text_if("text", text.as_deref(), 200);
            checks.require(
                code.is_some() || text.is_some(),
                "text",
                "missing_field",
                "needs a code or a text",
            );
        });
        checks.require(
            self.verification != AllergyVerification::EnteredInError,
            "verification",
            "not_here",
            "must not be entered_in_error; see POST …/entered-in-error",
        );
        if let Some(onset) = &self.onset {
            onset.check_past(checks, "onset");
        }
        checks.each("reactions", &self.reactions, 20, |checks, reaction| {
            checks.text("manifestation", &reaction.manifestation, 200);
            checks.text_if("snomed", reaction.snomed.as_deref(), 20);
            if let Some(onset) = &reaction.onset {
                onset.check_past(checks, "onset");
            }
        });
        if let Some(recorded) = self.recorded_at {
            let rule = "must not lie in the future";
            checks.instant("recorded_at", recorded);
            checks.require(
                recorded <= checks.now(),
                "recorded_at",
                "in_the_future",
                rule,
            );
        }
        checks.text_if("note", self.note.as_deref(), 2000);
    }
}

/// An allergy or intolerance of a patient.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Allergy {
    pub id: AllergyId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub data: NewAllergy,
    /// Why it should never have been entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    pub version: i64,
    /// Whose account recorded it; `null`: the system, such as an import.
    pub recorded_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which allergies to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAllergies {
    pub status: Option<AllergyStatus>,
    /// Those entered in error, too.
    #[serde(default)]
    pub include_errors: bool,
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

words!(
    /// What is stated.
    NoKnown {
        #[default] NoKnownAllergies,
        NoKnownDrugAllergies,
        NoKnownFoodAllergies
    }
);

impl NoKnown {
    /// Whether the statement denies an allergy to a substance of the kind.
    pub const fn denies(self, kind: SubstanceKind) -> bool {
        match self {
            Self::NoKnownAllergies => true,
            Self::NoKnownDrugAllergies => {
                matches!(kind, SubstanceKind::Drug | SubstanceKind::DrugClass)
            }
            Self::NoKnownFoodAllergies => matches!(kind, SubstanceKind::Food),
        }
    }
}

/// A statement that the patient has no allergies, or none of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "statement": "no_known_food_allergies", "note": "Asked the mother" }))]
pub struct NewStatement {
    pub statement: NoKnown,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Validate for NewStatement {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("note", self.note.as_deref(), 500);
    }
}

/// A statement that was made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AllergyStatement {
    pub id: AllergyStatementId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub data: NewStatement,
    /// Its author; `null`: the system, such as an import.
    pub stated_by: Option<UserId>,
    pub stated_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_by: Option<UserId>,
    /// Stands no more from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawn_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub withdrawal_reason: Option<String>,
    pub version: i64,
}

/// Which statements to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListStatements {
    /// Those that were withdrawn, too.
    #[serde(default)]
    pub include_withdrawn: bool,
    /// A day (its local end) or an instant: the list as it was on record then, the latest first. Needs the permission
    /// `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// What is known of a patient's allergies, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AllergyState {
    /// Neither allergies nor a statement: ask.
    NotAssessed,
    /// It is stated that there are none of a kind, such as food; of the others nobody has asked.
    PartlyAssessed,
    /// It is stated that there are none.
    NoneKnown,
    /// There are active allergies.
    Known,
}

/// What the bedside must see.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AllergySummary {
    pub state: AllergyState,
    /// Active and not refuted; those of high criticality first.
    pub active: Vec<Allergy>,
    /// Statements that stand.
    pub statements: Vec<AllergyStatement>,
    /// How many imported allergies could not be entered, and so warn nowhere: `imported-resources?not_entered=true&type=AllergyIntolerance`
    /// has them. Of now, not of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_not_entered: Option<i64>,
}

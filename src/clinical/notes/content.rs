//! What a note says: named sections, every one of them optional until it is signed.

use kernel::{Checks, Error, FieldError, Result, Validate, is_blank};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::kinds::NoteType;

/// The longest section, in characters. All sections together stay far below the size of a body, and of a text index entry.
const LONGEST: usize = 20_000;

/// What a template leaves where the chart had nothing to fill in. A note that still has it is not signed.
pub(super) const GAP: &str = "***";

/// The text of a note, by sections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "chief_complaint": "Headache for three days",
    "subjective": "Throbbing, left-sided, worse in the afternoon. No fever, no neck stiffness.",
    "objective": "BP 128/82. Neurological examination normal.",
    "assessment": "Migraine without aura.",
    "plan": "Ibuprofen 400 mg as needed; headache diary."
}))]
pub struct NoteContent {
    /// In the patient's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chief_complaint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history_of_present_illness: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub physical_examination: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subjective: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objective: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessment: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
    /// Whatever belongs to no other section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discharge_instructions: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up_instructions: Option<String>,
}

/// A section's name and its text.
pub(super) type Section<'a> = (&'static str, Option<&'a str>);

impl NoteContent {
    /// Every section, in the order in which a note is read.
    pub(super) fn sections(&self) -> [Section<'_>; 10] {
        [
            ("chief_complaint", self.chief_complaint.as_deref()),
            (
                "history_of_present_illness",
                self.history_of_present_illness.as_deref(),
            ),
            ("physical_examination", self.physical_examination.as_deref()),
            ("subjective", self.subjective.as_deref()),
            ("objective", self.objective.as_deref()),
            ("assessment", self.assessment.as_deref()),
            ("plan", self.plan.as_deref()),
            ("body", self.body.as_deref()),
            (
                "discharge_instructions",
                self.discharge_instructions.as_deref(),
            ),
            (
                "follow_up_instructions",
                self.follow_up_instructions.as_deref(),
            ),
        ]
    }

    /// The same sections, to be changed.
    pub(super) fn sections_mut(&mut self) -> [&mut Option<String>; 10] {
        [
            &mut self.chief_complaint,
            &mut self.history_of_present_illness,
            &mut self.physical_examination,
            &mut self.subjective,
            &mut self.objective,
            &mut self.assessment,
            &mut self.plan,
            &mut self.body,
            &mut self.discharge_instructions,
            &mut self.follow_up_instructions,
        ]
    }

    /// Whether nothing is written yet.
    pub(super) fn is_blank(&self) -> bool {
        self.written().next().is_none()
    }

    /// This content, with the other's sections where it has none.
    #[must_use]
    pub(super) fn or(mut self, other: Self) -> Self {
        let mut other = other;
        for (own, others) in self.sections_mut().into_iter().zip(other.sections_mut()) {
            if own.is_none() {
                *own = others.take();
            }
        }
        self
    }

    /// All of it in one piece, as it is searched.
    pub(super) fn plain(&self) -> String {
        self.written()
            .map(|(_, text)| text)
            .collect::<Vec<_>>()
            .join("\n\n")
    }

    fn written(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.sections()
            .into_iter()
            .filter_map(|(name, text)| Some((name, text?)))
            .filter(|(_, text)| !is_blank(text))
    }

    /// Whether it may be signed as a note of this type. `at` is where it stands in the body.
    ///
    /// # Errors
    /// Field errors: a section that the type needs, a gap that a template left, nothing at all.
    pub(super) fn require_complete(&self, note_type: NoteType, at: &str) -> Result<()> {
        let needed: &[&str] = match note_type {
            NoteType::Soap => &["subjective", "objective", "assessment", "plan"],
            NoteType::DischargeSummary => &["discharge_instructions"],
            _ => &[],
        };
        let mut broken: Vec<FieldError> = needed
            .iter()
            .filter(|name| !self.written().any(|(written, _)| written == **name))
            .map(|name| {
                let rule = "a note of this type is not signed without this section";
                FieldError::new(format!("{at}/{name}"), "missing_section", rule)
            })
            .collect();
        broken.extend(
            self.written()
                .filter(|(_, text)| text.contains(GAP))
                .map(|(name, _)| {
                    let rule = "must have no gap (***) that a template left";
                    FieldError::new(format!("{at}/{name}"), "unfilled_gap", rule)
                }),
        );
        if broken.is_empty() && self.is_blank() {
            broken.push(FieldError::new(
                at,
                "blank",
                "must have at least one section",
            ));
        }
        if broken.is_empty() {
            Ok(())
        } else {
            Err(Error::invalid(broken))
        }
    }
}

impl Validate for NoteContent {
    /// A section may be empty, as one is that somebody has begun; what may be signed is another question.
    fn check(&self, checks: &mut Checks) {
        for (name, text) in self.sections() {
            if let Some(text) = text
                && !text.is_empty()
            {
                if is_blank(text) {
                    continue;
                }
                checks.text(name, text, LONGEST);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn soap() -> NoteContent {
        NoteContent {
            subjective: Some("s".into()),
            objective: Some("o".into()),
            assessment: Some("a".into()),
            plan: Some("p".into()),
            ..NoteContent::default()
        }
    }

    #[test]
    fn a_soap_note_needs_its_four_sections() {
        assert!(soap().require_complete(NoteType::Soap, "").is_ok());
        let lacking = NoteContent {
            plan: Some(" ".into()),
            ..soap()
        };
        let error = lacking
            .require_complete(NoteType::Soap, "/content")
            .expect_err("no plan");
        assert_eq!(error.fields()[0].pointer, "/content/plan");
        assert!(lacking.require_complete(NoteType::Progress, "").is_ok());
    }

    #[test]
    fn nothing_and_gaps_are_not_signed() {
        let nothing = NoteContent::default();
        assert!(nothing.require_complete(NoteType::Telephone, "").is_err());
        let gap = NoteContent {
            body: Some("Seen on ***.".into()),
            ..NoteContent::default()
        };
        let error = gap
            .require_complete(NoteType::Nursing, "")
            .expect_err("a gap");
        assert_eq!(error.fields()[0].code, "unfilled_gap");
    }

    #[test]
    fn what_is_given_wins_over_what_the_template_says() {
        let given = NoteContent {
            plan: Some("mine".into()),
            ..NoteContent::default()
        };
        let both = given.or(soap());
        assert_eq!(both.plan.as_deref(), Some("mine"));
        assert_eq!(both.subjective.as_deref(), Some("s"));
    }
}

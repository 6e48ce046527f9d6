//! Templates on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, NoteTemplateId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::placeholders;
use crate::notes::content::NoteContent;
use crate::notes::kinds::NoteType;

/// A template of notes.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "name": "Headache, first visit",
    "type": "soap",
    "specialty": "Neurology",
    "content": {
        "chief_complaint": "{{encounter.reason}}",
        "subjective": "{{patient.name}}, {{patient.age}}, {{patient.sex}}, seen on {{date}}. Onset: ***",
        "objective": "Neurological examination:",
        "assessment": "***",
        "plan": "***"
    }
}))]
pub struct NewTemplate {
    /// Unique among the templates of its type.
    pub name: String,
    pub r#type: NoteType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub specialty: Option<String>,
    /// May hold placeholders: `{{patient.name}}`, `{{patient.given_name}}`, `{{patient.family_name}}`, `{{patient.age}}`,
    /// `{{patient.birth_date}}`, `{{patient.sex}}`, `{{patient.mrn}}`, `{{date}}`, `{{time}}`, `{{author.name}}`,
    /// `{{encounter.date}}`, `{{encounter.reason}}`, `{{encounter.class}}`, `{{encounter.provider}}`,
    /// `{{problems.active}}`, `{{allergies}}`, `{{medications.active}}` (imported ones), `{{vitals.latest}}`,
    /// `{{immunizations}}`. What the chart does not hold becomes `***`, and so may anything the author is to fill in: a note that still has it is not signed.
    pub content: NoteContent,
}

impl Validate for NewTemplate {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 120);
        checks.text_if("specialty", self.specialty.as_deref(), 100);
        checks.within("content", |checks| {
            self.content.check(checks);
            for (section, text) in self.content.sections() {
                if text.is_some_and(placeholders::unknown) {
                    checks.fail(
                        section,
                        "unknown_placeholder",
                        format!("must have known placeholders only: {}", known()),
                    );
                }
            }
        });
        checks.require(
            !self.content.is_blank(),
            "content",
            "blank",
            "must have at least one section",
        );
    }
}

fn known() -> String {
    placeholders::KNOWN.map(|(name, _)| name).join(", ")
}

/// Whether a template is offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TemplateStatus {
    Active,
    Retired,
}

/// A template.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NoteTemplate {
    pub id: NoteTemplateId,
    #[serde(flatten)]
    pub data: NewTemplate,
    pub status: TemplateStatus,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for NoteTemplate {}

/// Which templates.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTemplates {
    pub r#type: Option<NoteType>,
    /// Those of this specialty, and those of none.
    pub specialty: Option<String>,
    /// `active` unless given.
    pub status: Option<TemplateStatus>,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// For which encounter.
#[derive(Clone, Debug, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FillTemplate {
    /// An encounter of the same patient.
    pub encounter_id: Option<EncounterId>,
}

/// A template filled from a chart. Nothing is kept of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FilledTemplate {
    pub template_id: NoteTemplateId,
    pub r#type: NoteType,
    pub content: NoteContent,
}

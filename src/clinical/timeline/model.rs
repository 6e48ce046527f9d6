//! A timeline on the wire.

use chrono::{DateTime, Utc};
use kernel::PartialDate;
use platform::access::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::patients::AsOf;

/// What kind of event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimelineKind {
    /// Its scheduled start.
    Encounter,
    /// When it was signed; for the patient, what was released.
    Note,
    /// A set of vital signs that stands.
    Vitals,
    /// That a problem was put on a list, here or where it came from.
    Problem,
    /// When a problem began.
    ProblemOnset,
    /// That an allergy was recorded.
    Allergy,
    /// That it was stated that there are no allergies, or none of a kind, as long as that stands.
    AllergyStatement,
    Procedure,
    Immunization,
    Document,
    Referral,
    Alert,
    /// When it began.
    CarePlan,
    /// When it was begun.
    Goal,
    /// That it was recorded.
    FamilyHistory,
    /// When it was so.
    SocialHistory,
    /// What an encounter was coded with, at its scheduled start.
    Diagnosis,
    /// An imported diagnostic report; for the patient, what was released.
    Result,
    /// When it begins.
    Appointment,
    /// That the patient asked for the record to be amended.
    AmendmentRequest,
}

impl TimelineKind {
    pub const ALL: [Self; 20] = [
        Self::Encounter,
        Self::Note,
        Self::Vitals,
        Self::Problem,
        Self::ProblemOnset,
        Self::Allergy,
        Self::AllergyStatement,
        Self::Procedure,
        Self::Immunization,
        Self::Document,
        Self::Referral,
        Self::Alert,
        Self::CarePlan,
        Self::Goal,
        Self::FamilyHistory,
        Self::SocialHistory,
        Self::Diagnosis,
        Self::Result,
        Self::Appointment,
        Self::AmendmentRequest,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encounter => "encounter",
            Self::Note => "note",
            Self::Vitals => "vitals",
            Self::Problem => "problem",
            Self::ProblemOnset => "problem_onset",
            Self::Allergy => "allergy",
            Self::AllergyStatement => "allergy_statement",
            Self::Procedure => "procedure",
            Self::Immunization => "immunization",
            Self::Document => "document",
            Self::Referral => "referral",
            Self::Alert => "alert",
            Self::CarePlan => "care_plan",
            Self::Goal => "goal",
            Self::FamilyHistory => "family_history",
            Self::SocialHistory => "social_history",
            Self::Diagnosis => "diagnosis",
            Self::Result => "result",
            Self::Appointment => "appointment",
            Self::AmendmentRequest => "amendment_request",
        }
    }

    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// What it takes to see such events.
    pub(super) const fn permission(self) -> Permission {
        match self {
            Self::Encounter => Permission::EncounterRead,
            Self::Note => Permission::NoteReadReleased,
            Self::Vitals => Permission::VitalsRead,
            Self::Problem | Self::ProblemOnset => Permission::ProblemRead,
            Self::Allergy | Self::AllergyStatement => Permission::AllergyRead,
            Self::Procedure => Permission::ProcedureRead,
            Self::Immunization => Permission::ImmunizationRead,
            Self::Document => Permission::DocumentRead,
            Self::Referral => Permission::ReferralRead,
            Self::Alert => Permission::AlertRead,
            Self::CarePlan | Self::Goal => Permission::CarePlanRead,
            Self::FamilyHistory | Self::SocialHistory => Permission::BackgroundRead,
            Self::Diagnosis => Permission::CodingRead,
            Self::Result => Permission::ImportedRead,
            Self::Appointment => Permission::AppointmentRead,
            Self::AmendmentRequest => Permission::AmendmentRead,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TimelineEvent {
    /// Of what is known by its day alone (`date_only`) the beginning of that day where the organisation is; of a month or a year
    /// that of its first, for the order.
    pub at: DateTime<Utc>,
    pub date_only: bool,
    /// That day, month or year as it is known, to be shown in place of `at`: of `2019` no month is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<PartialDate>,
    pub r#type: TimelineKind,
    /// Of what it points to.
    pub id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Type 2 diabetes mellitus without complications")]
    pub title: Option<String>,
    /// Of a problem or an allergy that was ruled out `refuted`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Where it is read; as it stood, where the timeline tells of then.
    pub href: String,
}

/// Which events.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadTimeline {
    /// At or after.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
    /// Kinds, separated by commas; all the caller may see unless given.
    #[param(example = "encounter,note")]
    pub types: Option<String>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// A day (its local end) or an instant: the timeline as it was on record then. Needs the permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

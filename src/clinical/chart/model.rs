//! A chart on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{DocumentId, ImportedResourceId, NoteId, PatientId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::alerts::ClinicalAlert;
use crate::allergies::AllergySummary;
use crate::care_plans::CarePlan;
use crate::care_teams::CareTeamMember;
use crate::documents::{Category, DocumentKind};
use crate::encounters::Encounter;
use crate::goals::Goal;
use crate::immunizations::SeriesStatus;
use crate::notes::{AmendmentRequest, NoteSummary, NoteType};
use crate::patients::{AsOf, PatientStatus, Sex};
use crate::problems::Problem;
use crate::referrals::Referral;
use crate::vitals::{Amount, RecentVital};

/// Which chart.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadChart {
    /// A day (its local end) or an instant: the chart as it stood then, by the history. Needs the permission
    /// `entry.history`. Sections then hold up to 200 rows.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// A part of a chart.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Section<T> {
    pub items: Vec<T>,
    /// How many there are; encounters, notes and documents are counted up to 100.
    pub total: i64,
    /// Whether there are more than are shown.
    pub more: bool,
    /// The whole list, of the chart's time.
    #[schema(example = "/api/v1/patients/01890a5d-ac96-774b-bcce-b302099a8057/problems")]
    pub href: String,
}

/// What must not be overlooked about a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChartFlag {
    Vip,
    Confidential,
    Deceased,
    /// Neither active nor deceased; see the status.
    NotActive,
}

/// Whose chart it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChartHeader {
    pub id: PatientId,
    pub mrn: String,
    #[schema(example = "Adaeze Marie Okafor-Lindqvist")]
    pub name: String,
    /// What he likes to be called, if that is another.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preferred_name: Option<String>,
    pub birth_date: NaiveDate,
    /// In whole years; of somebody who died, at his death.
    pub age: i32,
    /// The same as it is said: of a child under two in months, of a newborn in days.
    #[schema(example = "5 months")]
    pub age_in_words: String,
    pub sex: Sex,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    pub status: PatientStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deceased_on: Option<NaiveDate>,
    pub flags: Vec<ChartFlag>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub primary_provider_id: Option<ProviderId>,
    /// What the bedside must see.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allergies: Option<AllergySummary>,
}

/// A signed note that was released to the patient.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ReleasedNoteSummary {
    pub id: NoteId,
    pub r#type: NoteType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    pub noted_at: DateTime<Utc>,
    pub released_at: DateTime<Utc>,
}

/// A document without its versions.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ChartDocument {
    pub id: DocumentId,
    pub category: Category,
    pub kind: DocumentKind,
    pub title: String,
    pub document_date: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released_at: Option<DateTime<Utc>>,
}

/// What of the caller's work waits for his signature.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct UnsignedWork {
    pub note_id: NoteId,
    pub work: UnsignedKind,
    pub r#type: NoteType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    pub since: DateTime<Utc>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnsignedKind {
    /// His own draft.
    Draft,
    /// Another's note that waits for his co-signature.
    Cosignature,
}

/// A diagnostic report that was imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedReport {
    pub id: ImportedResourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As its source says: what is `preliminary` or `partial` may still change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "final")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
    /// What it concludes, where that is coded. What it concludes in words is among the documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<String>,
    /// At most fifty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<ImportedResult>,
}

/// What a report found, as its observation says; one that the reader was not given, or that was not imported, has a title at most.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedResult {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Hemoglobin A1c/Hemoglobin.total in Blood")]
    pub title: Option<String>,
    /// With its unit, digits as they were written; of one that has parts, each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "7.20 %")]
    pub value: Option<String>,
    /// As its source says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "final")]
    pub status: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "High")]
    pub interpretation: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "at most 5.6 %")]
    pub reference_range: Option<String>,
}

/// A medication that was prescribed or is taken, as it was imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedMedication {
    pub id: ImportedResourceId,
    /// FHIR R4: `MedicationRequest`, `MedicationStatement`.
    #[schema(example = "MedicationRequest")]
    pub resource_type: String,
    #[serde(
        default,
        rename(deserialize = "title"),
        skip_serializing_if = "Option::is_none"
    )]
    #[schema(example = "Naproxen sodium 220 MG Oral Tablet")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "849574")]
    pub rxnorm: Option<String>,
    /// As its source says: `active` or `on-hold`.
    #[schema(example = "active")]
    pub status: String,
    /// As its source puts it, and beside it what it says in parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "One tablet with food (1 tablet, 2 times a day, Oral)")]
    pub dosage: Option<String>,
    /// When it was written, or taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
}

/// Imported resources of a type that should stand in the chart and could not be entered.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotEntered {
    /// FHIR R4.
    #[schema(example = "Condition")]
    pub resource_type: String,
    pub total: i64,
    /// Where they are read, each with the reason.
    #[serde(default)]
    #[schema(
        example = "/api/v1/patients/01890a5d-ac96-774b-bcce-b302099a8057/imported-resources?not_entered=true&type=Condition"
    )]
    pub href: String,
}

/// What was ordered and is not done, or what is to be done, as it was imported.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct ImportedOrder {
    pub id: ImportedResourceId,
    /// FHIR R4.
    #[schema(example = "ServiceRequest")]
    pub resource_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// As its source says.
    #[schema(example = "active")]
    pub status: String,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effective_at: Option<DateTime<Utc>>,
}

/// A patient's chart. A section the caller may not read is absent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Chart {
    /// The moment it tells of.
    pub at: DateTime<Utc>,
    pub patient: ChartHeader,
    /// Neither resolved nor refuted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problems: Option<Section<Problem>>,
    /// The latest of each kind, and where it is going.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vitals: Option<Section<RecentVital>>,
    /// Body mass index of the latest weight and height, kg/m²; of a child only where they lie at most 31 days apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 23.4)]
    pub bmi: Option<Amount>,
    /// Imported prescriptions and statements of what is taken that are active or on hold. None here does not say that none is taken:
    /// see `not_told`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medications: Option<Section<ImportedMedication>>,
    /// Imported diagnostic reports, but for those that were cancelled or an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub results: Option<Section<ImportedReport>>,
    /// Imported orders that are not at their end, but for prescriptions, and for what must not be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_orders: Option<Section<ImportedOrder>>,
    /// Imported tasks that are not at their end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tasks: Option<Section<ImportedOrder>>,
    /// What was imported and could not be entered, by its type: no section tells of it. Of now, not of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub imported_not_entered: Option<Vec<NotEntered>>,
    /// Begun or past.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encounters: Option<Section<Encounter>>,
    /// Scheduled, the next first; one that began before its time is still among them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upcoming_encounters: Option<Section<Encounter>>,
    /// Not closed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_referrals: Option<Section<Referral>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_alerts: Option<Section<ClinicalAlert>>,
    /// What the patient asked to have amended and nobody has decided; what is due first, first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_amendment_requests: Option<Section<AmendmentRequest>>,
    /// Due and overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub immunizations_due: Option<Section<SeriesStatus>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care_team: Option<Section<CareTeamMember>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub care_plans: Option<Section<CarePlan>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub goals: Option<Section<Goal>>,
    /// Signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub notes: Option<Section<NoteSummary>>,
    /// For whom may read only what was released.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub released_notes: Option<Section<ReleasedNoteSummary>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<Section<ChartDocument>>,
    /// The caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsigned: Option<Section<UnsignedWork>>,
    /// What it can't tell, so that its absence is not taken for an answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(example = json!(["unsigned: what waited for a co-signature"]))]
    pub not_told: Vec<&'static str>,
}

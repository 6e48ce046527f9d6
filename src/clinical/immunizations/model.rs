//! Immunizations on the wire.

use chrono::{DateTime, Days, NaiveDate, SubsecRound, Utc};
use kernel::ids::{EncounterId, ImmunizationId, PatientId, ProviderId, UserId};
use kernel::{Checks, PartialDate, Validate};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dose::DoseQuantity;
use crate::patients::AsOf;

/// Whether the dose was given.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DoseStatus {
    #[default]
    Completed,
    NotGiven,
    EnteredInError,
}

/// Given here, or who tells of it.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DoseSource {
    #[default]
    Administered,
    OtherProvider,
    Registry,
    /// The patient's or parents' own booklet.
    WrittenRecord,
    PatientRecall,
    SchoolRecord,
    BirthCertificate,
    PublicAgency,
    Unspecified,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum InjectionSite {
    LeftDeltoid,
    RightDeltoid,
    LeftThigh,
    RightThigh,
    LeftGluteus,
    RightGluteus,
    LeftForearm,
    RightForearm,
    Mouth,
    Nose,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Route {
    Intramuscular,
    Subcutaneous,
    Intradermal,
    Oral,
    Intranasal,
    Intravenous,
    Percutaneous,
    Other,
}

/// Why a dose was not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum NotGivenReason {
    PatientRefusal,
    GuardianRefusal,
    ReligiousExemption,
    PhilosophicalExemption,
    /// The patient must not have it.
    Contraindication,
    /// The patient needs it not: had the disease, or a titre.
    Immunity,
    /// Later: the patient is ill today.
    Illness,
    OutOfStock,
    Other,
}

impl NotGivenReason {
    /// Whether it takes the patient out of the series.
    pub const fn exempts(self) -> bool {
        matches!(self, Self::Contraindication | Self::Immunity)
    }
}

/// A Vaccine Information Statement that was handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VaccineInformation {
    pub document: String,
    /// The edition: the date printed on it.
    pub published_on: NaiveDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presented_on: Option<NaiveDate>,
}

/// A dose of a vaccine, as it is said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "cvx": "115", "name": "Tdap", "status": "completed", "occurred_on": "2026-03-10", "given_at": "2026-03-10T09:50:00-04:00",
    "source": "administered", "manufacturer": "GlaxoSmithKline", "lot_number": "3CK54", "expires_on": "2027-11-30",
    "site": "left_deltoid", "route": "intramuscular", "dose_quantity": 0.5, "dose_unit": "mL", "dose_number": 1,
    "vis": [{ "document": "Tdap", "published_on": "2021-08-06", "presented_on": "2026-03-10" }],
    "performer_name": "Florence N., RN"
}))]
pub struct NewImmunization {
    /// The vaccine: a CVX code.
    #[schema(example = "115")]
    pub cvx: String,
    /// The code's, unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `entered_in_error` has an operation of its own.
    #[serde(default)]
    pub status: DoseStatus,
    /// When it was given, or not. A day, unless somebody tells of it who knows no more than the month or the year.
    pub occurred_on: PartialDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given_at: Option<DateTime<Utc>>,
    #[serde(default)]
    pub source: DoseSource,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// Needed of a dose given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot_number: Option<String>,
    /// Of the lot; needed of a dose given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_on: Option<NaiveDate>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<InjectionSite>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route: Option<Route>,
    /// A decimal with at most four places, together with `dose_unit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<f64>, example = 0.5)]
    pub dose_quantity: Option<DoseQuantity>,
    /// UCUM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "mL")]
    pub dose_unit: Option<String>,
    /// Too weak, or not given whole: it was given, and does not count in the schedule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_subpotent: bool,
    /// Which dose of the series the giver took it for. The schedule counts for itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose_number: Option<i32>,
    /// Vaccine Information Statements that were handed over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vis: Vec<VaccineInformation>,
    /// Who gave it, if a provider of the organisation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    /// Who gave it, if anybody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub performer_name: Option<String>,
    /// Of a dose that was not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_given_reason: Option<NotGivenReason>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The patient's encounter in which it was given, or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encounter_id: Option<EncounterId>,
}

pub(super) const ANOTHER_DAY: &str = "must lie on the day of occurred_on";

impl NewImmunization {
    /// Cut to microseconds, PostgreSQL's precision.
    #[must_use]
    pub(super) fn cut(mut self) -> Self {
        self.given_at = self.given_at.map(|at| at.trunc_subsecs(6));
        self
    }

    fn given_here(&self) -> bool {
        self.status == DoseStatus::Completed && self.source == DoseSource::Administered
    }

    /// What a dose given here must say.
    fn check_given_here(&self, checks: &mut Checks) {
        let needs = "is needed of a dose given here";
        checks.require(
            self.lot_number.is_some(),
            "lot_number",
            "missing_field",
            needs,
        );
        checks.require(
            self.expires_on.is_some(),
            "expires_on",
            "missing_field",
            needs,
        );
        checks.require(
            self.occurred_on.day().is_some(),
            "occurred_on",
            "day_needed",
            "must be a day for a dose given here",
        );
    }

    fn check_dose(&self, checks: &mut Checks) {
        if let Some(quantity) = self.dose_quantity {
            checks.require(
                quantity.fits(),
                "dose_quantity",
                "out_of_range",
                DoseQuantity::RULE,
            );
        }
        checks.require(
            self.dose_quantity.is_some() == self.dose_unit.is_some(),
            "dose_unit",
            "both_or_none",
            "must be given with dose_quantity, and not without",
        );
        checks.text_if("dose_unit", self.dose_unit.as_deref(), 20);
        checks.require(
            self.dose_number
                .is_none_or(|number| (1..=20).contains(&number)),
            "dose_number",
            "out_of_range",
            "must lie between 1 and 20",
        );
    }
}

impl Validate for NewImmunization {
    fn check(&self, checks: &mut Checks) {
        checks.text("cvx", &self.cvx, 10);
        checks.text_if("name", self.name.as_deref(), 300);
        checks.require(
            self.status != DoseStatus::EnteredInError,
            "status",
            "not_here",
            "must not be entered_in_error; see POST …/entered-in-error",
        );
        self.occurred_on.check_past(checks, "occurred_on");
        if let Some(at) = self.given_at {
            checks.instant("given_at", at);
            // Of whom it is not known where he is. Who calls is asked more exactly, when it is written.
            let slack = Days::new(1);
            let from = self.occurred_on.earliest() - slack;
            checks.require(
                (from..=self.occurred_on.latest() + slack).contains(&at.date_naive()),
                "given_at",
                "another_day",
                ANOTHER_DAY,
            );
        }
        for (field, text) in [
            ("manufacturer", &self.manufacturer),
            ("lot_number", &self.lot_number),
            ("performer_name", &self.performer_name),
        ] {
            checks.text_if(field, text.as_deref(), 100);
        }
        self.check_dose(checks);
        checks.each("vis", &self.vis, 10, |checks, one| {
            checks.text("document", &one.document, 100);
            checks.past_date("published_on", one.published_on);
            if let Some(day) = one.presented_on {
                checks.past_date("presented_on", day);
            }
        });
        checks.require(
            self.provider_id.is_none() || self.performer_name.is_none(),
            "performer_name",
            "either_or",
            "must not be given with provider_id",
        );
        checks.require(
            (self.status == DoseStatus::NotGiven) == self.not_given_reason.is_some(),
            "not_given_reason",
            "reason_and_status",
            "is needed where status is not_given, and goes with no other",
        );
        checks.text_if("note", self.note.as_deref(), 2000);
        if self.given_here() {
            self.check_given_here(checks);
        }
    }
}

/// A dose of a vaccine, given or not.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Immunization {
    pub id: ImmunizationId,
    pub patient_id: PatientId,
    #[serde(flatten)]
    pub data: NewImmunization,
    /// Why it should never have been entered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_reason: Option<String>,
    pub version: i64,
    /// Whose account recorded it; `null`: the system, such as an import.
    pub recorded_by: Option<UserId>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Which immunizations to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListImmunizations {
    /// Only this vaccine.
    #[param(example = "115")]
    pub cvx: Option<String>,
    pub status: Option<DoseStatus>,
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

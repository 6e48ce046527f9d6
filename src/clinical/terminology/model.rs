//! Terminology on the wire. None of it is about a patient.

use chrono::{DateTime, NaiveDate, Utc};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::index::Listed;
use super::system::System;

/// A code system, and what of it is loaded.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(example = json!({ "system": "icd10cm", "uri": "http://hl7.org/fhir/sid/icd-10-cm", "name": "ICD-10-CM",
    "rights": "US government work (NCHS, CMS); free.", "complete": true,
    "versions": [{ "version": "2026", "effective_from": "2025-10-01", "complete": true, "concepts": 98187, "loaded_at": "2026-01-05T08:00:00Z" }] }))]
pub struct SystemSummary {
    pub system: System,
    /// The URI that FHIR knows it by.
    pub uri: &'static str,
    pub name: &'static str,
    /// Whose it is, and on which terms.
    pub rights: &'static str,
    /// Whether a whole version is loaded: only then is an unknown code refused.
    pub complete: bool,
    /// Newest first.
    pub versions: Vec<VersionSummary>,
}

/// One loaded version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VersionSummary {
    #[schema(example = "2026")]
    pub version: String,
    /// In force from this day until the next version is.
    pub effective_from: NaiveDate,
    /// Whether it is the whole system.
    pub complete: bool,
    pub concepts: i64,
    pub loaded_at: DateTime<Utc>,
}

/// A concept, as found or looked up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({ "system": "icd10cm", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications",
    "assignable": true, "version": "2026", "valid": true }))]
pub struct ConceptMatch {
    pub system: System,
    pub code: String,
    pub display: String,
    /// False for a heading, too coarse for a diagnosis or a bill.
    pub assignable: bool,
    /// The version it is from.
    pub version: String,
    /// Whether it may be used on the day asked about.
    pub valid: bool,
    /// Its own first day, where its publisher gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<NaiveDate>,
    /// The first day it may not be used any more, where its publisher gives one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<NaiveDate>,
}

impl ConceptMatch {
    pub(super) fn new(system: System, version: &str, on: NaiveDate, listed: &Listed) -> Self {
        Self {
            system,
            code: listed.code.clone(),
            display: listed.display.clone(),
            assignable: listed.assignable,
            version: version.to_owned(),
            valid: listed.is_valid(on),
            valid_from: listed.valid_from,
            valid_until: listed.valid_until,
        }
    }
}

impl NoPhi for SystemSummary {}
impl NoPhi for ConceptMatch {}

/// What to look for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FindConcepts {
    /// What has been typed so far: beginnings of words in any order, or the beginning of a code.
    #[param(example = "typ 2 diab", max_length = 200)]
    pub q: String,
    /// Only what may be used on this day; today, unless given.
    pub on: Option<NaiveDate>,
    /// How many at most, 1 to 50; 10 unless said.
    #[param(minimum = 1, maximum = 50)]
    pub limit: Option<u32>,
}

/// The day to ask about.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OnDay {
    /// Today, unless given.
    pub on: Option<NaiveDate>,
}

//! What a problem says beside the members all problems have: one member, by its `code`.
//!
//! The document is told of them from here; what sends one is `kernel::Error::with`. A test reads the sources and compares.

use chrono::{DateTime, Utc};
use clinical::encounters::EncounterStatus;
use clinical::patients::DuplicateCandidate;
use kernel::FieldError;
use kernel::ids::{AllergyId, AllergyStatementId, PatientId, ProblemId};
use scheduling::series::Occurrence;
use serde_json::Value;
use utoipa::ToSchema;

/// Each with the codes whose problems have it.
#[derive(ToSchema)]
#[schema(as = ProblemMembers)]
#[expect(dead_code, reason = "it describes; nobody makes one")]
pub(crate) struct Members {
    /// `illegal_transition`: the steps that are legal now; `invalid_parameter`: the values that are known.
    allowed: Vec<String>,
    /// `possible_duplicate`: who may be the same person.
    candidates: Vec<DuplicateCandidate>,
    /// `slot_taken`: when else it would be free, the nearest first.
    next_free: Vec<DateTime<Utc>>,
    /// `series_conflicts`: the occurrences that can't be booked, and why.
    conflicts: Vec<Occurrence>,
    /// `plan_not_applied`: what stands in the way of which request.
    outcomes: Vec<RequestRefused>,
    /// `patient_merged`: the registration to go on with.
    replaced_by: PatientId,
    /// `allergy_already_active`: the allergy to amend.
    allergy_id: AllergyId,
    /// `allergy_contradicts_statement`: the statement to withdraw.
    statement_id: AllergyStatementId,
    /// `encounter_not_begun`, and `encounter_closed` of a diagnosis: where the encounter stands.
    encounter_status: EncounterStatus,
    /// `problem_already_open`: the problem to amend.
    problem_id: ProblemId,
    /// `validation_failed`, of a code that is not known: the codes nearest to it.
    nearest: Vec<NearestCode>,
    /// `version_stale` of a draft: the number of the text that was kept beside the present one.
    conflicted_text: i64,
    /// `version_stale` of a co-signature: the `sequence` of the newest entry.
    last_entry: i64,
    /// `offset_mismatch`, `upload_incomplete`: bytes that have arrived.
    offset: i64,
    /// `range_not_satisfiable`: bytes of the content.
    size: i64,
    /// `body_too_large`: bytes that are taken.
    most: i64,
    /// `upload_quota`, `too_many_uploads`: how much there may be.
    quota: Quota,
    /// `clock_in_use`: how many appointments are to come.
    appointments: i64,
    /// `too_little_history`: days there are.
    days: i64,
}

/// A code that is known.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes; nobody makes one")]
struct NearestCode {
    #[schema(example = "E11.9")]
    code: String,
    #[schema(example = "Type 2 diabetes mellitus without complications")]
    display: String,
}

/// What an account may upload.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes; nobody makes one")]
struct Quota {
    /// `upload_quota`: bytes in a day (UTC).
    bytes_per_day: Option<i64>,
    /// `too_many_uploads`: uploads under way at once.
    uploads: Option<i64>,
    /// When there will be more.
    until: Option<DateTime<Utc>>,
}

/// A request of a plan that can't be booked as proposed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes; nobody makes one")]
struct RequestRefused {
    /// Its key in the plan.
    request: String,
    #[schema(example = "slot_taken")]
    code: String,
    detail: String,
    errors: Vec<FieldError>,
}

/// Adds the members to the schema of a problem.
pub(crate) fn tell(document: &mut Value) {
    let schemas = &mut document["components"]["schemas"];
    let members = schemas
        .as_object_mut()
        .and_then(|schemas| schemas.remove("ProblemMembers"))
        .unwrap_or_default();
    let problem = &mut schemas["ProblemDocument"]["properties"];
    for (name, schema) in members["properties"].as_object().into_iter().flatten() {
        problem[name] = schema.clone();
    }
}

//! Patients: a person's registration, and what finds it.
//!
//! One row holds the whole registration, so that a chart opens with one lookup; names, addresses, telecoms, contacts and
//! identifiers are value objects in it, versioned and remembered with it. What a person is found by stands once more in
//! `app.patient_keys`, in the form in which it is compared, and is written with the row and nowhere else.
//!
//! Invariants: exactly one name is legal; a Social Security number is sealed in the row, found by a blind index, and shown as
//! its last four digits; a number of a medical record is given once; a day of death goes with the status `deceased`; whoever
//! is the primary provider is on the care team.
//!
//! Two registrations of one person are found by the crate `matching`, listed (`worklist`) and merged by a person (`merging`).
//!
//! Traps: a registration is retired, never deleted, and a retired one is `not_found` to everybody, but for its history. An
//! import brings people we would not register by hand, so it goes through [`register_in_tx`], which asks for less. A changed
//! link to the patient's account must be announced, or his token goes on opening the wrong chart.

mod age;
mod clinical_part;
mod duplicates;
mod history;
mod keys;
mod lifecycle;
mod matching;
mod merging;
mod model;
mod mrn;
mod ranking;
mod records;
mod references;
mod routes;
mod routes_duplicates;
mod sealing;
mod search;
mod service;
mod status;
mod store;
mod store_history;
mod store_keys;
mod store_merges;
mod store_pairs;
mod store_references;
mod store_sealing;
mod store_search;
mod tuning;
mod worklist;

pub(crate) use age::age_in_words;
pub use duplicates::DuplicateCandidate;
pub(crate) use history::state_in_tx;
pub use history::{FieldChange, PatientChange};
pub use lifecycle::StatusChange;
pub use matching::Agreement;
pub use merging::{MergeReport, MergedTable};
pub use model::{
    AddressUse, AsOf, BloodType, EmergencyContact, Ethnicity, EthnicityCode, GenderIdentity,
    HealthGoal, IdentifierType, MaritalStatus, NameUse, NewPatient, Patient, PatientAddress,
    PatientIdentifier, PatientName, Race, RaceCode, Relationship, RiskFactor, Sex, Ssn, Telecom,
    TelecomSystem, TelecomUse,
};
pub use ranking::Match;
pub(crate) use records::refuse_merged;
pub use records::{
    amend_in_tx, exists, find, hold, register_in_tx, require, require_active, require_known,
    require_then, restate_in_tx, subject,
};
pub use routes::router;
pub use sealing::{SEALED_SSNS, SSN_INDEX};
pub use search::PatientSummary;
pub use status::PatientStatus;
pub use tuning::{MatchingSettings, MatchingThresholds};
pub use worklist::{DuplicatePair, PairedPatient, keep_looking, look_in};

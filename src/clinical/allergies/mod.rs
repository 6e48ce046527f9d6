//! Allergies and intolerances of a patient, and statements that he has none.
//!
//! "No known allergies" is a statement that somebody made on a day, not the absence of rows: a chart without either has not
//! been asked. A statement and an active allergy it denies never stand side by side; whoever adds the second is refused and
//! told what to do first. Both sides hold the patient's row while they look, so that two people at once can't break it.
//!
//! Traps: a substance without a code is kept and shown, but can't be checked when something is ordered; refuting is not
//! deleting; an allergy that is not active, or refuted, contradicts nothing.

mod drug_classes;
mod model;
mod routes;
mod routes_statements;
mod service;
mod statements;
mod store;
mod store_statements;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub use model::{
    Allergy, AllergyKind, AllergySeverity, AllergyState, AllergyStatement, AllergyStatus,
    AllergySummary, AllergyVerification, Criticality, NewAllergy, NewStatement, NoKnown, Reaction,
    Substance, SubstanceKind,
};
pub use service::{add_in_tx, revise_in_tx, take_back_in_tx, worsen_in_tx};
pub use statements::{state_in_tx, statement_in_tx, summary_in_tx, withdraw_in_tx};

/// Every operation on allergies and statements.
pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_statements::router())
}

//! Encounters: visits and stays, from the schedule to the discharge.
//!
//! An encounter lies in the partition of the month it is scheduled for, and stands in a register that is not partitioned.
//! The register finds the month, is the lock for every change, and is what others refer to: rescheduling moves the row to
//! another month and breaks nothing.
//!
//! Invariants: register and row name the same start, to the microsecond, and change in one transaction; status follows
//! `status.rs`; a stay in a bed lies within its encounter and ends with it.
//!
//! Traps: a month must be made before the transaction that writes into it begins ([`ensure_months`]); looking an
//! encounter up by id alone goes through the register, or it would visit every month there is; whatever hands an encounter out
//! asks `shown_to`, because the front desk and billing do not read what is clinical in it.

mod beds;
mod clinical_part;
mod following;
mod local_time;
mod model;
mod participants;
mod places;
mod records;
mod routes;
mod service;
mod status;
mod store;
mod store_lists;
mod store_places;
mod store_records;
mod worklists;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub use beds::{BedMove, BedStay, Discharge};
pub use following::{call_off_in_tx, expect_again_in_tx, move_in_tx};
pub use local_time::{day, wall_time, zone};
pub use model::{Encounter, EncounterDetails, EncounterRecord, NewEncounter, ReasonCode};
pub use participants::{NewParticipant, Participant, ParticipantRole};
pub use records::{
    ensure_months, exists_in_tx, find_in_tx, record_in_tx, record_participants_in_tx,
    record_stays_in_tx, start_in_tx, update_in_tx,
};
pub use status::{EncounterClass, EncounterStatus};

/// Every operation on encounters.
pub fn router() -> OpenApiRouter<App> {
    routes::router()
        .merge(participants::router())
        .merge(beds::router())
}

//! Appointments: who comes when, for what, and whom and what that occupies.
//!
//! An appointment reserves its providers, staff, room and devices from preparation to clean-up, and its patient for the time
//! itself, as rows of `app.reservations` under two exclusion constraints (0010). All of them are taken in the order of their
//! ids with `on conflict do nothing` and counted: fewer than wanted, and the whole transaction goes back. So of any number of
//! bookings of one place exactly one succeeds, and none waits for another in a circle.
//!
//! Invariants: an appointment that stands has all its reservations, one that is over has them until it ended and was cleaned up
//! after, one that does not stand has only released ones; a hold becomes
//! an appointment by handing its reservations over, never by giving them up in between, and ends when its time begins; status
//! follows `status.rs`; an encounter that is planned for an appointment is planned for its time, and ends with it.
//!
//! Traps: a hold that has run out goes on occupying its place until somebody releases it, which whoever wants the place does
//! first; what patients and billing are shown leaves out the office's notes (`Appointment::shown_to`).

mod booking;
mod holds;
mod late;
mod line;
mod lists;
mod model;
mod moving;
mod next_free;
mod occupancy;
mod past;
mod placement;
mod planned;
mod records;
mod rooming;
mod routes;
mod routes_holds;
mod service;
mod status;
mod steps;
mod store;
mod store_holds;
mod store_lists;
mod store_occupancy;
mod store_places;
mod undoing;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub use booking::{
    Booker, Details, Ready, book_hold_in_tx, book_in_tx, book_ready_in_tx, find_in_tx, get_in_tx,
    look_in_tx, of_ids_in_tx,
};
pub use holds::{hold_in_tx, release_hold_in_tx};
pub use model::{Appointment, AppointmentMove, CancelledBy, Hold, HoldStatus, Priority};
pub use moving::{hand_on_in_tx, holding_in_tx, lock_all_in_tx, reschedule_in_tx, vacate_in_tx};
pub use placement::{Placement, Timing};
pub use records::{Outcome, record_in_tx};
pub use status::AppointmentStatus;
pub use steps::{cancel_himself_in_tx, cancel_in_tx, confirm_in_tx};
pub(crate) use {
    booking::{lock_open_of_series, look_among_in_tx},
    holds::{booked_of_hold, hold_by_id},
    lists::subjects,
    model::check_assets,
    moving::{led_by, own_time, own_timing, without_left},
    rooming::KEPT,
    service::{patient_of, require_few_in_tx, require_own_limits},
    steps::by_whom,
};

/// Every operation on appointments and holds.
pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_holds::router())
}

//! The waitlist: who waits for a place, and what is offered when one becomes free.
//!
//! A cancellation leaves a job behind, in its own transaction (0020, trigger `appointments_follow`). The job takes those who
//! wait for that service and could come then, gives each points by the tenant's rules ([`triage`]), and offers the place to the
//! one with most: the place is held for him, with a deadline. Who declines or lets the deadline pass makes room for the next;
//! who accepts turns the hold into an appointment, by the same insert as every other booking.
//!
//! Invariants: a place is offered to one at a time, and once to each; somebody who waits has one open offer at most; an open
//! offer has a hold that outlives its deadline.
//!
//! Traps: matching is done by the system, which sees everybody who waits, whoever cancelled; what the points are is for the
//! staff, not for patients.

mod matching;
mod model;
mod offers;
mod routes;
mod service;
mod store;
mod store_offers;
mod triage;

use platform::jobs::Handlers;

pub use model::{
    NewWaitlistEntry, OfferStatus, WaitlistEntry, WaitlistOffer, WaitlistStatus, WaitlistWindow,
    WaitlistWish,
};
pub use routes::router;
pub use triage::{Triage, TriagePart};

/// Who matches, and who looks after deadlines.
pub(crate) fn jobs(handlers: Handlers) -> Handlers {
    handlers
        .with(matching::MATCH, |app, job| {
            Box::pin(matching::run(app, job))
        })
        .with(offers::DEADLINE, |app, job| {
            Box::pin(offers::deadline(app, job))
        })
}

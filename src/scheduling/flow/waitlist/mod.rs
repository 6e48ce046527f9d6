//! The waitlist: who waits for a place, and what is offered of the time that is free.
//!
//! A cancellation leaves a job behind, in its own transaction (0019, trigger `appointments_follow`). The job takes those who
//! wait for that service and could come then, gives each points by the tenant's rules ([`triage`]), and offers the place to the
//! one with most: the place is held for him, with a deadline ([`making`]). Who declines or lets the deadline pass makes room
//! for the next; who accepts turns the hold into an appointment, by the same insert as every other booking. Time that is free
//! otherwise is matched alike, and whoever begins to wait with all there is ([`free_time`]).
//!
//! Invariants: a place is offered to one at a time, and once to each; somebody who waits has one open offer at most; an open
//! offer has a hold that lasts until its deadline at least; in quiet hours nobody is written to, and no minutes to answer pass
//! ([`crate::flow::quiet`]).
//!
//! Traps: matching is done by the system, which sees everybody who waits, whoever cancelled; what the points are is for the
//! staff, not for patients; the link in an offer's message answers it without a login ([`links`]), and may no more than its
//! patient may.

mod answering;
mod free_time;
mod links;
mod making;
mod matching;
mod model;
mod routes;
mod routes_links;
mod service;
mod store;
mod store_free;
mod store_links;
mod store_offers;
mod triage;

use platform::App;
use platform::jobs::Handlers;
use utoipa_axum::router::OpenApiRouter;

pub use free_time::offer_in_tx;
pub(crate) use free_time::{Opened, look_again, time_opened};
pub(crate) use links::open as open_link;
pub use model::{
    NewWaitlistEntry, OfferStatus, WaitlistEntry, WaitlistOffer, WaitlistStatus, WaitlistWindow,
    WaitlistWish,
};
pub use service::record_in_tx;
pub use triage::{Triage, TriagePart};

/// Every operation on the waitlist.
pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_links::router())
}

/// Who matches, and who looks after deadlines.
pub(crate) fn jobs(handlers: Handlers) -> Handlers {
    handlers
        .with(matching::MATCH, |app, job| {
            Box::pin(matching::run(app, job))
        })
        .with(free_time::SEEK, |app, job| {
            Box::pin(free_time::seek(app, job))
        })
        .with(free_time::OPENED, |app, job| {
            Box::pin(free_time::opened(app, job))
        })
        .with(free_time::HOLD_OVER, |app, job| {
            Box::pin(free_time::hold_over(app, job))
        })
        .with(answering::DEADLINE, |app, job| {
            Box::pin(answering::deadline(app, job))
        })
        .with(answering::PATIENT_LEFT, |app, job| {
            Box::pin(answering::patient_left(app, job))
        })
}

//! Calendars others may subscribe to: a provider's appointments as iCalendar, behind a secret in the link.
//!
//! The secret is shown once and kept as its SHA-256; whoever has it reads the feed without a login until it is revoked, because
//! calendar programs can't log in. So a feed shows no patient: initials at most, and only where the tenant allows them.
//!
//! Invariants: every reading is recorded before a byte leaves, with the patients whose initials it shows; a wrong secret, a
//! revoked one and one of a suspended tenant are `404` alike.

mod feed;
mod model;
mod read;
mod routes;
mod service;
mod store;

pub use model::{CalendarFeed, NewCalendarFeed};
pub use routes::router;

//! Templates: what a note of a type, and perhaps a specialty, begins with. Placeholders are filled from the chart.
//!
//! Invariant: a template names known placeholders only, so filling never fails. What the chart does not hold becomes a gap,
//! `***`, and a note that still has one is not signed.

mod from_chart;
mod model;
mod placeholders;
mod routes;
mod service;
mod store;

pub(super) use routes::router;
pub(super) use service::fill_for;

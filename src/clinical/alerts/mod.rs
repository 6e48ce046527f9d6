//! Clinical alerts: something about a patient that somebody has to look at, until somebody has.
//!
//! A feature that finds something raises an alert in the transaction in which it finds it ([`raise_in_tx`]): there is no
//! finding without its alert. An alert holds what was found, as it was found; who acknowledges it is written down. What turns
//! out to have been an error is withdrawn ([`withdraw_in_tx`]), not deleted.

mod model;
mod routes;
mod service;
mod store;

pub use model::{AlertKind, AlertLevel, AlertStatus, ClinicalAlert, NewAlert, Raised};
pub use routes::router;
pub use service::{raise_in_tx, raised_in_tx, withdraw_in_tx};

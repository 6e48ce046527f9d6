//! On-call rosters: who is called when an emergency comes.
//!
//! While a shift lasts, emergencies at its facility may be booked with its provider outside his working time, on holidays
//! too; time off still keeps him away.

mod model;
mod now;
mod routes;
mod service;
mod store;
mod store_now;

pub use model::{NewOnCallShift, OnCallShift};
pub use now::{OnCallNow, who_is_on_call};
pub use routes::router;
pub use service::add_in_tx;

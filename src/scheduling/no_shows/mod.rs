//! The chance that somebody does not come: learnt each night from the tenant's own appointments, told to those who plan.
//!
//! The model (`forecast::no_show`) knows when a visit was booked, its weekday, hour and type, what became of the patient's
//! earlier visits and whether the patient is new. An appointment is scored each night from two months before it on, and less and
//! less is known of it the farther it lies ahead: so it learns from each visit as it was known at one of those nights, drawn by
//! its id, and its calibration is that of scores made so long before. It is never given
//! age, sex, race, language or address: `store` does not read them.
//!
//! Invariants: one model a day and tenant; scores stand beside coming appointments only, and patients have no permission that
//! leads to them (nor does the table's policy let them in); how well the model does is shown with it.
//!
//! Traps: a score is of the last night; an appointment booked since has none. Suggested overbookings are counted over the
//! whole tenant, by the system, because a half-seen day would suggest too few.

mod model;
mod nightly;
mod overbooking;
mod routes;
mod service;
mod store;

pub use model::{NoShowModel, NoShowScore, OverbookingSuggestion};
pub use nightly::refit;
pub use routes::router;
pub(crate) use service::is_likely;

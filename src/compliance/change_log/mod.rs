//! What was changed, by whom, field by field.
//!
//! The database remembers each change of each row by itself: the values that were replaced and the row as it then stood.
//! Here they become differences between fields, down to the last member of a list.
//!
//! Traps: values that are sealed in the database stay sealed here; that one was changed is shown, what it was is not.

mod diff;
mod model;
mod routes;
mod service;
mod store;

pub use model::{Change, FieldChange};
pub use routes::router;

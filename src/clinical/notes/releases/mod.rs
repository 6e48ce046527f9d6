//! What the patient may read: a copy of the signed texts, made when a note is released and renewed whenever it is added to.
//!
//! A copy, because a row policy knows roles and patients but no status: the tables with drafts in them are closed to
//! patients altogether. A note goes out when it is signed, unless its author holds it back; one that needs a co-signature
//! goes out with that.

mod model;
mod routes;
mod service;
mod store;
mod store_found;

pub(super) use routes::router;
pub(super) use service::follow;
pub(super) use store::{is_released_to_caller, withdraw};
pub(crate) use store_found::{released_found, released_matching};

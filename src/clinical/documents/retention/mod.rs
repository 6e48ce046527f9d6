//! How long documents are kept, and how they end.
//!
//! A tenant says for each category how many years; for a state, where its law wants more; for minors, how many years from
//! their majority. Of what fits, the longest counts ([`rule`]). What has outlived it is put on a review list by the server;
//! a person decides: keep it until a day, or destroy it. Destroying removes key and content and leaves a certificate.
//!
//! Invariants: without a policy nothing ever expires; what a legal hold covers is neither listed nor destroyed; nothing is
//! destroyed that is not on the list.
//!
//! Trap: a destroyed key lives on in backups of the database as long as those are kept; only then is the content beyond reach
//! of who has both backups and the object store's.

mod decisions;
mod holds;
mod model;
mod policies;
mod review;
mod routes;
mod rule;
mod store;
mod store_lists;

pub(super) use review::review;
pub(super) use routes::router;

//! Searching the text of documents.
//!
//! Words are found in any form the English dictionary knows, "phrases" as they stand, -words excluded, begin* as beginnings.
//! Only the newest version of a current document is found, and only by who may read it: the function that searches asks that
//! of each hit, and what it returns is looked up again under the caller's policies. A search records only what it shows.

mod model;
mod query;
mod routes;
mod service;
mod store;

pub(super) use routes::router;

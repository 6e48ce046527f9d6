//! The codes that charts are written in: which there are, what they mean, and whether one may be used at a date.
//!
//! Facts of the world, shared by all tenants: read by everybody, written only by an operator who loads a distribution file
//! ([`load`]). A load is one version of a code system. A code is valid at a date if the version in force then has it, and
//! its own dates, where the file gives any, agree; before the first version loaded, that one is asked.
//!
//! Of a system that was never loaded whole, only the starter set is known. Then a code is checked by its form and check
//! digit, and the display given with it is taken.
//!
//! Whoever writes a code into a chart asks [`require`] or [`settle`] in the transaction that writes it.
//!
//! Traps: searching goes through an index in memory, one for each version, found by the version's id: a new load is a new
//! id, so no server answers from an old index. A heading (`assignable: false`) is a code of the system all the same: who
//! bills or diagnoses an encounter refuses it himself.

mod coding;
mod formats;
mod index;
mod loading;
mod memory;
mod model;
mod ready;
mod routes;
mod service;
mod store;
mod system;

pub use coding::{Coding, Concept, check_form, find, require, settle};
pub use formats::{Line, read};
pub use index::{Index, Listed};
pub use loading::{Loaded, Release, load};
pub use model::{ConceptMatch, SystemSummary, VersionSummary};
pub use ready::keep_ready;
pub use routes::router;
pub use system::System;

//! FHIR R4 files into a tenant: thousands of them, in whatever order, again and again.
//!
//! Two passes. The first (`index`) reads everything once: it counts, finds what can't be read, keeps the
//! organisations and practitioners, and learns which of several states of a resource counts. The second reads again, a
//! few lanes side by side, and writes: patients, encounters, and everything else as it came, with the entry of the chart that
//! was made of it ([`entries`]). What refers to something that has not come yet waits as a mere place in a file, and is read
//! again at the end. Then what an earlier version kept without looking at it, or entered without what this one knows to read, is looked
//! at ([`again`]).
//!
//! Invariants: a second run of the same files changes nothing; a run that was killed goes on where it was, by skipping
//! what is there; one bad resource fails alone. Names are resolved through `app.import_links`; a hash there says whether
//! a resource has changed *as far as it is taken in*, so that what two exporters say differently about the same thing
//! does not go back and forth.
//!
//! Traps: ids are taken to be unique across all files of a source; files of several systems that number their records
//! alike are imported with a `source` each. Nothing is ever deleted by an import.

mod access;
mod again;
mod batch;
mod claim;
mod dates;
mod digits;
mod elements;
mod encounter;
mod entries;
mod files;
mod here;
mod importer;
mod index;
mod kept;
mod ledger;
mod naming;
mod organization;
mod outline;
mod papers;
mod patient;
mod patient_codes;
mod patient_parts;
mod people;
mod practitioner;
mod progress;
mod reader;
mod records;
mod reference;
mod rekeying;
mod report;
mod resource;
mod run;
#[cfg(test)]
mod samples;
mod store;
mod store_entries;
mod store_here;
mod store_rekeying;

pub use rekeying::NAMES;
pub use report::{Failure, KEPT, Report, Tally};
pub use run::fhir;

/// How to import.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Show a bar on standard error, where that is a terminal.
    pub progress: bool,
    /// Where the files come from, if ids of several systems may clash: a short word of the operator's, kept before each
    /// id. The same word must be given each time.
    pub source: Option<String>,
    /// Look once more at everything that is kept without an entry in the chart, also at what could not be entered before:
    /// a code set may have been loaded since.
    pub again: bool,
}

//! Vital signs: what is measured at a patient, what it means at his age, and where it is going.
//!
//! What was said is kept as it was said (98.6 °F), beside the same in the one unit of its kind (37 °C). Readings taken at one
//! time are a set. What can be computed is computed when it is shown and never entered: body mass index, mean arterial
//! pressure, percentiles of growth, NEWS2 and qSOFA. Ranges, codes and cut-offs are data (`facts/*.csv`), rules are pure
//! files: `units`, `plausibility`, `scores`, `growth`, `trend`.
//!
//! Invariants: a value that can't be true is not written; an unusual one only when somebody said that it is right; a reading
//! is never changed, it is withdrawn and another takes its place; a score that is shown is made of one set, and of all its
//! parts; what devices send in pieces calls by the minute (`minutes`).
//!
//! Traps: a set's id carries the time it was measured at, and that is how its month is found: make it with [`SetOf::id`]. A
//! month must be made before the transaction that writes into it begins ([`ensure_months`]).

mod admission;
mod age;
mod batch;
mod derive;
mod facts;
mod growth;
mod growth_file;
mod kinds;
mod load;
mod minutes;
mod model;
mod plausibility;
mod reading;
mod recent;
mod records;
mod reference;
mod routes;
mod scores;
mod service;
mod statistics;
mod store;
mod store_devices;
mod store_growth;
mod store_past;
mod store_series;
mod store_subjects;
mod subjects;
mod trend;
mod units;
mod view;
mod warnings;

pub use growth::{GrowthMeasure, GrowthSource};
pub use growth_file::GrowthFile;
pub use kinds::{BodySite, Position, VitalCode, VitalKind};
pub use load::load_growth;
pub use model::{NewReading, NewVitals};
pub use recent::RecentVital;
pub(crate) use recent::{AHEAD, bmi_in, recent_in_tx};
pub use records::{
    SetOf, VitalRecord, ensure_months, newest_in_tx, readings_in_tx, record_in_tx, withdraw_in_tx,
};
pub use routes::router;
pub use units::{Amount, Unit};
pub use view::{Source, Vitals};

/// Vital signs in the access log.
const RESOURCE: &str = "vitals";

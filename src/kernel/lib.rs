//! What every part of Chartwell speaks and none of it does: identifiers, time, errors, pages, text.
//!
//! Pure: no HTTP, no pool, no runtime. `sqlx` appears only for the wire form of the identifiers.

pub mod canonical_json;
pub mod check;
pub mod clock;
mod database;
pub mod decimal;
pub mod error;
pub mod ids;
pub mod npi;
pub mod page;
pub mod partial_date;
pub mod states;
pub mod text;

pub use check::{Checks, Validate, is_blank};
pub use clock::Clock;
pub use database::OnConstraint;
pub use decimal::Decimal;
pub use error::{Code, Error, FieldError, Kind, Result};
pub use page::Page;
pub use partial_date::PartialDate;

//! Licences of a provider, by state.
//!
//! A licence has a stored status, which somebody sets, and a date, which passes by itself: every answer says whether it
//! has expired by either. A renewal changes the date of the same licence.
//!
//! Traps: it is good through `expires_on`, by the organisation's calendar. The list of those that expire leaves out
//! revoked ones and providers who have left: there is nothing to renew.

mod model;
mod routes;
mod service;
mod store;

pub(in crate::staff) use model::check_expiry;
pub use model::{ExpiringLicense, License, LicenseKind, LicenseStatus, NewLicense};
pub(in crate::staff) use routes::router;
pub use service::insert_license;

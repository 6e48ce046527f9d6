//! Who works here: providers with their licences and certifications, nurses and other staff, and who works in which
//! department.
//!
//! A provider may be known without an account (an import, a referring physician); a member of the staff always has one.
//! An assignment belongs to the account, whichever of the two its holder is: under facility scope it decides whose charts
//! he may open, so it takes effect and ends at once.
//!
//! Nothing here is about a patient, so nothing here leaves access records; every change is in the history.
//!
//! Traps: "today" for a licence is the day on the clinic's wall, not in UTC. A licence is good through the day it expires on.

pub mod assignments;
pub mod certifications;
pub mod licenses;
mod listing;
pub mod members;
pub mod providers;
mod references;
mod status;

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use listing::filter_key;
pub use providers::{
    NewProvider, Provider, ProviderRef, find_provider, find_provider_by_npi, insert_provider,
    provider_of_user, read_provider, update_provider,
};
pub use status::StaffStatus;

/// Every operation on the staff.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .merge(providers::router())
        .merge(licenses::router())
        .merge(certifications::router())
        .merge(members::router())
        .merge(assignments::router())
}

//! Clinicians who order, treat and sign.
//!
//! A provider is known by his NPI, which is his alone in the tenant, or not at all (an import without one). His account,
//! if he has one, has the role `provider` and is linked to him alone; the link is checked when it is made, so a later
//! suspension of the account leaves his row as it is.
//!
//! Names and specialties stand twice: as written, and in the form in which they are compared (`sort_key`,
//! the table `provider_specialty_keys`); both are written here and nowhere else.
//!
//! Traps: the directory is for patients too, so it shows active providers only and neither telephone nor e-mail.

mod model;
mod routes;
mod service;
mod store;

pub(in crate::staff) use model::display_name;
pub use model::{DirectoryEntry, NewProvider, Provider, ProviderRef};
pub(in crate::staff) use routes::router;
pub(in crate::staff) use service::require_provider;
pub use service::{
    find_provider, find_provider_by_npi, insert_provider, provider_of_user, read_provider,
    update_provider,
};

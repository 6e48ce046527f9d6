//! Tenants: the organisations that share the installation and nothing else.
//!
//! An admin reads and changes the settings of his own. Making, suspending and listing tenants is the platform operator's,
//! from the command line; there is no HTTP for it. A tenant is made with its data key and its first admin, all in one
//! transaction, so that there is never one that can't be used.
//!
//! Traps: a slug is what people type to log in, and the only thing that is unique across tenants; looking one up is not
//! bound by row-level security, so it tells nothing but the id and the status.

mod model;
mod operator;
mod routes;
mod service;
mod store;

pub(crate) use model::check_time_zone;
pub use model::{Tenant, TenantSettings, TenantStatus};
pub use operator::{Listed, all, create, find, list, make, reactivate, suspend};
pub use routes::router;
pub(crate) use store::{find_by_slug, settings};

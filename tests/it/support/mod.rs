//! What tests stand on: the run's database, a tenant each, and people who call.

mod booked;
mod client;
mod database;
mod record;
mod tenant;
mod wire;

pub use client::{Caller, Reply, form};
pub use database::{OwnDatabase, admin_connection, as_role, begin, run_database};
pub use record::id;
pub use tenant::{Chart, PASSWORD, TestTenant, files, master};
pub use wire::Wire;

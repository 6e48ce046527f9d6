//! What tests stand on: the run's database, a tenant each, and people who call.

mod client;
mod database;
mod tenant;

pub use client::{Caller, Reply};
pub use database::{OwnDatabase, admin_connection, run_database};
pub use tenant::{Chart, PASSWORD, TestTenant};

//! The machinery every feature stands on: who may do what, tenant-bound transactions, the access log, keys, HTTP manners.

pub mod access;
pub mod app;
pub mod audit;
pub mod crypto;
pub mod db;
pub mod files;
pub mod http;
pub mod maintenance;

pub use app::{App, Settings};

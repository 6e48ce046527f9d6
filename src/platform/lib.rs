//! The machinery every feature stands on: who may do what, tenant-bound transactions, the access log, keys, HTTP manners.

pub mod access;
pub mod app;
pub mod audit;
pub mod compute;
pub mod crypto;
pub mod db;
pub mod events;
pub mod files;
pub mod http;
pub mod jobs;
pub mod maintenance;
pub mod messages;

pub use app::{App, Settings};

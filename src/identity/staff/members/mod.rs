//! Nurses, technicians, front desk: whoever has an account and works here without being a provider.
//!
//! A row belongs to one account for good: another person is another row. The name shown is the account's.

mod model;
mod routes;
mod service;
mod store;

pub use model::{NewStaffMember, StaffKind, StaffMember};
pub(in crate::staff) use routes::router;
pub use service::insert_member;

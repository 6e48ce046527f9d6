//! Facilities and their departments: the places of care.
//!
//! Neither is ever deleted, because what happened there goes on referring to it; one that is closed is `inactive`, and
//! nothing new may refer to it ([`require_active_facility`], [`require_active_department`]).
//!
//! Trap: a department belongs to its facility for good. Whoever names both must see that they belong together.

mod departments;
mod model;
mod routes;
mod service;
mod store;
mod store_departments;

pub use departments::add_department;
pub use model::{
    Department, Facility, FacilityAddress, FacilityKind, NewDepartment, NewFacility, PlaceStatus,
};
pub use routes::router;
pub use service::{
    add_facility, amend_facility, require_active_department, require_active_facility,
};

//! The demo: two organisations that never were, with the people of two towns, a staff and a year of visits.
//!
//! Everything is drawn from a seed, and dated from today: the same seed on the same day gives the same people and visits
//! (only the ids differ). What is drawn ([`plan`]) knows no database; [`load`] writes it through the features' own
//! functions, each organisation in one transaction, so that an interrupted load leaves nothing behind and the next start
//! makes it whole.
//!
//! Traps: the passwords are public, so only `dev` loads it and listens on loopback only. The times of a demo grow old with
//! it: "today" is the day it was made.

mod access;
mod appointments;
mod bookable;
mod credentials;
mod diary;
mod load;
mod names;
mod people;
mod places;
mod plan;
mod random;
mod reasons;
mod record;
mod registration;
mod roster;
mod staff;
mod stays;
mod telephone;
mod visits;
mod waiting;
mod wall;
mod whereabouts;
mod wishes;
mod write;
mod write_record;

pub use load::{Summary, load};

/// The password of every demo account.
pub const PASSWORD: &str = "chartwell-demo";

/// The slugs of the organisations.
pub const TENANTS: [&str; 2] = [places::RIVERSIDE.slug, places::LAKESIDE.slug];

//! Who cares for a patient, as what, from when until when.
//!
//! Under care-team scope a membership is the key to the chart, so it takes effect and ends at once. It comes about in five
//! ways: somebody is put on the team here; a provider or nurse registers the patient; somebody treats him in an encounter or an
//! appointment; a provider is sent a referral (these by trigger); a provider becomes his primary provider
//! ([`follow_primary_provider`]).
//!
//! What comes of an encounter or a referral lasts as long as that does, and thirty days beyond; what is taken away so ends with
//! the transaction.
//!
//! Traps: a membership is ended, never deleted. Who ends his own can't see the chart any more, the answer is his last look.

mod model;
mod routes;
mod service;
mod store;

pub use model::{CareTeamMember, CareTeamRole, CareTeamSource, NewCareTeamMember};
pub use routes::router;
pub use service::{end_in_tx, find_in_tx, follow_primary_provider, join};

//! Referrals: a patient sent to a provider of the house or to an organisation outside, and what came of it.
//!
//! `draft` → `sent` → `accepted` or `declined` → `scheduled` → `completed`, which only the consultant's note brings about;
//! `cancelled` from anywhere before. A draft may be amended; what was sent stands as it was sent. Every step locks the row. A note
//! that turns out to be an error has closed nothing: the referral is open again (`app.reopen_referrals`, migration 42).
//!
//! Traps: sending opens no chart: under care-team scope the provider who is asked must be put on the patient's team. The
//! note that closes the loop is named by its id, and whoever keeps notes must check that it is this patient's.

mod model;
mod routes;
mod service;
mod status;
mod store;

pub use model::{NewReferral, Referral, ReferralOrganization, ReferralPriority, ReferralProgress};
pub use routes::router;
pub use status::ReferralStatus;

//! Social history: smoking, and what else a patient was asked about how he lives, each question coded with its answer.
//!
//! An entry is one moment of asking: a smoking status, a single question, or a whole screening instrument. What is true now
//! is the newest entry of its category; older ones stay, because they were true then.
//!
//! Invariants: a smoking status goes with its category and no other; every answer has exactly one form.

mod model;
mod routes;
mod service;
mod store;

pub use model::{NewSocialHistory, SmokingStatus, SocialAnswer, SocialCategory, SocialHistory};
pub use routes::router;
pub use service::{add_in_tx, revise_in_tx, take_back_in_tx};

//! How likely two registrations are one person: a probabilistic model (Fellegi and Sunter), pure.
//!
//! Each field of two people is compared into a level (equal, nearly, different, …). A level says as much as it is more
//! frequent among pairs of one person (m) than among pairs of two (u); what is missing says nothing. u is counted in random
//! pairs and then fixed, m is learned by expectation and maximisation without knowing any truth: learning both from the pairs
//! that share a block spoils u. An agreement in a rare value says more than one in a common value.
//!
//! Nothing here decides alone: the score is for a person to look at, and a [`Veto`] keeps twins, households and people with
//! two national numbers apart whatever their score.
//!
//! Traps: a value is compared in the form it is given, so whoever makes a [`Person`] normalises it; placeholders must be
//! left out ([`placeholder`]); block keys are part of a stored form ([`block_keys`]).

mod blocking;
mod compare;
mod learning;
mod model;
mod nicknames;
mod person;
pub mod placeholder;
mod text;
mod veto;

pub use blocking::block_keys;
pub use compare::{COMPARED, Comparison, Field, Level, compare};
pub use learning::{Learned, learn, learn_between, pairs};
pub use model::{Model, Verdict};
pub use person::{Address, Name, Person};
pub use veto::Veto;

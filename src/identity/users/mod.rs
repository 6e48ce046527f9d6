//! Accounts: who may log in, and as what.
//!
//! An admin makes, invites, changes, suspends and retires the accounts of his tenant. A password is never his to choose:
//! he gets a one-time link to hand over, shown once. Losing a role, a status or a password ends the account's sessions in
//! the same transaction, so that the change holds from the commit on.
//!
//! Invariants: a tenant keeps at least one active admin; nobody takes away his own access; an e-mail is unique among
//! accounts that are not retired, and frees up when one is.
//!
//! The account of a patient tells who is a patient here, so whoever is shown one is on record in his access log; of other
//! accounts only that somebody looked.
//!
//! Traps: the rows of all admins are locked before the account acted upon, always in this order, or two admins who act
//! upon each other would deadlock; a retired account is as if it did not exist, but history goes on naming it.

mod credentials;
mod links;
mod model;
mod operator;
mod routes;
mod routes_steps;
mod service;
mod steps;
mod store;
mod store_credentials;
mod store_one_time;

pub(crate) use credentials::{Credentials, OneTimePurpose, note_failure, pending, spend};
pub(crate) use links::ONE_TIME;
pub use model::{
    AccountStatus, InvitedUser, ListUsers, NewUser, OneTimeLink, RoleChange, User, UserProfile,
};
pub(crate) use operator::invite_new;
pub use operator::{create_by_operator, seed};
pub(crate) use service::own_account;
pub use service::require_active_user;
pub(crate) use store_credentials::{
    by_email, by_id, lock_by_id, note_login, set_own_password, set_password,
};

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_steps::router())
}

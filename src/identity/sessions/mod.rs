//! Sessions: logging in, staying in, leaving; one's own account and password; the keys that verify our tokens.
//!
//! A session is a row. It gives out access tokens that live ten minutes and one refresh token at a time; it ends with a
//! logout, a revocation, a change of the account, its idle limit, or its longest age, whatever is refreshed.
//!
//! Invariants: whoever fails to log in learns nothing but that he failed, neither from the answer nor from its time; a
//! refresh token works once, and a second use of it ends the session, because one of the two who had it is a thief.
//!
//! Traps: work at the door goes on when the client hangs up, or a guess could go uncounted; argon2 never runs inside a
//! transaction; an idle session shows in its `idle_until` only, nothing sets `ended_at` when time runs out.

mod live;
mod login;
mod model;
mod own;
mod password;
mod refresh;
mod routes;
mod routes_account;
mod store;
mod store_tokens;

pub(crate) use live::check;
pub use model::Session;
pub(crate) use store::{EndReason, end_all, end_all_of_tenant, end_one, has_come_from, live_of};

use platform::App;
use utoipa_axum::router::OpenApiRouter;

pub fn router() -> OpenApiRouter<App> {
    routes::router().merge(routes_account::router())
}

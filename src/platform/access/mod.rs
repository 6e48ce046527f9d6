//! Who may do what: roles, the permission table, the caller, and [`Ctx`], the one gesture that turns a permission into an
//! audited, tenant-bound transaction.

mod changed;
mod ctx;
mod disclosure;
mod permission;
mod principal;
mod purpose;
mod role;
pub mod withheld;

pub use changed::{CHANNEL, Changed, announce};
pub use ctx::{Ctx, Glimpse};
pub use disclosure::{Disclosure, NoPhi};
pub(crate) use disclosure::{Form, Tag};
pub use permission::{Effect, Permission, matrix};
pub use principal::{Authenticator, Principal};
pub use purpose::Purpose;
pub use role::{ChartAccess, Role, Scope};

//! The database: pools, transactions bound to a tenant, months, migrations, and a PostgreSQL of our own.

pub mod embedded;
mod glance;
pub mod health;
pub mod isolation;
mod memo;
pub mod migrate;
pub mod partition;
mod pool;
mod turns;
mod tx;

pub use glance::{Glance, Questions};
pub use pool::{Db, DbOptions};
pub use tx::{CallerTx, SystemTx, TenantTx};
pub(crate) use tx::{Context, SealerTx};

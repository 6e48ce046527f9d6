//! A PostgreSQL of our own: found (or fetched), created and run by the program that needs it.
//!
//! `chartwell dev`, the tests and the benchmark call this; production never does, it gets a `DATABASE_URL`.
//!
//! ```text
//! PgPrograms::locate   which initdb and postgres                    locate.rs, fetch.rs
//! Cluster::start       a private cluster in one folder              cluster.rs, possession.rs, initdb.rs, supervisor.rs
//! shared_throwaway     one cluster for all processes of a test run  shared.rs
//! ```
//!
//! Invariants:
//! - One owner per folder. The lock is a file lock, so the kernel releases it however we die, and the supervisor holds
//!   it too: while it can be taken by nobody, a cluster may still be running.
//! - No network. The only door is a Unix socket in a folder of mode 0700, and it asks for a password (SCRAM).
//! - The cluster ends with its owner, `kill -9` included: a supervising shell sees the owner go and stops PostgreSQL.
//!   Should the supervisor be killed as well, the next start stops what it finds before it begins.
//! - PostgreSQL never runs as root: root hands it to `postgres`, else `nobody`.
//!
//! Traps: everything here blocks (processes, files, sleeps); call it before the runtime starts or in `spawn_blocking`.
//! A socket path longer than the kernel's 107 bytes fails only at bind, so the choice is made in `layout.rs`.

mod account;
mod cluster;
mod connection;
mod error;
mod fetch;
mod initdb;
mod layout;
mod locate;
mod options;
mod pidfile;
mod possession;
mod shared;
mod supervisor;
mod unpack;

pub use cluster::Cluster;
pub use connection::ConnectionParameters;
pub use error::{ClusterError, LocateError};
pub use locate::{LocateOptions, PgPrograms};
pub use options::ClusterOptions;
pub use shared::{SharedRun, shared_throwaway};

/// The cluster's superuser; nothing but migrations and tests should connect as it.
pub const SUPERUSER: &str = "chartwell_superuser";

/// PostgreSQL before this lacks what the baseline SQL uses.
pub const OLDEST_MAJOR: u32 = 15;

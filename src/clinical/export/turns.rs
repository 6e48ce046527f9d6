//! How many take records out: one at a time for an account, and of a server a few that read the database.
//!
//! Whoever reads slowly holds his own turn and nobody else's: the places at the database are given back before the first byte
//! leaves.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use kernel::ids::UserId;
use kernel::{Code, Error, Result};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Exports that read the database at once, on this server.
const AT_ONCE: usize = 2;

static UNDER_WAY: LazyLock<Mutex<HashSet<UserId>>> = LazyLock::new(Mutex::default);
static PLACES: Semaphore = Semaphore::const_new(AT_ONCE);

/// An account's turn, from the beginning of an export to its end, or until its reader is gone.
#[derive(Debug)]
pub(super) struct Turn(UserId);

impl Turn {
    /// # Errors
    /// `export_under_way` while another of the account goes on.
    pub fn take(user: UserId) -> Result<Self> {
        if under_way().insert(user) {
            Ok(Self(user))
        } else {
            Err(Error::new(Code::ExportUnderWay).retry_after(10))
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        under_way().remove(&self.0);
    }
}

fn under_way() -> MutexGuard<'static, HashSet<UserId>> {
    UNDER_WAY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place at the database, when it is free.
pub(super) async fn place() -> Result<SemaphorePermit<'static>> {
    PLACES.acquire().await.map_err(Error::internal)
}

//! The installation's keys as a running server holds them: swapped whole when they are rotated.

use std::sync::{Arc, PoisonError, RwLock};

use kernel::Result;
use kernel::clock::Instant;

use super::{KeyWrapper, SigningKeys};
use crate::db::Db;

/// The current [`SigningKeys`]. Cheap to clone; clones see a swap at once.
#[derive(Clone)]
pub struct Keyring(Arc<RwLock<Arc<SigningKeys>>>);

impl Keyring {
    pub fn new(keys: SigningKeys) -> Self {
        Self(Arc::new(RwLock::new(Arc::new(keys))))
    }

    pub fn current(&self) -> Arc<SigningKeys> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub fn replace(&self, keys: SigningKeys) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    /// Loads the keys again: another server may have rotated them.
    #[expect(
        clippy::disallowed_methods,
        reason = "keys of the installation belong to no tenant, so to no tenant's transaction"
    )]
    pub async fn reload(&self, db: &Db, wrapper: &dyn KeyWrapper, now: Instant) -> Result<()> {
        let mut connection = db.shared().acquire().await?;
        self.replace(SigningKeys::load_or_create(&mut connection, wrapper, now).await?);
        Ok(())
    }

    /// The keyed hash of an access record or a cursor.
    pub fn record_mac(&self, message: &[u8]) -> [u8; 16] {
        self.current().record_mac(message)
    }
}

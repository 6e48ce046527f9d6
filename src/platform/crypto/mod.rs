//! Keys: the master key that wraps the others, a data key for each tenant, and the installation's signing keys.
//!
//! Nothing secret is in the database unwrapped, and the master key is not in the database at all. Every wrapped or sealed
//! value is bound to the place it belongs to, so that a value moved to another row, column or tenant does not open.
//!
//! Traps: no key, and no part of one, may appear in a message or a `Debug`; a key's id is a hash and may.

mod envelope;
mod keyring;
mod link_secret;
mod master;
mod primitives;
pub mod random;
pub mod reseal;
mod sealed_column;
mod signing;
mod signing_rows;
mod tenant_keys;
pub mod tenant_signing;
mod tenant_signing_sealed;

use kernel::Error;
use uuid::Uuid;

pub use envelope::{DataKey, FieldRef, TenantCipher};
pub use keyring::Keyring;
pub use link_secret::LinkSecret;
pub use master::{KeyWrapper, LocalMasterKeys};
pub use signing::{Purpose, SigningKeys};
pub use signing_rows::Listed;
pub use tenant_keys::{DataKeyRow, TenantKeys};
pub use tenant_signing_sealed::SEALED as SEALED_SIGNING_KEYS;

/// The variable that holds the master key.
pub const MASTER_KEY: &str = "CHARTWELL_MASTER_KEY";
/// The variable that holds the master key before the present one, until everything is wrapped anew.
pub const MASTER_KEY_PREVIOUS: &str = "CHARTWELL_MASTER_KEY_PREVIOUS";

/// What can be wrong with keys. Names keys by their ids, never by their bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("{0} must be 32 random bytes in base64, as `openssl rand -base64 32` prints them")]
    MasterKeyForm(&'static str),
    #[error(
        "a key in the database is wrapped by master key {0}, which is neither in {MASTER_KEY} nor in {MASTER_KEY_PREVIOUS}: \
         put the key that wrapped it into one of them"
    )]
    MasterKeyUnknown(String),
    #[error(
        "master key {0} does not open a key it is said to have wrapped: the row was altered or moved"
    )]
    WrappedKeyDamaged(String),
    #[error("signing key {0} does not fit its row in app.signing_keys: the row was altered")]
    SigningKeyDamaged(String),
    #[error("no current key for {0} in app.signing_keys")]
    SigningKeyMissing(&'static str),
    #[error("the tenant has no current data key in app.tenant_keys")]
    DataKeyMissing,
    #[error("a sealed value names data key {0}, which its tenant does not have")]
    DataKeyUnknown(Uuid),
    #[error("a sealed value is not of the form v1.<key>.<base64url>")]
    SealedForm,
    #[error(
        "a sealed value does not open: it was altered, or belongs to another row, column or tenant"
    )]
    SealedDamaged,
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            // Another process has it, and this one after its next start.
            Fault::MasterKeyUnknown(_) => Error::unavailable(fault),
            fault => Error::internal(fault),
        }
    }
}

//! SQL of sealing the private halves of tenants' signing keys anew, after a new data key.

use super::reseal::SealedColumn;

/// What the tenant's data key seals here.
pub const SEALED: SealedColumn = crate::sealed_column!("tenant_signing_keys", "sealed");

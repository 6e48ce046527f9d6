//! SQL of sealing document keys anew, after a new data key. Versions and parts of uploads each have one.

use platform::crypto::reseal::SealedColumn;

/// What the tenant's data key seals here.
pub(super) const SEALED: SealedColumn = platform::sealed_column!("document_versions", "sealed_key");

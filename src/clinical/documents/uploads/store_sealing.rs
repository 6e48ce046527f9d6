//! SQL of sealing the keys of uploaded parts anew, after a new data key.

use platform::crypto::reseal::SealedColumn;

/// What the tenant's data key seals here.
pub(in crate::documents) const SEALED: SealedColumn =
    platform::sealed_column!("document_upload_parts", "sealed_key");

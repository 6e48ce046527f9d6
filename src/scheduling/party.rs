//! What the appointments of one group session have in common in `app.reservations`.

use kernel::clock::Instant;
use kernel::ids::ServiceId;
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The party of a session: by its service, its start, and who leads it or where it is.
pub fn of_session(service: ServiceId, start: Instant, lead: Uuid) -> Uuid {
    let mut hash = Sha256::new();
    hash.update(service.0.as_bytes());
    hash.update(start.timestamp().to_be_bytes());
    hash.update(lead.as_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

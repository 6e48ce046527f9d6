//! What the appointments of one group session have in common in `app.reservations`.

use kernel::clock::Instant;
use kernel::ids::{AssetId, FacilityId, ServiceId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// A session by its service, its start, and who leads it or where it is.
#[derive(Clone, Copy, Debug)]
pub struct Session {
    pub service: ServiceId,
    pub start: Instant,
    pub lead: Uuid,
    pub facility: FacilityId,
    /// Where the service needs one.
    pub room: Option<AssetId>,
}

impl Session {
    /// The party of a session that is begun. One that stands keeps what it has: look it up first.
    pub fn party(&self) -> Uuid {
        let room = self.room.map_or(Uuid::nil(), |room| room.0);
        self.hash(&[self.facility.0, room])
    }

    /// Whether a party is this session's. Those begun before facility and room were part of it go on without them.
    pub fn is(&self, party: Uuid) -> bool {
        party == self.party() || party == self.hash(&[])
    }

    fn hash(&self, place: &[Uuid]) -> Uuid {
        let mut hash = Sha256::new();
        hash.update(self.service.0.as_bytes());
        hash.update(self.start.timestamp().to_be_bytes());
        hash.update(self.lead.as_bytes());
        for part in place {
            hash.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash.finalize()[..16]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }
}

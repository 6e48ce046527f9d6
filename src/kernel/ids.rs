//! Identifiers, and the one place that mints them.
//!
//! Every identifier is a UUIDv7: unique without coordination, and rows made together lie together in an index.
//! The types keep a patient's id from being handed to something that wants an encounter's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A new UUIDv7.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the replacement the lint names"
)]
pub fn mint() -> Uuid {
    Uuid::now_v7()
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
        #[schema(value_type = String, format = Uuid)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh identifier.
            #[expect(clippy::new_without_default, reason = "a default identifier would be a different one each time")]
            pub fn new() -> Self {
                Self(mint())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl From<$name> for Uuid {
            fn from(id: $name) -> Uuid {
                id.0
            }
        }
    )+};
}

identifiers! {
    /// An organisation: a clinic, a hospital, a network.
    TenantId,
    /// A place of care inside a tenant.
    FacilityId,
    /// A department of a facility.
    DepartmentId,
    /// An account.
    UserId,
    /// A login session of a user.
    SessionId,
    /// A clinician who orders, treats and signs.
    ProviderId,
    /// A nurse or another member of the staff.
    StaffId,
    /// A licence of a provider.
    LicenseId,
    /// A certification of a provider.
    CertificationId,
    /// The assignment of a user to a department.
    AssignmentId,
    /// A person who receives care.
    PatientId,
    /// A visit or stay.
    EncounterId,
    /// Somebody's part in an encounter.
    ParticipantId,
    /// A stay in a bed.
    BedStayId,
    /// A membership in a patient's care team.
    CareTeamMemberId,
    /// Two registrations that may be one person.
    DuplicatePairId,
    /// The merging of one registration into another.
    MergeId,
    /// A resource that came from elsewhere and is kept as it came.
    ImportedResourceId,
    /// One request to the server.
    RequestId,
}

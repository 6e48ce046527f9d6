//! Identifiers, and the one place that mints them.
//!
//! Every identifier is a UUIDv7: unique without coordination, and rows made together lie together in an index.
//! The types keep a patient's id from being handed to something that wants an encounter's.

use std::borrow::Cow;

use serde::de::{Deserializer, Error as _, Unexpected};
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

/// Reads a UUID in the one form we write: 36 characters, with hyphens. An identifier in two forms is two keys to whatever
/// compares text: a cache, a proxy's rule, a log.
pub fn hyphenated(text: &str) -> Option<Uuid> {
    let plain = text.len() == 36 && text.is_ascii();
    plain.then(|| Uuid::parse_str(text).ok()).flatten()
}

/// The text is not an identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a UUID with hyphens")]
pub struct NotAnId;
/// A new UUIDv7 that carries `at` in place of the present: of a row that is kept by the month of `at`, the id alone tells
/// where it lies. Instants before 1970 are carried as 1970.
pub fn mint_at(at: crate::clock::Instant) -> Uuid {
    let millis = u64::try_from(at.timestamp_millis()).unwrap_or(0);
    let nanos = u32::try_from(millis % 1000).unwrap_or(0) * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        millis / 1000,
        nanos,
    ))
}

/// The millisecond an id made by [`mint_at`] carries; `None` of an id that carries none.
pub fn instant_of(id: Uuid) -> Option<crate::clock::Instant> {
    let (seconds, nanos) = id.get_timestamp()?.to_unix();
    chrono::DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanos)
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, sqlx::Type, utoipa::ToSchema)]
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
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                hyphenated(text).map(Self).ok_or(NotAnId)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<str>::deserialize(deserializer)?;
                text.parse().map_err(|NotAnId| D::Error::invalid_value(Unexpected::Other("text"), &"a UUID with hyphens"))
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
    /// What is known of the health of a relative.
    FamilyHistoryId,
    /// What somebody was asked about how he lives.
    SocialHistoryId,
    /// A plan of care.
    CarePlanId,
    /// Something a patient and his carers want to reach.
    GoalId,
    /// A patient sent to somebody else.
    ReferralId,
    /// Two registrations that may be one person.
    DuplicatePairId,
    /// The merging of one registration into another.
    MergeId,
    /// A resource that came from elsewhere and is kept as it came.
    ImportedResourceId,
    /// A clinical note.
    NoteId,
    /// A signed entry of a note's chain.
    NoteEntryId,
    /// A template that notes begin from.
    NoteTemplateId,
    /// A room or a device that can be booked.
    AssetId,
    /// What a patient can be booked for.
    ServiceId,
    /// An appointment.
    AppointmentId,
    /// A time kept free for a short while.
    HoldId,
    /// Appointments that repeat.
    SeriesId,
    /// A rule or an exception of somebody's working time.
    AvailabilityId,
    /// A day or part of one on which a place is closed.
    HolidayId,
    /// A time somebody is on call.
    OnCallId,
    /// A patient's wish for an earlier or any place.
    WaitlistEntryId,
    /// A place offered to somebody who waits.
    WaitlistOfferId,
    /// A calendar others may subscribe to.
    CalendarFeedId,
    /// A reminder of an appointment.
    ReminderId,
    /// A proposed schedule.
    SchedulePlanId,
    /// A forecast of demand.
    ForecastId,
    /// A model of missed appointments.
    NoShowModelId,
    /// A request of a proposed schedule.
    PlanRequestId,
    /// Whose notes need whose co-signature.
    NoteSupervisionId,
    /// A note in a supervisor's queue.
    CosignatureId,
    /// A patient's request to have his record amended.
    AmendmentRequestId,
    /// One request to the server.
    RequestId,
    /// An entry of a problem list.
    ProblemId,
    /// A diagnosis coded on an encounter.
    DiagnosisId,
    /// An allergy or intolerance.
    AllergyId,
    /// A statement that no allergies are known.
    AllergyStatementId,
    /// A procedure.
    ProcedureId,
    /// A dose of a vaccine, given or not.
    ImmunizationId,
    /// Vital signs measured at one time.
    VitalSetId,
    /// One of them.
    VitalId,
    /// Something about a patient that somebody has to look at.
    ClinicalAlertId,
    /// A document: what is filed, whichever version.
    DocumentId,
    /// One version of a document, and the name of its object.
    DocumentVersionId,
    /// An upload under way.
    DocumentUploadId,
    /// A provider's signature under a version.
    DocumentAttestationId,
    /// How long a category is kept.
    RetentionPolicyId,
    /// Why something must not be destroyed.
    LegalHoldId,
    /// A document that has outlived its retention.
    RetentionReviewId,
    /// What remains of a destroyed document.
    DestructionCertificateId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_carries_the_millisecond_it_was_made_for() {
        for (at, carried) in [
            ("2024-03-10T13:35:07.123456Z", "2024-03-10T13:35:07.123Z"),
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00Z"),
            ("1951-03-10T13:35:07Z", "1970-01-01T00:00:00Z"),
        ] {
            let id = mint_at(at.parse().expect("an instant"));
            assert_eq!(
                instant_of(id),
                Some(carried.parse().expect("an instant")),
                "{at}"
            );
            assert_ne!(id, mint_at(at.parse().expect("an instant")));
        }
        assert_eq!(instant_of(Uuid::nil()), None);
    }
}

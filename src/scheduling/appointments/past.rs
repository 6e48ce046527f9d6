//! An appointment as it stood.
//!
//! Its row has a history; whom and what it occupies does not, and needs none: they are those it was booked with, for whoever goes
//! elsewhere, or with others, is another appointment. As in the rest of the record, the names of people are not of then and are left
//! out; those of the service and the room are today's.

use chrono::NaiveDateTime;
use clinical::entries;
use clinical::patients::AsOf;
use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, AssetId, EncounterId, FacilityId, PatientId, ProviderId, SeriesId, ServiceId,
    UserId,
};
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::Answer;
use serde::Deserialize;

use super::booking;
use super::model::{Appointment, CancelledBy, Priority};
use super::service::shown;
use super::status::AppointmentStatus;
use crate::services::AppointmentType;

/// What the history keeps of a row, under the names of its columns.
#[derive(Deserialize)]
struct Image {
    patient_id: PatientId,
    service_id: ServiceId,
    facility_id: FacilityId,
    provider_id: Option<ProviderId>,
    #[serde(rename = "type")]
    kind: AppointmentType,
    priority: Priority,
    status: AppointmentStatus,
    starts_at: Instant,
    ends_at: Instant,
    time_zone: String,
    local_start: NaiveDateTime,
    chief_complaint: Option<String>,
    notes: Option<String>,
    join_url: Option<String>,
    overbooked: bool,
    overbook_reason: Option<String>,
    series_id: Option<SeriesId>,
    rescheduled_from: Option<AppointmentId>,
    encounter_id: Option<EncounterId>,
    cancelled_by: Option<CancelledBy>,
    cancel_reason: Option<String>,
    confirmed_at: Option<Instant>,
    checked_in_at: Option<Instant>,
    roomed_at: Option<Instant>,
    roomed_in: Option<AssetId>,
    roomed_by: Option<UserId>,
    started_at: Option<Instant>,
    completed_at: Option<Instant>,
    cancelled_at: Option<Instant>,
    booked_by_role: String,
    created_by: Option<UserId>,
    closed_by: Option<UserId>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

/// The appointment as it was on record then, whosever it was.
///
/// # Errors
/// `not_found` where there was none such yet, for this caller.
pub(super) async fn read(ctx: &Ctx, id: AppointmentId, then: AsOf) -> Result<Answer<Appointment>> {
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let then = then.instant(ctx);
    let (image, _) = entries::read_row_as_of(&mut tx, "appointments", id.0, then).await?;
    let image: Image = serde_json::from_str(image.get()).map_err(Error::internal)?;
    let present = booking::get_in_tx(&mut tx, id).await?;
    let appointment = shown(ctx, image.of(present));
    let (patient, version) = (appointment.patient_id, appointment.version);
    tx.finish(
        Disclosure::of("appointment", Action::Read, patient, id, appointment).version(version),
    )
    .await
}

impl Image {
    fn of(self, present: Appointment) -> Appointment {
        Appointment {
            id: present.id,
            patient_id: self.patient_id,
            service_id: self.service_id,
            service: present.service,
            facility_id: self.facility_id,
            provider_id: self.provider_id,
            provider: None,
            other_provider_ids: present.other_provider_ids,
            staff_ids: present.staff_ids,
            room_id: present.room_id,
            room: present.room,
            equipment_ids: present.equipment_ids,
            kind: self.kind,
            priority: self.priority,
            status: self.status,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            time_zone: self.time_zone,
            local_start: self.local_start.format("%Y-%m-%dT%H:%M:%S").to_string(),
            chief_complaint: self.chief_complaint,
            notes: self.notes,
            join_url: self.join_url,
            overbooked: self.overbooked,
            overbook_reason: self.overbook_reason,
            series_id: self.series_id,
            rescheduled_from: self.rescheduled_from,
            encounter_id: self.encounter_id,
            cancelled_by: self.cancelled_by,
            cancel_reason: self.cancel_reason,
            confirmed_at: self.confirmed_at,
            checked_in_at: self.checked_in_at,
            roomed_at: self.roomed_at,
            roomed_in: self.roomed_in,
            roomed_by: self.roomed_by,
            started_at: self.started_at,
            completed_at: self.completed_at,
            cancelled_at: self.cancelled_at,
            booked_by_role: self.booked_by_role,
            created_by: self.created_by,
            closed_by: self.closed_by,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

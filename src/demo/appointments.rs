//! Appointments of the demo: the visits of the last and the next two weeks, booked a week before each, with what became of them.
//! Each is for the encounter that stands in the chart, planned or over.

use chrono::TimeDelta;
use clinical::encounters::{EncounterClass, EncounterRecord, EncounterStatus};
use kernel::Result;
use kernel::clock::Instant;
use platform::db::SystemTx;
use scheduling::appointments::{self, Details, Outcome, Placement};
use scheduling::services::{self, Service};

/// So far back and ahead.
const AROUND: TimeDelta = TimeDelta::days(14);
/// Booked so long before, and confirmed when it is no longer until then.
const BOOKED_BEFORE: TimeDelta = TimeDelta::days(7);
const CONFIRMED_BEFORE: TimeDelta = TimeDelta::days(3);

/// Books what of these visits can be booked. The services are there already.
pub async fn write(tx: &mut SystemTx, visits: &[EncounterRecord], now: Instant) -> Result<()> {
    let near = |visit: &&EncounterRecord| (visit.scheduled_start - now).abs() < AROUND;
    let near: Vec<&EncounterRecord> = visits.iter().filter(near).collect();
    if near.is_empty() {
        return Ok(());
    }
    let services = services::all_active(tx).await?;
    for visit in near {
        let service = services
            .iter()
            .find(|service| Some(service.data.code.as_str()) == code_of(visit));
        if let (Some(service), Some(outcome)) = (service, outcome_of(visit, now)) {
            book(tx, visit, service, &outcome, now).await?;
        }
    }
    Ok(())
}

async fn book(
    tx: &mut SystemTx,
    visit: &EncounterRecord,
    service: &Service,
    outcome: &Outcome,
    now: Instant,
) -> Result<()> {
    let Some(facility) = visit.facility_id else {
        return Ok(());
    };
    let placement = Placement {
        patient: visit.patient_id,
        service: service.id,
        facility,
        providers: visit.attending_provider_id.into_iter().collect(),
        staff: Vec::new(),
        room: None,
        equipment: Vec::new(),
        starts_at: visit.scheduled_start,
        timing: None,
    };
    let details = Details {
        chief_complaint: visit.chief_complaint.clone(),
        encounter: Some(visit.id),
        ..Details::default()
    };
    let booked_at = (visit.scheduled_start - BOOKED_BEFORE).min(now);
    appointments::record_in_tx(tx, placement, &details, outcome, booked_at)
        .await
        .map(drop)
}

fn code_of(visit: &EncounterRecord) -> Option<&'static str> {
    match visit.class {
        EncounterClass::OfficeVisit | EncounterClass::Consultation => Some("CONS"),
        EncounterClass::Telemedicine => Some("TELE"),
        EncounterClass::Inpatient | EncounterClass::Emergency | EncounterClass::Procedure => None,
    }
}

fn outcome_of(visit: &EncounterRecord, now: Instant) -> Option<Outcome> {
    match visit.status {
        EncounterStatus::Scheduled => Some(Outcome::ToCome {
            confirmed: visit.scheduled_start - now < CONFIRMED_BEFORE,
        }),
        EncounterStatus::Completed => Some(Outcome::TookPlace {
            from: visit.actual_start?,
            until: visit.actual_end?,
        }),
        EncounterStatus::Cancelled => Some(Outcome::Cancelled {
            reason: visit.cancel_reason.clone()?,
        }),
        EncounterStatus::NoShow => Some(Outcome::Missed),
        EncounterStatus::InProgress => None,
    }
}

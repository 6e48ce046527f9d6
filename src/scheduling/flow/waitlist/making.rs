//! Making an offer: the place is held, the deadline watched, the patient told.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, WaitlistOfferId};
use kernel::{Code, Result};
use platform::App;
use platform::audit::{Action, Occasion, Subject, by_system};
use platform::db::SystemTx;

use super::model::{OfferStatus, WaitlistOffer, WaitlistStatus};
use super::store::{self, Row};
use super::triage::Triage;
use super::{answering, store_free, store_offers, triage};
use crate::appointments::{self, Booker, Placement};
use crate::flow::flow_settings::NewFlowSettings;
use crate::flow::quiet::Quiet;
use crate::flow::reminders;

/// The hold outlives the deadline, so that who accepts in the last second still gets it.
const GRACE: TimeDelta = TimeDelta::minutes(2);

/// What is offered.
pub(super) struct Place {
    pub placement: Placement,
    /// Whose place it was; none for time that was free.
    pub freed_by: Option<AppointmentId>,
}

/// The points of a request now.
pub(super) fn points(settings: &NewFlowSettings, row: &Row, now: Instant) -> Triage {
    let wish = row.wish();
    triage::points(&settings.triage, &wish, row.waiting_since, row.missed, now)
}

/// Offers a place to somebody who waits, whose request is locked, and commits. `cause`: the job that does.
///
/// # Errors
/// A conflict if he does not wait any more, or somebody has booked the place or him meanwhile; a field error if the place can't
/// be had. Nothing is written then.
pub(super) async fn make(
    app: &App,
    mut tx: SystemTx,
    which: (&Row, Place),
    settings: &NewFlowSettings,
    cause: &'static str,
    now: Instant,
) -> Result<()> {
    make_in_tx(app, &mut tx, which, settings, cause, now).await?;
    tx.commit().await
}

/// As [`make`], without the commit: what is refused must not be committed.
pub(super) async fn make_in_tx(
    app: &App,
    tx: &mut SystemTx,
    (row, place): (&Row, Place),
    settings: &NewFlowSettings,
    cause: &'static str,
    now: Instant,
) -> Result<()> {
    if row.status != WaitlistStatus::Waiting {
        return Err(Code::IllegalTransition.into());
    }
    let Place {
        placement,
        freed_by,
    } = place;
    if row.himself {
        require_his_to_book(tx, row, &placement, now).await?;
    }
    let (facility_id, starts_at) = (placement.facility, placement.starts_at);
    let provider_id = placement.providers.first().copied();
    // He hears of it when it is not quiet any more, and has his minutes from then on.
    let zone = store_free::zone_of(tx, facility_id).await?;
    let quiet = Quiet::of(settings);
    let deadline = quiet.after(now, settings.offer_minutes, zone, starts_at);
    let hold =
        appointments::hold_in_tx(tx, placement, deadline + GRACE, Booker::SYSTEM, now).await?;
    // What he is shown is what he is booked for.
    let ends_at = appointments::hold_by_id(tx, hold, now).await?.ends_at;
    let offer = WaitlistOffer {
        id: WaitlistOfferId::new(),
        entry_id: row.id,
        patient_id: row.patient_id,
        facility_id,
        provider_id,
        starts_at,
        ends_at,
        deadline,
        status: OfferStatus::Open,
        triage: Some(points(settings, row, now)),
        appointment_id: None,
        standing_appointment_id: None,
        answered_at: None,
        version: 1,
        created_at: now,
    };
    store_offers::insert(tx, &offer, hold, freed_by).await?;
    store::step(tx, row.id, WaitlistStatus::Offered, (None, None), now).await?;
    answering::watch(tx, offer.id, deadline).await?;
    let heard_at = quiet.over(now, zone);
    reminders::announce_offer(tx, offer.id, heard_at, now).await?;
    let record = record(app, tx, row.patient_id, offer.id, cause, now);
    tx.record(&[record]).await
}

/// Who waits at his own wish is offered nothing that he could not book himself.
///
/// # Errors
/// `too_many_appointments`; `slot_taken` for the place of somebody who does not accept him.
async fn require_his_to_book(
    tx: &mut SystemTx,
    row: &Row,
    placement: &Placement,
    now: Instant,
) -> Result<()> {
    appointments::require_few_in_tx(tx, row.patient_id, None, now).await?;
    let closed = store::closed_to(tx, row.patient_id).await?;
    if placement.providers.iter().any(|who| closed.contains(who)) {
        return Err(Code::SlotTaken.into());
    }
    Ok(())
}

/// That a job changed what a patient is offered.
pub(super) fn record(
    app: &App,
    tx: &SystemTx,
    patient: PatientId,
    offer: WaitlistOfferId,
    cause: &'static str,
    now: Instant,
) -> platform::audit::AccessRecord {
    let subject = Subject {
        patient: Some(patient),
        resource: Some(offer.into()),
    };
    let cause = Occasion::Job(cause);
    by_system(
        app,
        tx.tenant(),
        cause,
        "waitlist",
        Action::Update,
        subject,
        now,
    )
}

//! The links in messages: made when a reminder leaves, answered once.
//!
//! The work is the system's on the patient's behalf: who holds the secret is taken for him, and may no more than he may.

use chrono::TimeDelta;
use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Code, Error, Result};
use platform::App;
use platform::audit::{AccessRecord, Action, By, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, RequestInfo};

use super::model::{LinkAction, LinkedAppointment, Reminder};
use super::store_links::{self as store, Linked};
use crate::appointments::{self, CancelledBy};
use crate::booking_rules;
use crate::flow::secrets::LinkSecret;
use crate::flow::wall;

/// How a link's secret begins.
const KIND: &str = "apt";

/// Makes the link of a reminder, good until the appointment begins. Returns its secret.
pub(super) async fn open(
    tx: &mut TenantTx,
    reminder: &Reminder,
    appointment: AppointmentId,
    until: Instant,
    now: Instant,
) -> Result<String> {
    let secret = LinkSecret::new(tx.tenant());
    let digest = secret.digest();
    let patient = reminder.patient_id;
    store::put(tx, reminder.id, patient, appointment, &digest, until, now).await?;
    Ok(secret.render(KIND))
}

/// What the link is about.
///
/// # Errors
/// `not_found` for whatever is not the secret of a link that still answers.
pub(super) async fn read(
    app: &App,
    request: &RequestInfo,
    token: &str,
) -> Result<Answer<LinkedAppointment>> {
    let (mut tx, linked) = find(app, token).await?;
    let record = record(app, &tx, request, &linked, Action::Read);
    tx.record(&[record]).await?;
    tx.commit().await?;
    Answer::plain(&shown(linked))
}

/// Confirms or cancels, once.
///
/// # Errors
/// As [`read`]; `illegal_transition` when the appointment has gone on; `too_late_to_cancel`.
pub(super) async fn answer(
    app: &App,
    request: &RequestInfo,
    token: &str,
    action: LinkAction,
) -> Result<Answer<()>> {
    let now = app.clock.now();
    let (mut tx, linked) = find(app, token).await?;
    let appointment = linked.appointment_id;
    match action {
        LinkAction::Confirm => appointments::confirm_in_tx(&mut tx, appointment, now).await?,
        LinkAction::Cancel => {
            let rules = booking_rules::in_force(&mut tx).await?;
            let notice = TimeDelta::minutes(rules.cancel_notice_minutes.into());
            if linked.starts_at - now < notice {
                return Err(Error::new(Code::TooLateToCancel));
            }
            let by = CancelledBy::Patient;
            let reason = "By the link in a message";
            appointments::cancel_in_tx(&mut tx, appointment, by, reason, None, now).await?;
        }
    }
    store::use_up(&mut tx, linked.id, action.as_str(), now).await?;
    let record = record(app, &tx, request, &linked, Action::Update);
    tx.record(&[record]).await?;
    tx.commit().await?;
    Ok(Answer::nothing())
}

async fn find(app: &App, token: &str) -> Result<(SystemTx, Linked)> {
    let secret = LinkSecret::parse(KIND, token).ok_or_else(Error::not_found)?;
    let mut tx = SystemTx::begin(&app.db, secret.tenant).await?;
    let linked = store::lock(&mut tx, &secret.digest(), app.clock.now())
        .await?
        .ok_or_else(Error::not_found)?;
    Ok((tx, linked))
}

fn record(
    app: &App,
    tx: &TenantTx,
    request: &RequestInfo,
    linked: &Linked,
    action: Action,
) -> AccessRecord {
    let subject = Subject {
        patient: Some(linked.patient_id),
        resource: Some(linked.appointment_id.into()),
    };
    let by = By::Request(request);
    by_system(
        app,
        tx.tenant(),
        by,
        "appointment",
        action,
        subject,
        app.clock.now(),
    )
}

fn shown(linked: Linked) -> LinkedAppointment {
    let zone = wall::zone(&linked.time_zone);
    let actions = match linked.status.as_str() {
        "scheduled" => vec![LinkAction::Confirm, LinkAction::Cancel],
        "confirmed" => vec![LinkAction::Cancel],
        _ => Vec::new(),
    };
    LinkedAppointment {
        starts_at: linked.starts_at,
        ends_at: linked.ends_at,
        local_start: wall::local(linked.starts_at, zone),
        time_zone: linked.time_zone,
        facility: linked.facility,
        phone: linked.phone,
        address: wall::address_lines(linked.address.as_ref()),
        actions,
        link_expires_at: linked.expires_at,
    }
}

//! The links in messages: made when a reminder leaves, answered once.
//!
//! The work is the system's on the patient's behalf: who holds the secret is taken for him, and may no more than he may.

use kernel::clock::Instant;
use kernel::ids::AppointmentId;
use kernel::{Error, Result};
use platform::App;
use platform::audit::{AccessRecord, Action, By, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, RequestInfo};

use super::model::{LinkAction, LinkedAppointment, Reminder};
use super::store_links::{self as store, Linked};
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
        address: linked.address.as_ref().map(lines).unwrap_or_default(),
        actions,
        link_expires_at: linked.expires_at,
    }
}

/// A facility's address as it stands on an envelope.
fn lines(address: &serde_json::Value) -> Vec<String> {
    let text = |name: &str| address[name].as_str().unwrap_or_default();
    let street = address["line"].as_array().into_iter().flatten();
    let mut lines: Vec<String> = street
        .filter_map(|line| line.as_str().map(str::to_owned))
        .collect();
    let town = [
        text("city"),
        text("state"),
        text("postal_code"),
        text("country"),
    ];
    lines.push(
        town.into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" "),
    );
    lines.retain(|line| !line.is_empty());
    lines
}

//! The links in messages of offers: made when the message leaves, answered once.
//!
//! The work is the system's on the patient's behalf: who holds the secret is taken for him, and may no more than he may.
//! Looking changes nothing, so whoever fetches links ahead, such as a mail server, answers nothing.

use kernel::clock::Instant;
use kernel::ids::{PatientId, ReminderId, WaitlistOfferId};
use kernel::{Error, Result};
use platform::App;
use platform::access::Role;
use platform::audit::{AccessRecord, Action, By as Cause, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, RequestInfo};

use super::model::{LinkedOffer, OfferAction};
use super::offers;
use super::store_links::{self as store, Linked};
use crate::appointments::By;
use crate::flow::secrets::LinkSecret;
use crate::flow::wall;

/// How a link's secret begins.
const KIND: &str = "off";

/// Makes the link of a message about an offer, good until the offer's deadline. Returns its secret.
pub(crate) async fn open(
    tx: &mut TenantTx,
    message: ReminderId,
    (offer, patient): (WaitlistOfferId, PatientId),
    until: Instant,
    now: Instant,
) -> Result<String> {
    let secret = LinkSecret::new(tx.tenant());
    let digest = secret.digest();
    store::put(tx, message, (offer, patient), &digest, until, now).await?;
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
) -> Result<Answer<LinkedOffer>> {
    let (mut tx, linked) = find(app, token).await?;
    let record = record(app, &tx, request, &linked, Action::Read);
    tx.record(&[record]).await?;
    tx.commit().await?;
    Answer::plain(&shown(linked))
}

/// Accepts or declines, once: accepting books the place that is held, as it does for who logs in.
///
/// # Errors
/// As [`read`]; `illegal_transition` when the offer was answered otherwise; `offer_expired`.
pub(super) async fn answer(
    app: &App,
    request: &RequestInfo,
    token: &str,
    action: OfferAction,
) -> Result<Answer<()>> {
    let now = app.clock.now();
    let (mut tx, linked) = find(app, token).await?;
    let offer = linked.offer_id;
    match action {
        OfferAction::Accept => {
            let himself = By {
                user: None,
                role: Role::Patient.as_str(),
            };
            offers::accept_in_tx(&mut tx, offer, himself, now).await?;
        }
        OfferAction::Decline => offers::decline_in_tx(&mut tx, offer, now).await?,
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
        resource: Some(linked.offer_id.into()),
    };
    let by = Cause::Request(request);
    let now = app.clock.now();
    by_system(app, tx.tenant(), by, "waitlist", action, subject, now)
}

fn shown(linked: Linked) -> LinkedOffer {
    let zone = wall::zone(&linked.time_zone);
    let actions = if linked.open {
        vec![OfferAction::Accept, OfferAction::Decline]
    } else {
        Vec::new()
    };
    LinkedOffer {
        starts_at: linked.starts_at,
        ends_at: linked.ends_at,
        local_start: wall::local(linked.starts_at, zone),
        local_deadline: wall::local(linked.deadline, zone),
        deadline: linked.deadline,
        time_zone: linked.time_zone,
        facility: linked.facility,
        phone: linked.phone,
        address: wall::address_lines(linked.address.as_ref()),
        actions,
    }
}

//! Sending, as a job: what is due is looked at once more, and written in the words of its template.

use clinical::patients::{NameUse, PatientName, Telecom};
use kernel::clock::Instant;
use kernel::ids::{ReminderId, TenantId};
use kernel::{Error, Result};
use platform::App;
use platform::audit::{Action, Occasion, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use platform::messages::{Channel, Message};
use serde::Deserialize;
use serde_json::json;

use super::model::{Reminder, ReminderStatus, ReminderTemplate};
use super::store_work::{self as rows, Visit};
use super::text::{self, Words};
use super::work::of_json;
use super::{links, planning, store, store_templates};
use crate::flow::flow_settings;
use crate::flow::quiet::Quiet;
use crate::flow::{routes_visit, waitlist, wall};

/// Sending one reminder.
pub(super) const SEND: &str = "reminders.send";

#[derive(Deserialize)]
struct OfReminder {
    reminder_id: ReminderId,
}

/// Sends a reminder that still says what is so.
pub(super) async fn send(app: &App, job: &Job) -> Result<()> {
    let OfReminder { reminder_id } = job.payload()?;
    let now = app.clock.now();
    let Some(message) = prepare(app, job.tenant, reminder_id, now).await? else {
        return Ok(());
    };
    // No transaction waits for whoever takes it.
    let sent = app.messenger.send(&message).await;
    let (status, outcome) = match &sent {
        Ok(()) => (ReminderStatus::Sent, None),
        Err(_) if job.is_last_try() => (ReminderStatus::Undeliverable, Some("send_failed")),
        Err(_) => return sent,
    };
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    store::end(&mut tx, reminder_id, status, outcome, app.clock.now()).await?;
    tx.commit().await?;
    metrics::counter!("chartwell_reminders_total", "outcome" => outcome.unwrap_or("sent"))
        .increment(1);
    sent
}

/// The message, with its access record durable; `None` if there is nothing to be said any more, or not yet.
async fn prepare(
    app: &App,
    tenant: TenantId,
    id: ReminderId,
    now: Instant,
) -> Result<Option<Message>> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let Some(due) = due(&mut tx, id).await? else {
        return Ok(None);
    };
    let to = match turn_of(&mut tx, &due, now).await? {
        Turn::Leaves(channel, to) => (channel, to),
        Turn::Waits(until) => {
            put_off(&mut tx, id, until, now).await?;
            tx.commit().await?;
            return Ok(None);
        }
        Turn::Ends(status, outcome) => {
            store::end(&mut tx, id, status, Some(outcome), now).await?;
            tx.commit().await?;
            metrics::counter!("chartwell_reminders_total", "outcome" => outcome).increment(1);
            return Ok(None);
        }
    };
    let message = message(app, &mut tx, due, to, now).await?;
    tx.commit().await?;
    Ok(Some(message))
}

/// A message that has not left, and what it is made of.
struct Due {
    reminder: Reminder,
    visit: Visit,
    template: ReminderTemplate,
}

/// What is to be sent, locked; `None` if it was sent or called off.
async fn due(tx: &mut TenantTx, id: ReminderId) -> Result<Option<Due>> {
    let unsent = |it: &Reminder| {
        matches!(
            it.status,
            ReminderStatus::Scheduled | ReminderStatus::Sending
        )
    };
    let Some(reminder) = store::lock(tx, id).await?.filter(unsent) else {
        return Ok(None);
    };
    let visit = match (reminder.appointment_id, reminder.offer_id) {
        (Some(appointment), _) => rows::appointment(tx, appointment).await?,
        (None, Some(offer)) => rows::offer(tx, offer).await?,
        (None, None) => None,
    };
    let template = store_templates::find(tx, reminder.template_id).await?;
    let (Some(visit), Some(template)) = (visit, template) else {
        return Err(Error::internal("a reminder of nothing"));
    };
    Ok(Some(Due {
        reminder,
        visit,
        template,
    }))
}

/// What becomes of a message whose time has come.
enum Turn {
    Leaves(Channel, String),
    /// It is quiet where its visit is: a server was down when it should have left, or nobody took it until now.
    Waits(Instant),
    Ends(ReminderStatus, &'static str),
}

async fn turn_of(tx: &mut TenantTx, due: &Due, now: Instant) -> Result<Turn> {
    let Due {
        reminder, visit, ..
    } = due;
    let ends = |status, outcome| Ok(Turn::Ends(status, outcome));
    if !visit.open || visit.starts_at != rows::for_start(tx, reminder.id).await? {
        return ends(ReminderStatus::Cancelled, "appointment_changed");
    }
    let useful_until = visit.deadline.unwrap_or(visit.starts_at);
    let quiet = Quiet::of(&flow_settings::current(tx).await?);
    let leaves_at = planning::leaves_at(now, quiet, wall::zone(&visit.time_zone));
    if useful_until <= leaves_at {
        return ends(ReminderStatus::Cancelled, "no_time_left");
    }
    if !visit.patient_active {
        return ends(ReminderStatus::Cancelled, "patient_not_active");
    }
    let telecoms: Vec<Telecom> = of_json(&visit.telecoms)?;
    let Some((channel, to)) = planning::address(&telecoms, &[reminder.channel]) else {
        return ends(ReminderStatus::Undeliverable, "no_address");
    };
    if leaves_at > now {
        return Ok(Turn::Waits(leaves_at));
    }
    Ok(Turn::Leaves(channel, to))
}

/// It leaves when the quiet is over, tried as often as any other.
async fn put_off(tx: &mut TenantTx, id: ReminderId, until: Instant, now: Instant) -> Result<()> {
    store::put_off(tx, id, until, now).await?;
    let job = NewJob::new(SEND, json!({ "reminder_id": id }), until);
    jobs::enqueue(tx, &job.once(id.to_string())).await
}

/// The message in its words, recorded, on its way from now on.
async fn message(
    app: &App,
    tx: &mut SystemTx,
    due: Due,
    (channel, to): (Channel, String),
    now: Instant,
) -> Result<Message> {
    let id = due.reminder.id;
    let link = link(app, tx, &due.reminder, &due.visit, now).await?;
    let words = words(&due.visit, link)?;
    store::end(tx, id, ReminderStatus::Sending, None, now).await?;
    let subject = Subject {
        patient: Some(due.visit.patient_id),
        resource: Some(id.into()),
    };
    let cause = Occasion::Job(SEND);
    let record = by_system(
        app,
        tx.tenant(),
        cause,
        "reminder",
        Action::Export,
        subject,
        now,
    );
    tx.record(&[record]).await?;
    let template = due.template.data;
    Ok(Message {
        id: id.into(),
        channel,
        to,
        subject: template.subject.map(|subject| text::fill(&subject, &words)),
        body: text::fill(&template.body, &words),
        at: now,
    })
}

/// The link by which the patient answers.
async fn link(
    app: &App,
    tx: &mut TenantTx,
    reminder: &Reminder,
    visit: &Visit,
    now: Instant,
) -> Result<String> {
    let home = &app.settings.public_url;
    if let Some(appointment) = reminder.appointment_id {
        let secret = links::open(tx, reminder, appointment, visit.starts_at, now).await?;
        return Ok(routes_visit::link(home, &secret));
    }
    let Some((offer, deadline)) = reminder.offer_id.zip(visit.deadline) else {
        return Ok(String::new());
    };
    let whose = (offer, visit.patient_id);
    let secret = waitlist::open_link(tx, reminder.id, whose, deadline, now).await?;
    Ok(routes_visit::link(home, &secret))
}

fn words(visit: &Visit, link: String) -> Result<Words> {
    let zone = wall::zone(&visit.time_zone);
    let start = wall::local(visit.starts_at, zone);
    let names: Vec<PatientName> = of_json(&visit.names)?;
    let name = names
        .iter()
        .find(|name| name.r#use == NameUse::Preferred)
        .or_else(|| PatientName::legal(&names));
    Ok(Words {
        first_name: name
            .and_then(|name| name.given.first().cloned())
            .unwrap_or_default(),
        date: start.format("%Y-%m-%d").to_string(),
        time: start.format("%H:%M").to_string(),
        place: visit.facility.clone(),
        link,
        deadline: visit
            .deadline
            .map(|at| wall::local(at, zone).format("%Y-%m-%d %H:%M").to_string())
            .unwrap_or_default(),
    })
}

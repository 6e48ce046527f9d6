//! Planning and sending, as jobs.

use chrono::TimeDelta;
use clinical::patients::{NameUse, PatientName, Telecom};
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, ReminderId, TenantId, WaitlistOfferId};
use kernel::{Error, Result};
use platform::App;
use platform::audit::{Action, Occasion, Subject, by_system};
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use platform::messages::{Channel, Message};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::model::{Reminder, ReminderPurpose, ReminderStatus, ReminderTemplate};
use super::planning;
use super::store_work::{self as rows, NewReminder, Planned, Visit};
use super::text::{self, Words};
use super::{links, store, store_templates};
use crate::flow::flow_settings;
use crate::flow::quiet::Quiet;
use crate::flow::{routes_visit, waitlist, wall};
use crate::no_shows;

/// Planning anew what is said about an appointment; the database itself asks for it (0020).
pub(super) const PLAN: &str = "reminders.plan";
/// Sending one reminder.
pub(super) const SEND: &str = "reminders.send";

#[derive(Deserialize)]
struct OfAppointment {
    appointment_id: AppointmentId,
}

#[derive(Deserialize)]
struct OfReminder {
    reminder_id: ReminderId,
}

/// Plans the reminders of an appointment anew: what is no longer right is cancelled, what is missing is planned.
pub(super) async fn plan(app: &App, job: &Job) -> Result<()> {
    let OfAppointment { appointment_id } = job.payload()?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let Some(visit) = rows::appointment(&mut tx, appointment_id).await? else {
        return Ok(());
    };
    let before = rows::planned(&mut tx, appointment_id).await?;
    let wanted = if visit.open && visit.patient_active && visit.starts_at > now {
        wanted(&mut tx, (appointment_id, &visit), now).await?
    } else {
        Vec::new()
    };
    // What was planned for this start keeps its time: it may have been put off to the morning, and is to leave then.
    let same_start = |old: &&Planned| old.for_start == visit.starts_at;
    for old in before.iter().filter(|old| old.scheduled) {
        let stays = same_start(&old) && wanted.iter().any(|one| one.is(old));
        if !stays {
            let reason = Some("appointment_changed");
            store::end(&mut tx, old.id, ReminderStatus::Cancelled, reason, now).await?;
        }
    }
    for one in wanted {
        let there = before.iter().filter(same_start).any(|old| one.is(old));
        let Some(send_at) = one.send_at.filter(|_| !there) else {
            continue;
        };
        let new = NewReminder {
            id: ReminderId::new(),
            patient: visit.patient_id,
            appointment: Some(appointment_id),
            offer: None,
            template: one.template.id,
            channel: one.template.data.channel,
            for_start: visit.starts_at,
            send_at,
            additional: one.additional,
        };
        put(&mut tx, &new, now).await?;
    }
    tx.commit().await
}

/// A reminder that should be sent.
struct Wanted {
    template: ReminderTemplate,
    /// `None`: there is no time left to plan it, but if it was planned it is still to be sent.
    send_at: Option<Instant>,
    additional: bool,
}

impl Wanted {
    fn is(&self, old: &Planned) -> bool {
        self.template.id == old.template_id && self.additional == old.additional
    }
}

/// Plans anew after a night that has made an appointment's patient look unlikely to come.
pub(crate) async fn plan_again(tx: &mut TenantTx, id: AppointmentId, now: Instant) -> Result<()> {
    let job = NewJob::new(PLAN, json!({ "appointment_id": id }), now);
    jobs::enqueue(tx, &job.once(id.to_string())).await
}

/// Which templates are used, and when they are sent: of each time before the start one, in the way the patient prefers; and
/// one more for who is likely not to come, in the words of the one that is sent first.
async fn wanted(
    tx: &mut TenantTx,
    (appointment, visit): (AppointmentId, &Visit),
    now: Instant,
) -> Result<Vec<Wanted>> {
    let settings = flow_settings::current(tx).await?;
    let quiet = Quiet::of(&settings);
    let zone = wall::zone(&visit.time_zone);
    let mut templates = store_templates::active(tx, ReminderPurpose::Reminder).await?;
    templates.sort_by_key(|template| template.data.offset_minutes);
    let mut wanted = Vec::new();
    let mut earliest: Option<&ReminderTemplate> = None;
    let send_at = |minutes: i32| {
        let before = TimeDelta::minutes(minutes.into());
        planning::send_at(visit.starts_at, before, quiet, zone, now)
    };
    for same_time in
        templates.chunk_by(|one, other| one.data.offset_minutes == other.data.offset_minutes)
    {
        let Some(template) = choose(same_time, visit)? else {
            continue;
        };
        earliest = Some(template);
        wanted.push(Wanted {
            template: template.clone(),
            send_at: send_at(template.data.offset_minutes),
            additional: false,
        });
    }
    let (Some(extra), Some(template)) = (&settings.extra_reminder, earliest) else {
        return Ok(wanted);
    };
    if !no_shows::is_likely(tx, appointment, extra.above_percent).await? {
        return Ok(wanted);
    }
    // Not a second one at the time of another.
    let at = send_at(extra.minutes_before);
    if at.is_none() || wanted.iter().all(|other| other.send_at != at) {
        wanted.push(Wanted {
            template: template.clone(),
            send_at: at,
            additional: true,
        });
    }
    Ok(wanted)
}

/// The template in the way the patient is reached and, if there is one, in his language. Without an address: the first, which
/// will be found undeliverable, so that somebody sees it.
fn choose<'a>(
    templates: &'a [ReminderTemplate],
    visit: &Visit,
) -> Result<Option<&'a ReminderTemplate>> {
    let channels: Vec<Channel> = templates
        .iter()
        .map(|template| template.data.channel)
        .collect();
    let telecoms: Vec<Telecom> = of_json(&visit.telecoms)?;
    let reached = planning::address(&telecoms, &channels).map(|(channel, _)| channel);
    let fits = |template: &&ReminderTemplate| {
        reached.is_none_or(|channel| template.data.channel == channel)
    };
    let spoken = visit.language.as_deref();
    let own = templates.iter().filter(fits).find(|template| {
        let language = template.data.language.as_deref();
        language.is_some_and(|language| planning::is_spoken(language, spoken))
    });
    let general = || {
        templates
            .iter()
            .filter(fits)
            .find(|template| template.data.language.is_none())
    };
    Ok(own.or_else(general))
}

async fn put(tx: &mut TenantTx, new: &NewReminder, now: Instant) -> Result<()> {
    rows::insert(tx, new, now).await?;
    let job = NewJob::new(SEND, json!({ "reminder_id": new.id }), new.send_at);
    jobs::enqueue(tx, &job.once(new.id.to_string())).await
}

/// Plans the message of an offer. Without a template for it, nobody is told.
pub(crate) async fn announce_offer(
    tx: &mut TenantTx,
    offer: WaitlistOfferId,
    send_at: Instant,
    now: Instant,
) -> Result<()> {
    let templates = store_templates::active(tx, ReminderPurpose::Offer).await?;
    let Some(visit) = rows::offer(tx, offer).await? else {
        return Ok(());
    };
    let Some(template) = choose(&templates, &visit)? else {
        return Ok(());
    };
    let new = NewReminder {
        id: ReminderId::new(),
        patient: visit.patient_id,
        appointment: None,
        offer: Some(offer),
        template: template.id,
        channel: template.data.channel,
        for_start: visit.starts_at,
        send_at,
        additional: false,
    };
    put(tx, &new, now).await
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

/// The message, with its access record durable; `None` if there is nothing to be said any more.
async fn prepare(
    app: &App,
    tenant: TenantId,
    id: ReminderId,
    now: Instant,
) -> Result<Option<Message>> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let Some(reminder) = store::lock(&mut tx, id).await? else {
        return Ok(None);
    };
    if !matches!(
        reminder.status,
        ReminderStatus::Scheduled | ReminderStatus::Sending
    ) {
        return Ok(None);
    }
    let visit = match (reminder.appointment_id, reminder.offer_id) {
        (Some(appointment), _) => rows::appointment(&mut tx, appointment).await?,
        (None, Some(offer)) => rows::offer(&mut tx, offer).await?,
        (None, None) => None,
    };
    let template = store_templates::find(&mut tx, reminder.template_id).await?;
    let (Some(visit), Some(template)) = (visit, template) else {
        return Err(Error::internal("a reminder of nothing"));
    };
    let telecoms: Vec<Telecom> = of_json(&visit.telecoms)?;
    let address = planning::address(&telecoms, &[reminder.channel]);
    let obstacle = if !visit.open || visit.starts_at != rows::for_start(&mut tx, id).await? {
        Some((ReminderStatus::Cancelled, "appointment_changed"))
    } else if visit.deadline.unwrap_or(visit.starts_at) <= now {
        Some((ReminderStatus::Cancelled, "no_time_left"))
    } else if !visit.patient_active {
        Some((ReminderStatus::Cancelled, "patient_not_active"))
    } else if address.is_none() {
        Some((ReminderStatus::Undeliverable, "no_address"))
    } else {
        None
    };
    let (Some((channel, to)), None) = (address, obstacle) else {
        let (status, outcome) = obstacle.unwrap_or((ReminderStatus::Undeliverable, "no_address"));
        store::end(&mut tx, id, status, Some(outcome), now).await?;
        tx.commit().await?;
        metrics::counter!("chartwell_reminders_total", "outcome" => outcome).increment(1);
        return Ok(None);
    };
    let link = link(app, &mut tx, &reminder, &visit, now).await?;
    let words = words(&visit, link)?;
    store::end(&mut tx, id, ReminderStatus::Sending, None, now).await?;
    let subject = Subject {
        patient: Some(visit.patient_id),
        resource: Some(id.into()),
    };
    let record = by_system(
        app,
        tenant,
        Occasion::Job(SEND),
        "reminder",
        Action::Export,
        subject,
        now,
    );
    tx.record(&[record]).await?;
    tx.commit().await?;
    Ok(Some(Message {
        id: id.into(),
        channel,
        to,
        subject: template
            .data
            .subject
            .map(|subject| text::fill(&subject, &words)),
        body: text::fill(&template.data.body, &words),
        at: now,
    }))
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

fn of_json<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(Error::internal)
}

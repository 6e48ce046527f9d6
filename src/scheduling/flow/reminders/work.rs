//! Planning, as a job.

use chrono::TimeDelta;
use clinical::patients::Telecom;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, ReminderId, WaitlistOfferId};
use kernel::{Error, Result};
use platform::App;
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Job, NewJob};
use platform::messages::Channel;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::model::{ReminderPurpose, ReminderStatus, ReminderTemplate};
use super::planning;
use super::sending::SEND;
use super::store_work::{self as rows, NewReminder, Planned, Visit};
use super::{store, store_templates};
use crate::flow::flow_settings;
use crate::flow::quiet::Quiet;
use crate::flow::wall;
use crate::no_shows;

/// Planning anew what is said about an appointment; the database itself asks for it (0019).
pub(super) const PLAN: &str = "reminders.plan";

#[derive(Deserialize)]
struct OfAppointment {
    appointment_id: AppointmentId,
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

pub(super) fn of_json<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(value).map_err(Error::internal)
}

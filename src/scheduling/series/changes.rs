//! Cancelling and moving one of a series, it and those after it, or all that are still to come.
//!
//! One that is done with alone becomes an exception. From one on, the series is cut: it ends before that day, and what was
//! changed goes on as a series of its own, which says what it goes on with. Days the series does not occur on go along with
//! their part. Moving is for the occurrences that are as agreed: one that was moved alone keeps its time, people and places,
//! unless it is the one named; it belongs to the series that goes on. Calling off is for all that follow, whatever they became.
//! What was moved alone beyond the last day of the rule has nothing of the rule after it: it is done with alone, and the series
//! stays as it is.
//!
//! Trap: where the clocks skip the time that was agreed on, an occurrence is later than that, and is as agreed all the same.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, SeriesId, mint};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;

use super::model::{Series, SeriesCancellation, SeriesChange, SeriesScope, SeriesStatus};
use super::occurrences::{self, Wish};
use super::splitting::{Agreement, Cut};
use super::{expand, service, store};
use crate::appointments::{self, Appointment, Booker, Details, Placement};
use crate::wall::zone;

pub(super) async fn cancel(
    ctx: &Ctx,
    id: SeriesId,
    why: SeriesCancellation,
) -> Result<Answer<Series>> {
    let by = appointments::by_whom(ctx, why.by)?;
    let mut tx = ctx.begin_by_keys(Permission::AppointmentManage).await?;
    let mut series = store::lock(&mut tx, id).await?;
    let meant = meant(ctx, &mut tx, id, why.scope, why.appointment_id).await?;
    for appointment in &meant {
        let (user, now) = (Some(ctx.user()), ctx.now());
        appointments::cancel_in_tx(&mut tx, appointment.id, by, &why.reason, user, now).await?;
    }
    match why.scope {
        SeriesScope::One => except(&mut series, &meant),
        SeriesScope::Following => match Agreement::of(&series).cut(first_day(&meant)?) {
            Cut::Parts(ended, _) => agree(&mut series, ended),
            Cut::NothingFollows => except(&mut series, &meant),
            Cut::NothingBefore => series.status = SeriesStatus::Cancelled,
        },
        SeriesScope::All => series.status = SeriesStatus::Cancelled,
    }
    store::update(&mut tx, &series, ctx.now()).await?;
    commit(tx, id).await
}

/// Moves what is meant, all of it or nothing.
pub(super) async fn change(
    ctx: &Ctx,
    id: SeriesId,
    wanted: SeriesChange,
) -> Result<Answer<Series>> {
    let mut tx = ctx.begin_by_keys(Permission::AppointmentManage).await?;
    let series = store::lock(&mut tx, id).await?;
    if series.status == SeriesStatus::Cancelled {
        return Err(Error::new(Code::AppointmentClosed));
    }
    clinical::patients::require_active(&mut tx, series.patient_id).await?;
    let mut meant = meant(ctx, &mut tx, id, wanted.scope, wanted.appointment_id).await?;
    let mut keeping = Vec::new();
    let times = agreed_times(&series);
    if wanted.scope != SeriesScope::One {
        let named = wanted.appointment_id;
        (meant, keeping) = meant
            .into_iter()
            .partition(|one| named == Some(one.id) || is_as_agreed(one, &series, &times));
        if meant.is_empty() {
            return Err(nothing_meant());
        }
    }
    let goes_on = agreed_anew(ctx, &mut tx, series, &wanted, &meant).await?;
    adopt(&mut tx, &goes_on, &keeping, ctx.now()).await?;
    move_all(ctx, &mut tx, &meant, &wanted, (&goes_on, &times)).await?;
    commit(tx, goes_on.id).await
}

/// Writes what is agreed on from now on; from a day on, as a series of its own. Returns the one that goes on.
async fn agreed_anew(
    ctx: &Ctx,
    tx: &mut TenantTx,
    mut series: Series,
    wanted: &SeriesChange,
    meant: &[Appointment],
) -> Result<Series> {
    let agreement = Agreement::of(&series);
    let cut = match wanted.scope {
        SeriesScope::One => Cut::NothingFollows,
        SeriesScope::Following => agreement.cut(first_day(meant)?),
        SeriesScope::All => Cut::NothingBefore,
    };
    let time = wanted.local_time.map(|time| time.0);
    let moved = |agreement: &Agreement| {
        let moved = agreement.moved(time, wanted.shift_days);
        moved.ok_or_else(rule_cant_follow)
    };
    let (ended, going_on) = match cut {
        Cut::NothingFollows => {
            except(&mut series, meant);
            store::update(tx, &series, ctx.now()).await?;
            return Ok(series);
        }
        Cut::NothingBefore => {
            agree(&mut series, moved(&agreement)?);
            take_over(&mut series, wanted);
            store::update(tx, &series, ctx.now()).await?;
            return Ok(series);
        }
        Cut::Parts(ended, going_on) => (ended, going_on.ok_or_else(rule_cant_follow)?),
    };
    let mut next = Series {
        id: SeriesId(mint()),
        split_from: Some(series.id),
        ..series.clone()
    };
    agree(&mut next, moved(&going_on)?);
    take_over(&mut next, wanted);
    agree(&mut series, ended);
    store::update(tx, &series, ctx.now()).await?;
    store::go_on(tx, &next, ctx.user(), ctx.now()).await?;
    Ok(next)
}

/// Those that keep their own manner belong to the series that goes on, too.
async fn adopt(
    tx: &mut TenantTx,
    series: &Series,
    keeping: &[Appointment],
    now: Instant,
) -> Result<()> {
    let strangers = keeping
        .iter()
        .filter(|one| one.series_id != Some(series.id))
        .map(|one| one.id)
        .collect::<Vec<_>>();
    if strangers.is_empty() {
        return Ok(());
    }
    store::adopt(tx, series.id, &strangers, now).await
}

async fn move_all(
    ctx: &Ctx,
    tx: &mut TenantTx,
    meant: &[Appointment],
    wanted: &SeriesChange,
    (goes_on, times): (&Series, &AgreedTimes),
) -> Result<()> {
    let by = Booker::caller(ctx);
    let mut wishes = Vec::with_capacity(meant.len());
    for appointment in meant {
        let timing = appointments::own_timing(tx, appointment).await?;
        let mut there = appointment.clone();
        appointments::without_left(tx, &mut there).await?;
        let mut wish = wish(&there, wanted, goes_on, times)?;
        wish.placement.timing = timing;
        wish.own = appointments::own_time(tx, appointment.id).await?;
        wishes.push(wish);
    }
    // All are taken away first, so that those of a series don't stand in each other's way.
    for appointment in meant {
        appointments::vacate_in_tx(tx, appointment, &wanted.reason, by, ctx.now()).await?;
    }
    let looked = occurrences::look(tx, wishes, by, ctx.now()).await?;
    let booked = occurrences::book(tx, looked, false, by, ctx.now()).await;
    booked.map_err(|error| match error.code() {
        Code::SeriesConflicts => error.detail(NOT_MOVED),
        _ => error,
    })?;
    let vacated: Vec<AppointmentId> = meant.iter().map(|it| it.id).collect();
    appointments::hand_on_in_tx(tx, &vacated, ctx.now()).await
}

/// A change is not shown before it is made, and leaves nothing out.
const NOT_MOVED: &str =
    "Some occurrences can't be moved so, and nothing was changed; conflicts says which and why.";

/// What the wall shows at each occurrence as agreed, and what was agreed on.
type AgreedTimes = BTreeMap<NaiveDateTime, NaiveDateTime>;

fn agreed_times(series: &Series) -> AgreedTimes {
    let (zone, time) = (zone_of(series), series.local_start.time());
    let days = Agreement::of(series).days().into_iter();
    let agreed = days.map(|day| day.and_time(time));
    agreed
        .map(|local| (expand::at(zone, local).local, local))
        .collect()
}

fn zone_of(series: &Series) -> Tz {
    zone(&series.time_zone)
}

/// Whether an appointment is what the series says; one that was moved alone, or is with somebody else, keeps its manner.
fn is_as_agreed(one: &Appointment, series: &Series, times: &AgreedTimes) -> bool {
    let on_time = one
        .local_start
        .parse()
        .is_ok_and(|local: NaiveDateTime| times.contains_key(&local));
    let with = series.provider_id.is_none() || one.provider_id == series.provider_id;
    let there = series.room_id.is_none() || one.room_id == series.room_id;
    on_time && with && there
}

/// The day the first of them is on.
fn first_day(meant: &[Appointment]) -> Result<NaiveDate> {
    let first = meant
        .first()
        .map(|one| one.local_start.parse::<NaiveDateTime>());
    let first = first.transpose().map_err(Error::internal)?;
    first
        .map(|local| local.date())
        .ok_or_else(|| Error::internal("nothing is meant"))
}

fn rule_cant_follow() -> Error {
    Error::field(
        "/shift_days",
        "rule_cant_follow",
        "must leave the days such that the rule of the series can name them; move them one by one, or book another series",
    )
}

/// Which appointments are meant: those that are still to come.
async fn meant(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: SeriesId,
    scope: SeriesScope,
    first: Option<AppointmentId>,
) -> Result<Vec<Appointment>> {
    let from = match first {
        None => ctx.now(),
        Some(first) => {
            let found = appointments::find_in_tx(tx, first).await?;
            found
                .filter(|found| found.series_id == Some(id))
                .ok_or_else(no_such_appointment)?
                .starts_at
        }
    };
    let mut open = appointments::lock_open_of_series(tx, id, from).await?;
    if scope == SeriesScope::One {
        open.retain(|appointment| Some(appointment.id) == first);
    }
    if open.is_empty() {
        return Err(nothing_meant());
    }
    Ok(open)
}

fn nothing_meant() -> Error {
    Error::new(Code::IllegalTransition)
        .detail("None of them is still to come as it was agreed on.")
        .with("allowed", serde_json::json!([]))
}

fn no_such_appointment() -> Error {
    Error::field(
        "/appointment_id",
        "no_such_appointment",
        "must name an appointment of the series",
    )
}

fn wish(
    present: &Appointment,
    wanted: &SeriesChange,
    series: &Series,
    times: &AgreedTimes,
) -> Result<Wish> {
    let shown: NaiveDateTime = present.local_start.parse().map_err(Error::internal)?;
    let local = times.get(&shown).copied().unwrap_or(shown);
    let time = wanted.local_time.map_or(local.time(), |time| time.0);
    let day = local.date() + TimeDelta::days(wanted.shift_days);
    let time = expand::at(zone_of(series), day.and_time(time));
    let equipment = if wanted.equipment_ids.is_empty() {
        present.equipment_ids.clone()
    } else {
        wanted.equipment_ids.clone()
    };
    Ok(Wish {
        time,
        placement: Placement {
            patient: present.patient_id,
            service: present.service_id,
            facility: present.facility_id,
            providers: appointments::led_by(wanted.provider_id.or(present.provider_id), present),
            staff: present.staff_ids.clone(),
            room: wanted.room_id.or(present.room_id),
            equipment,
            starts_at: time.at,
            timing: None,
        },
        own: None,
        // What was chosen, and neither agreed on nor asked for, may be chosen again.
        keeps: (
            wanted.room_id.or(series.room_id).is_some(),
            !wanted.equipment_ids.is_empty() || !series.equipment_ids.is_empty(),
        ),
        details: Details {
            priority: present.priority,
            chief_complaint: present.chief_complaint.clone(),
            notes: present.notes.clone(),
            join_url: present.join_url.clone(),
            overbook_reason: None,
            series: Some(series.id),
            rescheduled_from: Some(present.id),
            encounter: present.encounter_id,
        },
    })
}

/// The days of what is done with alone are exceptions from now on.
fn except(series: &mut Series, meant: &[Appointment]) {
    for appointment in meant {
        if let Ok(local) = appointment.local_start.parse::<NaiveDateTime>()
            && !series.exceptions.contains(&local.date())
        {
            series.exceptions.push(local.date());
        }
    }
}

fn agree(series: &mut Series, agreement: Agreement) {
    series.rule = agreement.rule;
    series.local_start = agreement.local_start;
    series.until = agreement.until;
    series.exceptions = agreement.exceptions;
}

/// With whom and where it is from now on.
fn take_over(series: &mut Series, wanted: &SeriesChange) {
    series.provider_id = wanted.provider_id.or(series.provider_id);
    series.room_id = wanted.room_id.or(series.room_id);
    if !wanted.equipment_ids.is_empty() {
        series.equipment_ids.clone_from(&wanted.equipment_ids);
    }
}

async fn commit(mut tx: CallerTx, id: SeriesId) -> Result<Answer<Series>> {
    let series = service::get(&mut tx, id).await?;
    let (patient, version) = (series.patient_id, series.version);
    tx.commit(
        Disclosure::of("appointment_series", Action::Update, patient, id, series).version(version),
    )
    .await
}

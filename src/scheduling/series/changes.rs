//! Cancelling and moving one of a series, it and those after it, or all that are still to come.

use chrono::{NaiveDateTime, TimeDelta};
use chrono_tz::Tz;
use clinical::encounters::zone;
use kernel::ids::{AppointmentId, SeriesId};
use kernel::{Code, Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;

use super::model::{Series, SeriesCancellation, SeriesChange, SeriesScope, SeriesStatus};
use super::occurrences::{self, Wish};
use super::{expand, service, store};
use crate::appointments::{self, Appointment, By, Details, Placement};

pub(super) async fn cancel(
    ctx: &Ctx,
    id: SeriesId,
    why: SeriesCancellation,
) -> Result<Answer<Series>> {
    let by = appointments::by_whom(ctx, why.by)?;
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let mut series = store::lock(&mut tx, id).await?;
    let meant = meant(ctx, &mut tx, id, why.scope, why.appointment_id).await?;
    for appointment in &meant {
        let (user, now) = (Some(ctx.user()), ctx.now());
        appointments::cancel_in_tx(&mut tx, appointment.id, by, &why.reason, user, now).await?;
    }
    match why.scope {
        SeriesScope::One => except(&mut series, &meant),
        SeriesScope::Following => {}
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
    let mut tx = ctx.begin(Permission::AppointmentManage).await?;
    let mut series = store::lock(&mut tx, id).await?;
    if series.status == SeriesStatus::Cancelled {
        return Err(Error::new(Code::AppointmentClosed));
    }
    clinical::patients::require_active(&mut tx, series.patient_id).await?;
    let meant = meant(ctx, &mut tx, id, wanted.scope, wanted.appointment_id).await?;
    let by = By::caller(ctx);
    // All are taken away first, so that those of a series don't stand in each other's way.
    for appointment in &meant {
        appointments::vacate_in_tx(&mut tx, appointment, &wanted.reason, by, ctx.now()).await?;
    }
    let zone = zone(&series.time_zone).unwrap_or(Tz::UTC);
    let wishes = meant
        .iter()
        .map(|appointment| wish(appointment, &wanted, zone))
        .collect::<Result<Vec<_>>>()?;
    let looked = occurrences::look(&mut tx, wishes, by, ctx.now()).await?;
    occurrences::book(&mut tx, looked, false, by, ctx.now()).await?;
    match wanted.scope {
        SeriesScope::One => except(&mut series, &meant),
        SeriesScope::Following => {}
        SeriesScope::All => agree(&mut series, &wanted),
    }
    store::update(&mut tx, &series, ctx.now()).await?;
    commit(tx, id).await
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
        return Err(Error::new(Code::IllegalTransition)
            .detail("None of them is still to come.")
            .with("allowed", serde_json::json!([])));
    }
    Ok(open)
}

fn no_such_appointment() -> Error {
    Error::field(
        "/appointment_id",
        "no_such_appointment",
        "must name an appointment of the series",
    )
}

fn wish(present: &Appointment, wanted: &SeriesChange, zone: Tz) -> Result<Wish> {
    let local: NaiveDateTime = present.local_start.parse().map_err(Error::internal)?;
    let time = wanted.local_time.map_or(local.time(), |time| time.0);
    let day = local.date() + TimeDelta::days(wanted.shift_days);
    let time = expand::at(zone, day.and_time(time));
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
            providers: wanted
                .provider_id
                .or(present.provider_id)
                .into_iter()
                .chain(present.other_provider_ids.iter().copied())
                .collect(),
            staff: present.staff_ids.clone(),
            room: wanted.room_id.or(present.room_id),
            equipment,
            starts_at: time.at,
            timing: None,
        },
        details: Details {
            priority: present.priority,
            chief_complaint: present.chief_complaint.clone(),
            notes: present.notes.clone(),
            join_url: present.join_url.clone(),
            overbook_reason: None,
            series: present.series_id,
            rescheduled_from: Some(present.id),
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

/// What is agreed on from now on.
fn agree(series: &mut Series, wanted: &SeriesChange) {
    let time = wanted
        .local_time
        .map_or(series.local_start.time(), |time| time.0);
    let day = series.local_start.date() + TimeDelta::days(wanted.shift_days);
    series.local_start = day.and_time(time);
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

//! Previewing, booking and reading a series.

use identity::facilities;
use kernel::ids::{SeriesId, mint};
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::TenantTx;
use platform::http::Answer;

use super::expand;
use super::model::{NewSeries, Series, SeriesPreview};
use super::occurrences::{self, Looked, Wish};
use super::store;
use crate::appointments::{self, Booker, Details, Placement};
use crate::wall::zone;

/// Books nothing: says what would be booked.
pub(super) async fn preview(ctx: &Ctx, new: NewSeries) -> Result<Answer<SeriesPreview>> {
    let mut tx = ctx.begin_by_keys(Permission::AppointmentManage).await?;
    let (time_zone, looked) = look(ctx, &mut tx, &new, None).await?;
    let occurrences: Vec<_> = looked.iter().map(Looked::told).collect();
    let preview = SeriesPreview {
        patient_id: new.patient_id,
        time_zone,
        conflicts: occurrences
            .iter()
            .filter(|one| one.conflict.is_some())
            .count(),
        occurrences,
    };
    let subject = Subject {
        patient: Some(new.patient_id),
        resource: None,
    };
    tx.finish_undone(Disclosure::shown(
        "appointment_series",
        Action::Read,
        [subject],
        preview,
    ))
    .await
}

pub(super) async fn book(ctx: &Ctx, new: NewSeries) -> Result<Answer<Series>> {
    let mut tx = ctx.begin_by_keys(Permission::AppointmentManage).await?;
    let id = SeriesId(mint());
    let (time_zone, looked) = look(ctx, &mut tx, &new, Some(id)).await?;
    store::insert(&mut tx, id, &new, &time_zone, ctx.user(), ctx.now()).await?;
    let by = Booker::caller(ctx);
    let occurrences = occurrences::book(&mut tx, looked, new.skip_conflicts, by, ctx.now()).await?;
    let series = Series {
        occurrences,
        ..get(&mut tx, id).await?
    };
    let version = series.version;
    tx.commit(
        Disclosure::of(
            "appointment_series",
            Action::Create,
            series.patient_id,
            id,
            series,
        )
        .created_at(format!("/api/v1/appointment-series/{id}"))
        .version(version),
    )
    .await
}

pub(super) async fn read(ctx: &Ctx, id: SeriesId) -> Result<Answer<Series>> {
    let mut tx = ctx.begin(Permission::AppointmentRead).await?;
    let series = get(&mut tx, id).await?.shown_to(ctx.principal().role);
    let (patient, version) = (series.patient_id, series.version);
    tx.finish(
        Disclosure::of("appointment_series", Action::Read, patient, id, series).version(version),
    )
    .await
}

pub(super) async fn get(tx: &mut TenantTx, id: SeriesId) -> Result<Series> {
    store::find(tx, id).await?.ok_or_else(Error::not_found)
}

/// Works out the occurrences and looks at each. Returns the zone of the place, too.
async fn look(
    ctx: &Ctx,
    tx: &mut TenantTx,
    new: &NewSeries,
    id: Option<SeriesId>,
) -> Result<(String, Vec<Looked>)> {
    let patient = appointments::patient_of(ctx, tx, Some(new.patient_id)).await?;
    let facility = facilities::require_active_facility(tx, new.facility_id, "/facility_id").await?;
    let time_zone = facility.data.time_zone;
    let times = expand::occurrences(new, zone(&time_zone))?;
    if times.first().is_some_and(|time| time.at < ctx.now()) {
        let rule = "must not lie in the past";
        return Err(Error::field("/local_start", "in_the_past", rule));
    }
    let wishes = times.into_iter().map(|time| Wish {
        time,
        placement: Placement {
            patient,
            service: new.service_id,
            facility: new.facility_id,
            providers: new.provider_id.into_iter().collect(),
            staff: Vec::new(),
            room: new.room_id,
            equipment: new.equipment_ids.clone(),
            starts_at: time.at,
            timing: None,
        },
        keeps: (true, true),
        own: None,
        details: Details {
            priority: new.priority,
            chief_complaint: new.chief_complaint.clone(),
            series: id,
            ..Details::default()
        },
    });
    let looked = occurrences::look(tx, wishes.collect(), Booker::caller(ctx), ctx.now()).await?;
    Ok((time_zone, looked))
}

//! Looking at days.

use std::collections::HashMap;

use chrono::{Datelike, Days, NaiveDate};
use chrono_tz::Tz;
use clinical::encounters::{day, wall_time};
use identity::staff;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, PatientId, ProviderId};
use kernel::{Code, Error, FieldError, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::TenantTx;
use platform::http::Answer;

use super::blocks;
use super::model::{EntryKind, OfDays, Schedule, ScheduleBlock, ScheduleDay, ScheduleEntry};
use super::store::{self, Block};
use crate::appointments::{self, Appointment};
use crate::wall::zone;

/// More blocks than that nobody looks at.
const MOST: i64 = 2_000;

pub(super) async fn look(ctx: &Ctx, mut query: OfDays) -> Result<Answer<Schedule>> {
    let days = u64::from(query.days.unwrap_or(1));
    if !(1..=7).contains(&days) {
        return Err(invalid("?days", "out_of_range", "must lie between 1 and 7"));
    }
    if query
        .date
        .is_some_and(|date| !(1850..2200).contains(&date.year()))
    {
        let rule = "must lie between the years 1850 and 2200";
        return Err(invalid("?date", "out_of_range", rule));
    }
    let mut tx = ctx.begin(Permission::ScheduleRead).await?;
    if (query.provider_id, query.asset_id, query.facility_id) == (None, None, None) {
        query.provider_id = Some(own_provider(ctx, &mut tx).await?);
    }
    let time_zone = zone_name(&mut tx, &query, days, ctx.now()).await?;
    let wall = zone(&time_zone);
    let first = query
        .date
        .unwrap_or_else(|| ctx.now().with_timezone(&wall).date_naive());
    let last = first.checked_add_days(Days::new(days - 1)).unwrap_or(first);
    let span = (day(first, wall).0, day(last, wall).1);
    let taken = taken(&mut tx, &query, span, ctx.now()).await?;
    if i64::try_from(taken.len()).is_ok_and(|count| count > MOST) {
        return Err(invalid(
            "?days",
            "too_many",
            "must hold at most 2000 blocks",
        ));
    }
    let ids: Vec<AppointmentId> = taken.iter().filter_map(|one| one.appointment_id).collect();
    let shown = appointments::of_ids_in_tx(&mut tx, &ids).await?;
    let patients: Vec<PatientId> = shown.iter().map(|one| one.patient_id).collect();
    let names = store::names(&mut tx, &patients).await?;
    let subjects = appointments::subjects(&shown);
    let names: HashMap<_, _> = names.into_iter().collect();
    let mut shown: HashMap<_, _> = shown.into_iter().map(|one| (one.id, one)).collect();
    let entries: Vec<ScheduleEntry> = taken
        .into_iter()
        .map(|block| entry(&block, &mut shown, &names, &time_zone))
        .collect();
    let around = blocks::of(&mut tx, &query, (first, last), span, wall).await?;
    let schedule = Schedule {
        days: by_day((&entries, &around), first, days, wall),
        time_zone,
    };
    tx.finish(Disclosure::list("schedule", subjects, schedule))
        .await
}

async fn taken(
    tx: &mut TenantTx,
    query: &OfDays,
    span: (Instant, Instant),
    now: Instant,
) -> Result<Vec<Block>> {
    let fetch = MOST + 1;
    match (query.provider_id, query.asset_id, query.facility_id) {
        (Some(provider), ..) => store::of_resource(tx, provider.0, span, now, fetch).await,
        (None, Some(asset), _) => store::of_resource(tx, asset.0, span, now, fetch).await,
        (None, None, Some(facility)) => store::of_facility(tx, facility, span, now, fetch).await,
        (None, None, None) => Ok(Vec::new()),
    }
}

/// Who names nobody means himself.
async fn own_provider(ctx: &Ctx, tx: &mut TenantTx) -> Result<ProviderId> {
    let own = staff::provider_of_user(tx, ctx.user()).await?;
    own.map(|provider| provider.id).ok_or_else(Error::not_found)
}

/// Whose wall clock counts.
async fn zone_name(tx: &mut TenantTx, query: &OfDays, days: u64, now: Instant) -> Result<String> {
    let found = match (query.provider_id, query.asset_id, query.facility_id) {
        (Some(_), Some(_), _) => {
            let rule = "must be left out with provider_id";
            return Err(invalid("?asset_id", "too_many", rule));
        }
        (None, None, None) => None,
        (Some(provider), None, Some(facility)) => {
            if store::is_provider(tx, provider).await? {
                store::zone_of_facility(tx, facility).await?
            } else {
                None
            }
        }
        (Some(provider), None, None) => {
            zone_where_he_works(tx, provider, query.date, days, now).await?
        }
        (None, Some(asset), _) => store::zone_of_asset(tx, asset).await?,
        (None, None, Some(facility)) => store::zone_of_facility(tx, facility).await?,
    };
    found.ok_or_else(Error::not_found)
}

/// The zone of the facilities where a provider works in these days, the organisation's if that is nowhere.
async fn zone_where_he_works(
    tx: &mut TenantTx,
    provider: ProviderId,
    date: Option<NaiveDate>,
    days: u64,
    now: Instant,
) -> Result<Option<String>> {
    let within = match date {
        Some(first) => (first, first + Days::new(days - 1)),
        // Today may be yesterday or tomorrow where he is.
        None => (
            now.date_naive() - Days::new(1),
            now.date_naive() + Days::new(days),
        ),
    };
    let mut zones = store::zones_of_provider(tx, provider, within).await?;
    if zones.len() > 1 {
        let rule = "must say whose wall clock counts: the provider works in several zones then";
        return Err(invalid("?facility_id", "required", rule));
    }
    Ok(zones.pop())
}

fn entry(
    block: &Block,
    shown: &mut HashMap<AppointmentId, Appointment>,
    names: &HashMap<PatientId, String>,
    time_zone: &str,
) -> ScheduleEntry {
    let appointment = block.appointment_id.and_then(|id| shown.remove(&id));
    let kind = match (&appointment, block.appointment_id, block.hold_id) {
        (Some(_), ..) => EntryKind::Appointment,
        (None, None, Some(_)) => EntryKind::Hold,
        _ => EntryKind::Busy,
    };
    ScheduleEntry {
        kind,
        occupied_from: block.starts_at,
        occupied_until: block.ends_at,
        local_from: wall_time(block.starts_at, time_zone),
        provider_ids: block.provider_ids.clone().unwrap_or_default(),
        asset_ids: block.asset_ids.clone().unwrap_or_default(),
        patient: appointment
            .as_ref()
            .and_then(|one| names.get(&one.patient_id).cloned()),
        appointment,
    }
}

/// Each day with what lasts into it.
fn by_day(
    (entries, blocks): (&[ScheduleEntry], &[ScheduleBlock]),
    first: NaiveDate,
    days: u64,
    wall: Tz,
) -> Vec<ScheduleDay> {
    (0..days)
        .filter_map(|number| first.checked_add_days(Days::new(number)))
        .map(|date| {
            let (from, until) = day(date, wall);
            let entries = entries.iter();
            let entries =
                entries.filter(|one| one.occupied_from < until && one.occupied_until > from);
            let blocks = blocks.iter();
            let blocks = blocks.filter(|one| one.from < until && one.until > from);
            ScheduleDay {
                date,
                entries: entries.cloned().collect(),
                blocks: blocks.cloned().collect(),
            }
        })
        .collect()
}

fn invalid(parameter: &str, code: &'static str, message: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(parameter, code, message)])
}

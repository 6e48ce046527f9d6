//! What a forecast is made from: daily counts, the hours people come at, how long they take, and what there is room for.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, Weekday};
use chrono_tz::Tz;
use forecast::Series;
use identity::facilities::Facility;
use kernel::clock::Instant;
use kernel::{Error, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{DemandSource, NewForecast};
use super::store_counts::{self as store, Closing};
use crate::availability::load_calendar;
use crate::horizon::Horizon;
use crate::services;

/// Days that are looked back at.
const LOOK_BACK: u64 = 4 * 366;
/// Where nothing says how long a visit takes.
const USUAL_MINUTES: f64 = 30.0;

/// The counts.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub source: DemandSource,
    pub series: Series,
    /// Visits by weekday and local hour.
    pub hours: Vec<(Weekday, u32, f64)>,
    pub minutes_per_visit: f64,
    /// Minutes of working time by day of the horizon, where any is known.
    pub working: BTreeMap<NaiveDate, f64>,
    /// The holidays the organisation has entered, past and coming.
    pub closings: Vec<Closing>,
    /// Whether the federal holidays of the United States are kept there.
    pub us_holidays: bool,
}

/// Counts up to yesterday, by the facility's calendar.
pub(super) async fn count(
    tx: &mut TenantTx,
    new: &NewForecast,
    facility: &Facility,
    now: Instant,
) -> Result<Demand> {
    let zone: Tz = facility.data.time_zone.parse().map_err(Error::internal)?;
    let today = now.with_timezone(&zone).date_naive();
    let from = today - Days::new(LOOK_BACK);
    let mut source = DemandSource::Appointments;
    let mut counts = Vec::new();
    if new.department_id.is_none() {
        counts = store::appointments(tx, new, from, today).await?;
    }
    // A clinic that has just begun to book here has its history in encounters.
    let booked_days = counts
        .first()
        .map_or(0, |first| (today - first.day).num_days());
    if booked_days < 42 && new.service_id.is_none() {
        let seen = store::encounters(tx, new, &facility.data.time_zone, from, today).await?;
        if new.department_id.is_some() || seen.len() > counts.len() {
            source = DemandSource::Encounters;
            counts = seen;
        }
    }
    let first = counts.iter().map(|it| it.day).min().unwrap_or(today);
    let mut days: BTreeMap<NaiveDate, f64> = BTreeMap::new();
    let mut hours: BTreeMap<(u8, u32), f64> = BTreeMap::new();
    for it in &counts {
        *days.entry(it.day).or_default() += it.visits;
        let weekday = chrono::Datelike::weekday(&it.day).num_days_from_monday();
        let weekday = u8::try_from(weekday).unwrap_or(0);
        let hour = u32::try_from(it.hour).unwrap_or(0);
        *hours.entry((weekday, hour)).or_default() += it.visits;
    }
    Ok(Demand {
        source,
        series: Series::of_counts(first, today, days),
        hours: hours
            .into_iter()
            .filter_map(|((day, hour), visits)| Some((Weekday::try_from(day).ok()?, hour, visits)))
            .collect(),
        minutes_per_visit: minutes_per_visit(tx, new, source, from).await?,
        working: working(tx, new, facility, zone, now).await?,
        closings: store::closings(
            tx,
            facility.id,
            first,
            today + Days::new(u64::from(new.horizon_days)),
        )
        .await?,
        us_holidays: in_the_us(facility),
    })
}

/// By its address; where that names no country, by its clock. Wrong either way does little harm: what a holiday does to a
/// clinic is learnt from the clinic's own counts.
fn in_the_us(facility: &Facility) -> bool {
    let address = facility.data.address.as_ref();
    match address.and_then(|address| address.country.as_deref()) {
        Some(country) => country == "US",
        None => is_us_zone(&facility.data.time_zone),
    }
}

fn is_us_zone(zone: &str) -> bool {
    let state = [
        "US/",
        "America/Indiana/",
        "America/Kentucky/",
        "America/North_Dakota/",
    ];
    let city = [
        "America/Adak",
        "America/Anchorage",
        "America/Boise",
        "America/Chicago",
        "America/Denver",
        "America/Detroit",
        "America/Juneau",
        "America/Los_Angeles",
        "America/Menominee",
        "America/Metlakatla",
        "America/New_York",
        "America/Nome",
        "America/Phoenix",
        "America/Sitka",
        "America/Yakutat",
        "Pacific/Honolulu",
    ];
    city.contains(&zone) || state.iter().any(|start| zone.starts_with(start))
}

/// The minutes that providers work there on each day of the horizon; nothing where no working time is kept. Whoever is assigned
/// to several departments of the facility gives each of them an equal part of his time.
async fn working(
    tx: &mut TenantTx,
    new: &NewForecast,
    facility: &Facility,
    zone: Tz,
    now: Instant,
) -> Result<BTreeMap<NaiveDate, f64>> {
    let today = now.with_timezone(&zone).date_naive();
    let skills = match new.service_id {
        Some(service) => services::get(tx, service).await?.map(|it| it.data.skills),
        None => None,
    };
    let skills = skills.unwrap_or_default();
    let who = store::workers(tx, facility.id, new.department_id, &skills, now).await?;
    if who.is_empty() {
        return Ok(BTreeMap::new());
    }
    let horizon = Horizon::new(zone, today, new.horizon_days);
    let ids: Vec<Uuid> = who.iter().map(|it| it.id).collect();
    let calendar = load_calendar(tx, (facility.id, zone), &ids, horizon.span(), None).await?;
    let mut minutes: Vec<f64> = vec![0.0; new.horizon_days as usize];
    for it in who {
        for interval in horizon.intervals(&calendar.works(it.id)) {
            minutes[interval.day] += f64::from(interval.to - interval.from) * it.share;
        }
    }
    Ok(today.iter_days().zip(minutes).collect())
}

/// What a visit takes of a person: as the service says, else as those of the history took. The visits of a session take it together.
async fn minutes_per_visit(
    tx: &mut TenantTx,
    new: &NewForecast,
    source: DemandSource,
    from: NaiveDate,
) -> Result<f64> {
    if let Some(service) = new.service_id
        && let Some(service) = services::get(tx, service).await?
    {
        let data = service.data;
        let minutes = f64::from(data.prep_minutes + data.duration_minutes + data.cleanup_minutes);
        if data.capacity == 1 {
            return Ok(minutes);
        }
        let together = store::visits_per_session(tx, new, from).await?;
        let together = together.unwrap_or(f64::from(data.capacity));
        return Ok(minutes / together.max(1.0));
    }
    let measured = match source {
        DemandSource::Appointments => store::appointment_minutes(tx, new, from).await?,
        DemandSource::Encounters => store::encounter_minutes(tx, new, from).await?,
    };
    Ok(measured.unwrap_or(USUAL_MINUTES).max(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_tells_the_country_where_no_address_does() {
        for zone in [
            "America/New_York",
            "America/Indiana/Knox",
            "Pacific/Honolulu",
        ] {
            assert!(is_us_zone(zone), "{zone}");
        }
        for zone in [
            "America/Toronto",
            "Europe/Berlin",
            "Pacific/Auckland",
            "UTC",
        ] {
            assert!(!is_us_zone(zone), "{zone}");
        }
    }
}

//! Reckoning capacity.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use platform::access::{Ctx, Disclosure, Permission};
use platform::http::{Answer, require_order};

use super::model::{
    AssetUsage, Capacity, ProviderUsage, ReadCapacity, ServiceCapacity, ThirdNext, Usage,
};
use super::store::{self, Counts};
use crate::assets::AssetKind;
use crate::availability::{Situation, is_emergency, parameter, third_next, zone_of};
use crate::ranges::{Ranges, Span};
use crate::services::{self, Service};

/// How far ahead a third free time is looked for.
const AHEAD: TimeDelta = TimeDelta::days(60);
const MINUTE: i64 = 60_000_000;

pub(super) async fn read(ctx: &Ctx, query: ReadCapacity) -> Result<Answer<Capacity>> {
    let now = ctx.now();
    let from = query.from.unwrap_or(now - TimeDelta::days(7));
    let to = query.to.unwrap_or(from + TimeDelta::days(14));
    require_order(Some(from), Some(to))?;
    if to - from > TimeDelta::days(92) {
        return Err(parameter(
            "?to",
            "out_of_range",
            "must lie at most 92 days after from",
        ));
    }
    let mut tx = ctx.begin(Permission::CapacityRead).await?;
    let zone = zone_of(&mut tx, query.facility_id).await?;
    let place = (query.facility_id, zone);
    let services = services::all_active(&mut tx).await?;
    let skills: Vec<String> = services
        .iter()
        .flat_map(|service| service.data.skills.iter().cloned())
        .collect();
    let window = Span::new(from, to);
    let past = Situation::whole(&mut tx, place, &skills, window).await?;
    let taken = past.busy(&mut tx, window, now, None).await?;
    let ahead = Span::new(now, now + AHEAD);
    let coming = Situation::whole(&mut tx, place, &skills, ahead).await?;
    let taken_ahead = coming.busy(&mut tx, ahead, now, None).await?;
    let counts = store::counts(&mut tx, query.facility_id, from, to).await?;

    let nothing = Ranges::default();
    let of = |id, works: Ranges| usage(&works, taken.get(&id).unwrap_or(&nothing), window);
    let providers: Vec<ProviderUsage> = past
        .people
        .iter()
        .map(|person| ProviderUsage {
            provider_id: person.id,
            usage: of(person.id.0, past.calendar.works(person.id.0)),
        })
        .collect();
    let assets = |kind: AssetKind| -> Vec<AssetUsage> {
        past.places
            .iter()
            .filter(|place| place.kind == kind)
            .map(|place| AssetUsage {
                asset_id: place.id,
                asset_kind: place.asset_kind.clone(),
                usage: of(place.id.0, past.calendar.is_open(place.id.0, false, false)),
            })
            .collect()
    };
    let minutes: i64 = counts.iter().map(|count| count.minutes).sum();
    let worked: i64 = providers
        .iter()
        .map(|one| one.usage.available_minutes)
        .sum();
    let capacity = Capacity {
        facility_id: query.facility_id,
        from,
        to,
        rooms: assets(AssetKind::Room),
        equipment: assets(AssetKind::Equipment),
        services: services
            .iter()
            .map(|service| {
                let third = third_of(service, &coming, &taken_ahead, ahead, now);
                let counted = counts.iter().find(|count| count.service_id == service.id);
                of_service(service, third, counted)
            })
            .collect(),
        fill_rate: part(minutes, worked),
        providers,
    };
    tx.finish(Disclosure::plain(capacity)).await
}

fn usage(available: &Ranges, taken: &Ranges, window: Span) -> Usage {
    let window = Ranges::one(window);
    let (available, taken) = (available.intersect(&window), taken.intersect(&window));
    let inside = taken.intersect(&available).measure() / MINUTE;
    let available_minutes = available.measure() / MINUTE;
    Usage {
        available_minutes,
        booked_minutes: inside,
        outside_minutes: taken.subtract(&available).measure() / MINUTE,
        utilization: part(inside, available_minutes),
    }
}

/// To four places.
fn part(of: i64, all: i64) -> Option<f64> {
    (all > 0).then(|| rounded(of as f64 / all as f64, 10_000.0))
}

fn rounded(value: f64, places: f64) -> f64 {
    (value * places).round() / places
}

fn third_of(
    service: &Service,
    coming: &Situation,
    taken: &std::collections::HashMap<uuid::Uuid, Ranges>,
    ahead: Span,
    now: Instant,
) -> Vec<ThirdNext> {
    if !service.data.needs_provider || service.data.capacity > 1 || is_emergency(service) {
        return Vec::new();
    }
    third_next(coming, taken, service, ahead)
        .into_iter()
        .map(|(provider_id, third_next_at)| ThirdNext {
            provider_id,
            third_next_at,
            days: third_next_at.map(|at| rounded((at - now).num_minutes() as f64 / 1440.0, 10.0)),
        })
        .collect()
}

fn of_service(
    service: &Service,
    third_next: Vec<ThirdNext>,
    counted: Option<&Counts>,
) -> ServiceCapacity {
    let count = |of: fn(&Counts) -> i64| counted.map_or(0, of);
    let days =
        |of: fn(&Counts) -> Option<f64>| counted.and_then(of).map(|days| rounded(days, 10.0));
    ServiceCapacity {
        service_id: service.id,
        third_next,
        appointments: count(|counts| counts.standing),
        kept: count(|counts| counts.kept),
        missed: count(|counts| counts.missed),
        cancelled: count(|counts| counts.cancelled),
        median_days_waited: days(|counts| counts.median_days),
        p90_days_waited: days(|counts| counts.p90_days),
    }
}

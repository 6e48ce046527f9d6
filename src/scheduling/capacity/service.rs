//! Reckoning capacity.

use std::collections::HashMap;

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::SystemTx;
use platform::http::{Answer, require_order};
use uuid::Uuid;

use super::model::{
    AssetUsage, Capacity, ProviderUsage, ReadCapacity, ServiceCapacity, ThirdNext, Usage,
};
use super::store::{self, Counts};
use crate::assets::AssetKind;
use crate::availability::{Situation, bookable, is_emergency, parameter, third_next, zone_of};
use crate::ranges::{MINUTE, Ranges, Span};
use crate::services::{self, Service};

/// How far ahead a third free time is looked for.
const AHEAD: TimeDelta = TimeDelta::days(60);

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
    let mut look = ctx.look(Permission::CapacityRead).await?;
    let zone = zone_of(&mut look, query.facility_id).await?;
    drop(look);
    let place = (query.facility_id, zone);
    let window = Span::new(from, to);
    // Where an appointment takes place its row says, and who may see some charts only sees some rows only. Nothing is told of one.
    let mut all = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    let past = Situation::then(&mut all, place, window).await?;
    let taken = past.taken_at(&mut all, place.0, window, now).await?;
    drop(all);
    let mut tx = ctx.begin(Permission::CapacityRead).await?;
    let services = services::all_active(&mut tx).await?;
    let skills: Vec<String> = services
        .iter()
        .flat_map(|service| service.data.skills.iter().cloned())
        .collect();
    let ahead = Span::new(now, now + AHEAD);
    let coming = Situation::whole(&mut tx, place, &skills, ahead).await?;
    let taken_ahead = coming.taken(&mut tx, ahead, now).await?;
    let counts = store::counts(&mut tx, query.facility_id, from, to).await?;

    let Usages {
        providers,
        rooms,
        equipment,
    } = usages(&past, &taken, window, now);
    let minutes: i64 = counts.iter().map(|count| count.minutes).sum();
    let worked: i64 = providers
        .iter()
        .map(|one| one.usage.available_minutes)
        .sum();
    let capacity = Capacity {
        facility_id: query.facility_id,
        from,
        to,
        rooms,
        equipment,
        services: services
            .iter()
            .map(|service| {
                let third = third_of(service, &coming, &taken_ahead, now);
                let counted = counts.iter().find(|count| count.service_id == service.id);
                of_service(service, third, counted)
            })
            .collect(),
        fill_rate: part(minutes, worked),
        providers,
    };
    tx.finish(Disclosure::plain(capacity)).await
}

struct Usages {
    providers: Vec<ProviderUsage>,
    rooms: Vec<AssetUsage>,
    equipment: Vec<AssetUsage>,
}

fn usages(past: &Situation, taken: &HashMap<Uuid, Ranges>, window: Span, now: Instant) -> Usages {
    let nothing = Ranges::default();
    let of = |id, works: &Ranges| usage(works, taken.get(&id).unwrap_or(&nothing), window);
    let calendar = &past.calendar;
    // Who has left does not work from now on, whatever was said of his hours.
    let until_now = Ranges::one(Span {
        from: window.from,
        until: window.until.min(now.timestamp_micros()),
    });
    let providers = past.people.iter().filter_map(|person| {
        let mut works = calendar.works(person.id.0);
        if !person.active {
            works = works.intersect(&until_now);
        }
        let usage = of(person.id.0, &works);
        let shown = person.active || usage.available_minutes + usage.outside_minutes > 0;
        shown.then_some(ProviderUsage {
            provider_id: person.id,
            usage,
        })
    });
    let assets = |kind: AssetKind| {
        let places = past.places.iter().filter(|place| place.kind == kind);
        let usage = places.map(|place| AssetUsage {
            asset_id: place.id,
            asset_kind: place.asset_kind.clone(),
            usage: of(place.id.0, &calendar.is_open(place.id.0, false, false)),
        });
        usage.collect()
    };
    Usages {
        providers: providers.collect(),
        rooms: assets(AssetKind::Room),
        equipment: assets(AssetKind::Equipment),
    }
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
    (all > 0).then(|| rounded(number(of) / number(all), 10_000.0))
}

#[expect(clippy::cast_precision_loss, reason = "minutes of some months")]
fn number(count: i64) -> f64 {
    count as f64
}

fn rounded(value: f64, places: f64) -> f64 {
    (value * places).round() / places
}

fn third_of(
    service: &Service,
    coming: &Situation,
    taken: &HashMap<Uuid, Ranges>,
    now: Instant,
) -> Vec<ThirdNext> {
    if service.data.capacity > 1 || is_emergency(service) {
        return Vec::new();
    }
    let window = bookable(service, (now, now + AHEAD), now);
    third_next(coming, taken, service, window)
        .into_iter()
        .map(|(provider_id, third_next_at)| ThirdNext {
            provider_id,
            third_next_at,
            days: third_next_at.map(|at| rounded(number((at - now).num_minutes()) / 1440.0, 10.0)),
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

//! Appointments that stand in each other's way: whoever is to go where another is, who is to move too.
//!
//! Two that change places are the smallest circle. A circle is those of whom each waits for each other, by whatever detour;
//! who waits for somebody of a circle and for whom nobody in it waits has his turn after it, and does not spoil it.

use std::collections::{BTreeSet, HashMap};

use chrono::{Datelike, Days, TimeDelta};
use chrono_tz::Tz;
use kernel::ids::AppointmentId;
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::applying::timing;
use super::model_plan::{KeptRequest, PlannedPlace};
use crate::appointments::{self, Timing};
use crate::services;
use crate::wall;

/// No rest is longer (work_limits).
const LONGEST_REST: TimeDelta = TimeDelta::days(2);

/// The limit of work that refused a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Limit {
    Day,
    Week,
    Rest,
}

impl Limit {
    fn of(refusal: &Error) -> Option<Self> {
        refusal.fields().iter().find_map(|it| match &*it.code {
            "daily_limit" => Some(Self::Day),
            "weekly_limit" => Some(Self::Week),
            "rest" => Some(Self::Rest),
            _ => None,
        })
    }

    /// When the bookings take place that reach it.
    fn span(self, zone: Tz, place: &PlannedPlace) -> Span {
        let day = wall::day_of(zone, place.starts_at);
        let days = |first, count| {
            let until = first + Days::new(count);
            (wall::midnight(zone, first), wall::midnight(zone, until))
        };
        match self {
            Self::Day => days(day, 1),
            Self::Week => {
                let since_monday = day.weekday().num_days_from_monday();
                days(day - Days::new(since_monday.into()), 7)
            }
            Self::Rest => (place.starts_at - LONGEST_REST, place.ends_at + LONGEST_REST),
        }
    }
}

/// Which limits refused which requests.
pub(super) type Limits = BTreeSet<(String, Limit)>;

pub(super) fn limits(refused: &HashMap<String, Error>) -> Limits {
    let met = |(key, error): (&String, _)| Some((key.clone(), Limit::of(error)?));
    refused.iter().filter_map(met).collect()
}

type Span = (kernel::clock::Instant, kernel::clock::Instant);

/// Places in `open`, those of one circle together; each circle has two members at least. `limited`: of those whom a limit
/// refused, what else of their providers is to leave its time is in their way.
pub(super) async fn find(
    tx: &mut TenantTx,
    open: &[(KeptRequest, PlannedPlace)],
    zone: Tz,
    limited: &Limits,
) -> Result<Vec<Vec<usize>>> {
    let mut ways = vec![Vec::new(); open.len()];
    for (at, (request, place)) in open.iter().enumerate() {
        if request.moves.is_none() {
            continue;
        }
        let mut found = in_the_way(tx, request, place).await?;
        for (_, limit) in limited.iter().filter(|it| it.0 == request.key) {
            let people: Vec<_> = place.provider_ids.iter().map(|id| id.0).collect();
            let span = limit.span(zone, place);
            found.extend(appointments::holding_in_tx(tx, &people, span).await?);
        }
        for id in found {
            let other = open.iter().position(|it| it.0.moves == Some(id));
            ways[at].extend(other.filter(|other| *other != at));
        }
    }
    Ok(circles(&ways))
}

async fn in_the_way(
    tx: &mut TenantTx,
    request: &KeptRequest,
    place: &PlannedPlace,
) -> Result<Vec<AppointmentId>> {
    let Some(service) = services::get(tx, request.service_id).await? else {
        return Ok(Vec::new());
    };
    let own = timing(tx, request).await?;
    let held = own.unwrap_or(Timing::of_service(&service));
    let minutes = |count: i32| TimeDelta::minutes(i64::from(count));
    let span = (
        place.starts_at - minutes(held.prep),
        place.ends_at + minutes(held.cleanup),
    );
    let people = place.provider_ids.iter().map(|id| id.0);
    let things = place.room_id.iter().chain(&place.equipment_ids);
    let mut resources: Vec<_> = people.chain(things.map(|id| id.0)).collect();
    resources.push(request.patient_id.0);
    appointments::holding_in_tx(tx, &resources, span).await
}

/// The groups of two and more that reach each other. `ways[n]`: whom the nth waits for.
fn circles(ways: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let reached: Vec<Vec<bool>> = (0..ways.len()).map(|from| reached(ways, from)).collect();
    let mut found: Vec<Vec<usize>> = Vec::new();
    for (one, from_one) in reached.iter().enumerate() {
        let each_other = |other: &usize| from_one[*other] && reached[*other][one];
        let circle: Vec<usize> = (0..ways.len()).filter(each_other).collect();
        // Told once, by its first member.
        if circle.len() > 1 && circle.first() == Some(&one) {
            found.push(circle);
        }
    }
    found
}

fn reached(ways: &[Vec<usize>], from: usize) -> Vec<bool> {
    let mut seen = vec![false; ways.len()];
    let mut next = vec![from];
    while let Some(at) = next.pop() {
        if !std::mem::replace(&mut seen[at], true) {
            next.extend(&ways[at]);
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::circles;

    #[test]
    fn a_circle_is_those_who_wait_for_each_other() {
        let mut ways = vec![Vec::new(); 8];
        // Two who change places; one who only waits for them; three in a ring; one for whom only others wait.
        ways[0] = vec![3];
        ways[3] = vec![0];
        ways[5] = vec![3];
        ways[1] = vec![4, 7];
        ways[4] = vec![6];
        ways[6] = vec![1];
        assert_eq!(circles(&ways), [vec![0, 3], vec![1, 4, 6]]);
        assert!(circles(&[Vec::new(), Vec::new()]).is_empty());
        assert!(circles(&[]).is_empty());
    }
}

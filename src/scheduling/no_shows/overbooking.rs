//! How many more a provider's half day can take.

use std::collections::BTreeMap;

use forecast::no_show::overbooking;
use kernel::ids::{FacilityId, ProviderId};

use super::model::OverbookingSuggestion;

/// The chance with which all who come can be seen.
const SURE: f64 = 0.8;

/// An appointment of the day.
pub(super) struct Booked {
    pub facility_id: FacilityId,
    pub provider_id: ProviderId,
    pub hour: i32,
    /// Of one without a score: none, so it is counted on.
    pub probability: Option<f64>,
    /// How many deliberate overbookings its service allows of a day, and whether it is one.
    pub allowed: i32,
    pub overbooked: bool,
}

/// Half days in which somebody is booked. A day's suggestions together, with what is overbooked already, stay within what the
/// most generous of its services allows.
pub(super) fn suggest(day: &[Booked]) -> Vec<OverbookingSuggestion> {
    let mut halves: BTreeMap<_, Vec<&Booked>> = BTreeMap::new();
    for it in day {
        let half = (it.facility_id, it.provider_id, it.hour >= 12);
        halves.entry(half).or_default().push(it);
    }
    let mut left: BTreeMap<ProviderId, usize> = BTreeMap::new();
    for it in day {
        let of_provider = day
            .iter()
            .filter(|other| other.provider_id == it.provider_id);
        let taken = of_provider.clone().filter(|other| other.overbooked).count();
        let allowed = of_provider.map(|other| other.allowed).max().unwrap_or(0);
        let allowed = usize::try_from(allowed).unwrap_or(0);
        left.insert(it.provider_id, allowed.saturating_sub(taken));
    }
    halves
        .into_iter()
        .map(|((facility_id, provider_id, afternoon), booked)| {
            let chances: Vec<f64> = booked.iter().filter_map(|it| it.probability).collect();
            // Those who were overbooked here count on the same absences.
            let over = booked.iter().filter(|it| it.overbooked).count();
            let room = left.entry(provider_id).or_default();
            let suggested = overbooking(&chances, SURE).saturating_sub(over).min(*room);
            *room -= suggested;
            OverbookingSuggestion {
                facility_id,
                provider_id,
                morning: !afternoon,
                booked: booked.len(),
                expected_missed: (!chances.is_empty())
                    .then(|| (chances.iter().sum::<f64>() * 1000.0).round() / 1000.0),
                suggested,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booked(hour: i32, probability: f64, allowed: i32, overbooked: bool) -> Booked {
        Booked {
            facility_id: FacilityId(uuid::Uuid::from_u128(1)),
            provider_id: ProviderId(uuid::Uuid::from_u128(2)),
            hour,
            probability: Some(probability),
            allowed,
            overbooked,
        }
    }

    #[test]
    fn a_day_is_not_overbooked_beyond_what_its_services_allow() {
        let day: Vec<Booked> = (0..20)
            .map(|place| booked(8 + place % 8, 0.5, 2, false))
            .collect();
        let suggested = suggest(&day);
        assert_eq!(suggested.len(), 2);
        assert_eq!(suggested.iter().map(|it| it.suggested).sum::<usize>(), 2);
        let none: Vec<Booked> = (0..20).map(|_| booked(9, 0.5, 0, false)).collect();
        assert_eq!(suggest(&none)[0].suggested, 0);
    }

    #[test]
    fn of_nobody_scored_it_is_not_said_how_many_will_be_missed() {
        let day = [Booked {
            probability: None,
            ..booked(9, 0.0, 1, false)
        }];
        assert_eq!(suggest(&day)[0].expected_missed, None);
    }

    #[test]
    fn what_is_overbooked_already_is_counted() {
        let mut day: Vec<Booked> = (0..10).map(|_| booked(9, 0.3, 5, false)).collect();
        let before = suggest(&day)[0].suggested;
        day.push(booked(9, 0.0, 5, true));
        assert_eq!(suggest(&day)[0].suggested + 1, before);
    }
}

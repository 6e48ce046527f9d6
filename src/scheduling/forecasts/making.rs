//! From counts to a forecast: arithmetic, off the threads that answer requests.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, Weekday};
use forecast::{Calendar, HourlyProfile, Level, Options, Refused, us_holidays};
use kernel::clock::Instant;
use kernel::ids::ForecastId;
use kernel::{Code, Error, Result};
use platform::compute::Compute;

use super::counting::Demand;
use super::model::{
    Forecast, ForecastBacktest, ForecastBasis, ForecastOrigin, ForecastPoint, HoursOfWeekday,
    MethodScore, NewForecast, StaffingSuggestion, SurgeAlert, SurgeLevel, note,
};

/// A forecast that is not stored yet.
pub(super) struct Made {
    new: NewForecast,
    demand: Demand,
    found: forecast::Forecast,
}

/// # Errors
/// `too_little_history`.
pub(super) async fn make(new: NewForecast, demand: Demand) -> Result<Made> {
    let work = move || {
        let options = Options {
            horizon: new.horizon_days as usize,
            ..Options::default()
        };
        let calendar = calendar(&demand);
        let found = forecast::forecast(&demand.series, &calendar, &options).map_err(refused)?;
        Ok(Made { new, demand, found })
    };
    Compute::long().run(work).await?
}

/// What the organisation says of a day overrules the rules of the country.
fn calendar(demand: &Demand) -> Calendar {
    let first = demand.series.start.year();
    let mut calendar = if demand.us_holidays {
        us_holidays(first, first + 5)
    } else {
        Calendar::default()
    };
    for closing in &demand.closings {
        if closing.whole_day {
            calendar.close(closing.day);
        } else {
            calendar.overrule(closing.day, "closed_in_part");
        }
    }
    calendar
}

fn refused(why: Refused) -> Error {
    match why {
        Refused::TooShort { days } => {
            Error::new(Code::TooLittleHistory).with("days", serde_json::json!(days))
        }
        Refused::Horizon | Refused::NotCounts => {
            Error::internal(format!("a forecast was asked for wrongly: {why:?}"))
        }
    }
}

impl Made {
    pub(super) fn into_forecast(self, origin: ForecastOrigin, now: Instant) -> Forecast {
        let Self { new, demand, found } = self;
        let scores: Vec<MethodScore> = found.backtest.scores.iter().map(score).collect();
        let method = found.method.into();
        let points = found.points.iter();
        Forecast {
            id: ForecastId::new(),
            origin,
            source: demand.source,
            method,
            beats_naive: found.backtest.beats_naive,
            note: note(method, &scores),
            basis: ForecastBasis {
                minutes_per_visit: rounded(demand.minutes_per_visit),
                history_from: found.history_from,
                history_until: found.history_until,
                visits: demand.series.last(found.history_days).values.iter().sum(),
            },
            backtest: ForecastBacktest {
                origins: found.backtest.origins,
                horizon_days: found.backtest.horizon,
                scores,
            },
            points: points
                .map(|point| told(point, &new, &demand.working, demand.minutes_per_visit))
                .collect(),
            hours: hours(&demand),
            data: new,
            version: 1,
            created_at: now,
        }
    }
}

fn score(score: &forecast::Score) -> MethodScore {
    MethodScore {
        method: score.method.into(),
        mae: rounded(score.mae),
        mase: rounded(score.mase),
        coverage_80: rounded(score.coverage_80),
        coverage_95: rounded(score.coverage_95),
    }
}

/// Fewer visits than this are not expected on a day, they only may happen.
const HARDLY_ANYBODY: f64 = 1.0;

fn told(
    point: &forecast::Point,
    new: &NewForecast,
    working: &BTreeMap<NaiveDate, f64>,
    minutes_per_visit: f64,
) -> ForecastPoint {
    let room = |minutes: &f64| minutes * new.utilisation / minutes_per_visit;
    let capacity = new
        .capacity_per_day
        .or_else(|| working.get(&point.date).map(room));
    // Whoever comes on a closed day is an emergency: no working time was planned for him, and none is short.
    let planned = capacity.filter(|_| !point.closed || new.capacity_per_day.is_some());
    // Nor is any short where nobody is planned to work and hardly anybody is expected; but many who find nobody are a surge.
    let idle = |capacity: &f64| {
        new.capacity_per_day.is_none() && *capacity <= 0.0 && point.expected < HARDLY_ANYBODY
    };
    let alert = planned
        .filter(|capacity| !idle(capacity))
        .and_then(|capacity| forecast::alert(point, capacity));
    let need = forecast::staff_needed(
        point,
        minutes_per_visit,
        f64::from(new.minutes_per_person),
        new.utilisation,
    );
    ForecastPoint {
        date: point.date,
        expected: rounded(point.expected),
        low_80: rounded(point.low_80),
        high_80: rounded(point.high_80),
        low_95: rounded(point.low_95),
        high_95: rounded(point.high_95),
        naive: rounded(point.naive),
        holiday: point.holiday.clone(),
        capacity: capacity.map(rounded),
        alert: alert.map(|alert| SurgeAlert {
            level: match alert.level {
                Level::Possible => SurgeLevel::Possible,
                Level::Likely => SurgeLevel::Likely,
                Level::Certain => SurgeLevel::Certain,
            },
            excess: rounded(alert.excess),
        }),
        staffing: StaffingSuggestion {
            minutes: rounded(need.minutes),
            people: need.people,
            minutes_80: rounded(need.minutes_80),
            people_80: need.people_80,
        },
    }
}

fn hours(demand: &Demand) -> Vec<HoursOfWeekday> {
    let Some(profile) = HourlyProfile::of(demand.hours.iter().copied()) else {
        return Vec::new();
    };
    // Any week shows the seven weekdays.
    let week = NaiveDate::from_isoywd_opt(2024, 1, Weekday::Mon);
    let week = week
        .into_iter()
        .flat_map(|monday| monday.iter_days().take(7));
    week.map(|day| HoursOfWeekday {
        weekday: day.weekday().number_from_monday(),
        shares: profile.spread(day, 1.0).map(rounded).to_vec(),
    })
    .collect()
}

/// To a thousandth: more digits would promise what no forecast holds.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use forecast::Series;
    use kernel::ids::FacilityId;

    use super::*;
    use crate::forecasts::model::DemandSource;
    use crate::forecasts::store_counts::Closing;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    fn demand(us_holidays: bool, closings: &[(&str, bool)]) -> Demand {
        Demand {
            source: DemandSource::Appointments,
            series: Series::new(day("2026-01-05"), vec![6.0; 200]),
            hours: Vec::new(),
            minutes_per_visit: 30.0,
            working: BTreeMap::new(),
            closings: closings
                .iter()
                .map(|(text, whole_day)| Closing {
                    day: day(text),
                    whole_day: *whole_day,
                })
                .collect(),
            us_holidays,
        }
    }

    #[test]
    fn the_organisations_holidays_overrule_those_of_the_country_and_another_country_has_none_of_these()
     {
        let closings = [
            ("2026-11-26", true),
            ("2026-08-14", true),
            ("2026-12-24", false),
        ];
        let at_home = calendar(&demand(true, &closings));
        assert!(at_home.is_closed(day("2026-11-26")) && at_home.is_closed(day("2026-08-14")));
        assert_eq!(at_home.label(day("2026-12-24")), Some("closed_in_part"));
        assert_eq!(at_home.label(day("2026-12-25")), Some("christmas"));
        assert!(!at_home.is_closed(day("2026-12-25")));
        let abroad = calendar(&demand(false, &closings));
        assert!(abroad.is_closed(day("2026-11-26")));
        assert_eq!(abroad.label(day("2026-12-25")), None);
    }

    #[test]
    fn a_closed_day_warns_of_nothing_unless_somebody_says_what_it_has_room_for() {
        let mut point = forecast::Point {
            date: day("2026-08-14"),
            expected: 1.5,
            low_80: 0.5,
            high_80: 2.5,
            low_95: 0.0,
            high_95: 3.5,
            naive: 6.0,
            holiday: Some("closed".to_owned()),
            closed: true,
        };
        let working = BTreeMap::from([(day("2026-08-14"), 0.0)]);
        let mut new = NewForecast::of_place(FacilityId(uuid::Uuid::from_u128(1)), None);
        let shown = told(&point, &new, &working, 30.0);
        assert_eq!((shown.capacity, shown.alert), (Some(0.0), None));
        new.capacity_per_day = Some(1.0);
        assert!(told(&point, &new, &working, 30.0).alert.is_some());
        new.capacity_per_day = None;
        point.closed = false;
        assert!(told(&point, &new, &working, 30.0).alert.is_some());
    }

    #[test]
    fn a_day_nobody_works_warns_only_of_who_is_really_expected() {
        let mut point = forecast::Point {
            date: day("2026-08-15"),
            expected: 0.3,
            low_80: 0.1,
            high_80: 1.4,
            low_95: 0.0,
            high_95: 2.0,
            naive: 0.0,
            holiday: None,
            closed: false,
        };
        let mut working = BTreeMap::from([(day("2026-08-15"), 0.0)]);
        let mut new = NewForecast::of_place(FacilityId(uuid::Uuid::from_u128(1)), None);
        let alert = |point: &_, new: &_, working: &_| told(point, new, working, 30.0).alert;
        assert!(alert(&point, &new, &working).is_none());
        new.capacity_per_day = Some(0.0);
        assert!(alert(&point, &new, &working).is_some(), "it was asked for");
        new.capacity_per_day = None;
        // Wide as the interval is, twenty are expected.
        (point.expected, point.low_80, point.high_80) = (20.0, 0.5, 39.5);
        assert!(alert(&point, &new, &working).is_some());
        working.clear();
        assert!(alert(&point, &new, &working).is_none(), "nobody knows");
    }
}

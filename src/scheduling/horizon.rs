//! Between instants and the planner's minutes of a day.
//!
//! A day of the horizon begins at its local midnight (or, where the clocks leave that out, at the first instant there is) and
//! lasts until the next one's: 1,380, 1,440 or 1,500 minutes. Minutes are those that pass, not those of the wall.

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use planner::{Day, Interval};

use crate::ranges::{MINUTE, Ranges, Span, instant};
use crate::wall::midnight;

/// The days of a plan.
#[derive(Clone, Debug)]
pub(crate) struct Horizon {
    pub zone: Tz,
    pub first: NaiveDate,
    /// Where each day begins, and where the last ends.
    edges: Vec<DateTime<Utc>>,
}

impl Horizon {
    pub fn new(zone: Tz, first: NaiveDate, days: u32) -> Self {
        let edges = (0..=u64::from(days)).map(|day| midnight(zone, first + Days::new(day)));
        Self {
            zone,
            first,
            edges: edges.collect(),
        }
    }

    pub fn begin(&self) -> DateTime<Utc> {
        self.edges.first().copied().unwrap_or_default()
    }

    pub fn end(&self) -> DateTime<Utc> {
        self.edges.last().copied().unwrap_or_default()
    }

    /// The whole of it.
    pub fn span(&self) -> Span {
        Span::new(self.begin(), self.end())
    }

    pub fn days(&self) -> Vec<Day> {
        let dates = self.first.iter_days();
        let lengths = self.edges.windows(2).map(|pair| pair[1] - pair[0]);
        dates
            .zip(lengths)
            .map(|(date, length)| Day {
                date: date.to_string(),
                minutes: minutes(length.num_minutes()),
            })
            .collect()
    }

    /// The parts of a set of instants on each day, in whole minutes within it.
    pub fn intervals(&self, ranges: &Ranges) -> Vec<Interval> {
        let mut intervals = Vec::new();
        for (day, edges) in self.edges.windows(2).enumerate() {
            let (begin, whole) = (edges[0].timestamp_micros(), Span::new(edges[0], edges[1]));
            for span in ranges.intersect(&Ranges::one(whole)).spans() {
                let (from, until) = (span.from - begin, span.until - begin);
                // Inwards: what is open for half a minute is not open for it.
                let from = from / MINUTE + i64::from(from % MINUTE != 0);
                let to = until / MINUTE;
                if from < to {
                    intervals.push(Interval {
                        day,
                        from: minutes(from),
                        to: minutes(to),
                    });
                }
            }
        }
        intervals
    }

    /// The instant of a minute of a day.
    pub fn instant(&self, day: usize, minute: u32) -> Option<DateTime<Utc>> {
        let begin = self.edges.get(day)?;
        Some(*begin + TimeDelta::minutes(i64::from(minute)))
    }

    /// The day and minute of an instant.
    pub fn place(&self, at: DateTime<Utc>) -> Option<(usize, u32)> {
        let day = self
            .edges
            .windows(2)
            .position(|it| (it[0]..it[1]).contains(&at))?;
        let since = at - self.edges[day];
        Some((day, minutes(since.num_minutes())))
    }
}

fn minutes(count: i64) -> u32 {
    u32::try_from(count).unwrap_or(0)
}

/// A set of the spans between instants.
pub(crate) fn ranges(spans: impl IntoIterator<Item = (DateTime<Utc>, DateTime<Utc>)>) -> Ranges {
    Ranges::of(
        spans
            .into_iter()
            .map(|(from, until)| Span::new(from, until)),
    )
}

/// A set widened to whole grid steps, since what is partly taken can't be used.
pub(crate) fn widened(ranges: &Ranges, horizon: &Horizon, tick: u32) -> Ranges {
    let tick = i64::from(tick) * MINUTE;
    let begin = horizon.begin().timestamp_micros();
    Ranges::of(ranges.spans().iter().map(|span| Span {
        from: begin + (span.from - begin).div_euclid(tick) * tick,
        until: begin + (span.until - begin + tick - 1).div_euclid(tick) * tick,
    }))
}

/// From an instant on.
pub(crate) fn since(at: DateTime<Utc>, horizon: &Horizon) -> Ranges {
    Ranges::one(Span::new(
        at.max(horizon.begin()),
        instant(horizon.span().until),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono_tz::America::New_York;
    use chrono_tz::Pacific::Kiritimati;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("an instant")
    }

    #[test]
    fn a_day_on_which_the_clocks_change_is_shorter_or_longer() {
        let spring = Horizon::new(New_York, "2026-03-07".parse().expect("a day"), 3);
        let lengths: Vec<u32> = spring.days().iter().map(|day| day.minutes).collect();
        assert_eq!(lengths, [1440, 1380, 1440]);
        // Nine o'clock on the short day is eight hours after midnight.
        assert_eq!(spring.place(at("2026-03-08T13:00:00Z")), Some((1, 480)));
        assert_eq!(spring.instant(1, 480), Some(at("2026-03-08T13:00:00Z")));
        let autumn = Horizon::new(New_York, "2026-11-01".parse().expect("a day"), 1);
        assert_eq!(autumn.days()[0].minutes, 1500);
    }

    #[test]
    fn intervals_are_cut_at_midnight_and_lie_inside() {
        let horizon = Horizon::new(Kiritimati, "2026-03-02".parse().expect("a day"), 2);
        assert_eq!(horizon.begin(), at("2026-03-01T10:00:00Z"));
        let night = ranges([(at("2026-03-02T08:00:30Z"), at("2026-03-02T12:00:30Z"))]);
        let found = horizon.intervals(&night);
        let told: Vec<_> = found.iter().map(|it| (it.day, it.from, it.to)).collect();
        assert_eq!(told, [(0, 1321, 1440), (1, 0, 120)]);
    }

    #[test]
    fn what_is_partly_taken_is_taken() {
        let horizon = Horizon::new(New_York, "2026-06-01".parse().expect("a day"), 1);
        let taken = ranges([(at("2026-06-01T13:02:00Z"), at("2026-06-01T13:11:00Z"))]);
        let whole = widened(&taken, &horizon, 5);
        assert_eq!(
            whole,
            ranges([(at("2026-06-01T13:00:00Z"), at("2026-06-01T13:15:00Z"))])
        );
    }
}

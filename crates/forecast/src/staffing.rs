//! Demand against what there is: a warning, and how many people a day wants.

use serde::{Deserialize, Serialize};

use crate::demand::Point;
use crate::numbers::ceiling;

/// How sure it is that a day brings more than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The upper end of the 80 % interval lies above the capacity by half a visit or more: less is nobody.
    Possible,
    /// The expected count does.
    Likely,
    /// Even the lower end of the 80 % interval does.
    Certain,
}

/// A day on which more is expected than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub level: Level,
    /// Visits the day has room for.
    pub capacity: f64,
    /// Expected visits above that; negative where only the upper end is.
    pub excess: f64,
}

/// Compares a day with the visits it has room for.
pub fn alert(point: &Point, capacity: f64) -> Option<Alert> {
    let level = if point.low_80 > capacity {
        Level::Certain
    } else if point.expected > capacity {
        Level::Likely
    } else if point.high_80 >= capacity + 0.5 {
        Level::Possible
    } else {
        return None;
    };
    Some(Alert {
        level,
        capacity,
        excess: point.expected - capacity,
    })
}

/// What a day wants of people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Need {
    /// Minutes of care for the expected visits, and for as many as come on four days of five.
    pub minutes: f64,
    pub minutes_80: f64,
    /// Whole people for each of them.
    pub people: usize,
    pub people_80: usize,
}

/// People for a day's visits, when a visit takes so many minutes with preparation and clean-up, and one person gives so
/// many minutes a day, of which the share `utilisation` can be filled.
pub fn staff_needed(
    point: &Point,
    minutes_each: f64,
    minutes_a_person: f64,
    utilisation: f64,
) -> Need {
    let gives = (minutes_a_person * utilisation).max(1.0);
    let people = |minutes: f64| ceiling(minutes / gives - 1e-9);
    // Of five days one lies outside of the 80 % interval, half of those above it: the 80 % point lies lower than its end.
    // A normal error's 80 % quantile is 0.8416 σ, the end of its central 80 % interval 1.2816 σ.
    let upper = point.expected + (point.high_80 - point.expected) * (0.8416 / 1.2816);
    let (minutes, minutes_80) = (point.expected * minutes_each, upper * minutes_each);
    Need {
        minutes,
        minutes_80,
        people: people(minutes),
        people_80: people(minutes_80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(low: f64, expected: f64, high: f64) -> Point {
        Point {
            date: "2026-03-02".parse().expect("a day"),
            expected,
            low_80: low,
            high_80: high,
            low_95: low,
            high_95: high,
            naive: expected,
            holiday: None,
            closed: false,
        }
    }

    #[test]
    fn the_alert_says_how_sure_it_is() {
        let day = point(30.0, 40.0, 50.0);
        let level = |capacity| alert(&day, capacity).map(|it| it.level);
        assert_eq!(level(60.0), None);
        assert_eq!(level(45.0), Some(Level::Possible));
        assert_eq!(level(35.0), Some(Level::Likely));
        assert_eq!(level(25.0), Some(Level::Certain));
    }

    #[test]
    fn people_are_whole_and_enough() {
        // 40 visits of 30 minutes are 1,200 minutes; a person gives 480, of which 85 % can be filled.
        let need = staff_needed(&point(30.0, 40.0, 50.0), 30.0, 480.0, 0.85);
        assert!((need.minutes - 1200.0).abs() < 1e-9);
        assert_eq!((need.people, need.people_80), (3, 4));
        assert_eq!(
            staff_needed(&point(0.0, 0.0, 0.0), 30.0, 480.0, 0.85).people,
            0
        );
    }
}

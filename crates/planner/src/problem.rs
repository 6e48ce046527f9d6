//! The problem as it is written down: `docs/PLANNER.md` describes the same format for people.
//!
//! Days are grids of local time: every time is in minutes since the local start of its day, so a day on which the
//! clocks change is simply one of 1,380 or 1,500 minutes. Nothing here reaches over midnight.

use serde::{Deserialize, Serialize};

/// What is asked: who works when, which rooms there are, what is to be placed, and what is worth how much.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Problem {
    /// The grid. Durations are rounded up to it, availability inwards.
    pub tick_minutes: u32,
    pub days: Vec<Day>,
    pub providers: Vec<Provider>,
    #[serde(default)]
    pub rooms: Vec<Asset>,
    #[serde(default)]
    pub equipment: Vec<Asset>,
    /// Needed between facilities in which one provider works on the same day; either direction serves for both.
    #[serde(default)]
    pub travel: Vec<Travel>,
    pub requests: Vec<Request>,
    #[serde(default)]
    pub weights: Weights,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Day {
    /// For the reader only; the planner counts days by their place in the list.
    pub date: String,
    #[serde(default = "whole_day")]
    pub minutes: u32,
}

fn whole_day() -> u32 {
    1440
}

/// Minutes `from..to` of a day of the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Interval {
    pub day: usize,
    pub from: u32,
    pub to: u32,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    pub id: String,
    #[serde(default)]
    pub skills: Vec<String>,
    pub working: Vec<Working>,
    /// When they can be called as well: by requests with that `call` only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<OnCall>,
    /// What lies outside of `working` because something holds it that is not asked about: for the reasons told only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<Working>,
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
}

/// How much a provider may be held, preparation and clean-up included; what is locked counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    #[serde(default)]
    pub most: Vec<Most>,
    /// Minutes between what holds them on one day and on another.
    #[serde(default)]
    pub rest: u32,
    /// Days whose shift goes on past midnight: no rest between such a day and the next.
    #[serde(default)]
    pub through: Vec<usize>,
}

impl Limits {
    pub fn is_none(&self) -> bool {
        self.most.is_empty() && self.rest == 0
    }
}

/// Held so many minutes at most on these days together: a day, or a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Most {
    pub days: Vec<usize>,
    pub minutes: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnCall {
    pub day: usize,
    pub from: u32,
    pub to: u32,
    pub facility: String,
    pub call: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Working {
    pub day: usize,
    pub from: u32,
    pub to: u32,
    pub facility: String,
}

/// A room or a device. It serves one visit at a time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    pub id: String,
    pub kind: String,
    pub facility: String,
    pub available: Vec<Interval>,
    /// When it can be used as well: by requests with a `call`, whichever.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub on_call: Vec<Interval>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Travel {
    pub from: String,
    pub to: String,
    pub minutes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    Medium,
    High,
    Urgent,
}

/// A visit that is wanted, or one that stands already (`current`).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    pub id: String,
    pub patient: String,
    pub priority: Priority,
    /// Minutes the patient is there.
    pub duration: u32,
    /// Minutes before it in which providers, room and equipment are held.
    #[serde(default)]
    pub prep: u32,
    /// Minutes after it in which they are still held.
    #[serde(default)]
    pub cleanup: u32,
    /// Held by the attending providers together.
    #[serde(default)]
    pub skills: Vec<String>,
    /// One of these attends; empty, and `all_of` empty too: anybody with the skills.
    #[serde(default)]
    pub any_of: Vec<String>,
    /// All of these attend.
    #[serde(default)]
    pub all_of: Vec<String>,
    /// Where it may take place; empty: anywhere.
    #[serde(default)]
    pub facilities: Vec<String>,
    /// The kind of room it needs.
    #[serde(default)]
    pub room: Option<String>,
    /// Kinds of equipment it needs, one of each.
    #[serde(default)]
    pub equipment: Vec<String>,
    /// The visit lies within one of these; empty: at any time.
    #[serde(default)]
    pub windows: Vec<Interval>,
    /// Starting outside of these costs `preferred_time`; empty: no preference.
    #[serde(default)]
    pub preferred_windows: Vec<Interval>,
    /// Attended by none of these costs `preferred_provider`; empty: no preference.
    #[serde(default)]
    pub preferred_providers: Vec<String>,
    /// Who knows the patient; attended by others costs `continuity`.
    #[serde(default)]
    pub continuity: Option<String>,
    /// Starts at multiples of so many minutes, where that is coarser than the grid.
    #[serde(default)]
    pub align: Option<u32>,
    /// An emergency: those on call for this may attend, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    #[serde(default)]
    pub current: Option<Current>,
}

/// Where an existing appointment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Current {
    pub day: usize,
    pub start: u32,
    pub providers: Vec<String>,
    pub facility: String,
    #[serde(default)]
    pub room: Option<String>,
    #[serde(default)]
    pub equipment: Vec<String>,
    /// It stands as it is, whatever the rules say: begun, promised, or deliberately overbooked.
    #[serde(default)]
    pub locked: bool,
}

impl Request {
    /// Whether it is locked where it stands.
    pub(crate) fn stands(&self) -> bool {
        self.current.as_ref().is_some_and(|it| it.locked)
    }
}

/// A weight for each priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ByPriority {
    pub low: i64,
    pub medium: i64,
    pub high: i64,
    pub urgent: i64,
}

impl ByPriority {
    pub fn of(&self, priority: Priority) -> i64 {
        match priority {
            Priority::Low => self.low,
            Priority::Medium => self.medium,
            Priority::High => self.high,
            Priority::Urgent => self.urgent,
        }
    }
}

/// What each soft goal costs when it is missed. Nothing is negative; the plan of least cost is sought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Weights {
    /// A request without a place.
    pub unplaced: ByPriority,
    /// Each day of the horizon after the first on which the request may take place.
    pub wait_per_day: ByPriority,
    /// Each whole hour after the beginning of the day's first window (requests with windows only).
    pub wait_per_hour: ByPriority,
    pub preferred_time: i64,
    pub preferred_provider: i64,
    pub continuity: i64,
    /// An existing appointment at another time.
    pub moved: i64,
    /// … on another day, in addition.
    pub moved_day: i64,
    /// … with others.
    pub moved_provider: i64,
    /// An existing appointment without a place, in addition to `unplaced`.
    pub cancelled: i64,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            unplaced: ByPriority {
                low: 60,
                medium: 120,
                high: 300,
                urgent: 1000,
            },
            wait_per_day: ByPriority {
                low: 1,
                medium: 2,
                high: 6,
                urgent: 40,
            },
            wait_per_hour: ByPriority {
                low: 0,
                medium: 0,
                high: 0,
                urgent: 4,
            },
            preferred_time: 4,
            preferred_provider: 6,
            continuity: 10,
            moved: 40,
            moved_day: 20,
            moved_provider: 30,
            cancelled: 200,
        }
    }
}

//! The answer: what stands where, what could not be placed and why, and what it costs, goal by goal.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub placements: Vec<Placement>,
    pub unplaced: Vec<Unplaced>,
    pub score: Goals,
    /// No plan costs less than this; absent when it was not asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<i64>,
    pub search: SearchReport,
}

/// How the plan was found.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct SearchReport {
    pub seed: u64,
    pub iterations: u64,
    /// What the plan cost before improvement began.
    pub first_cost: i64,
}

/// What is missed, in the problem's weights. `total` is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goals {
    pub total: i64,
    pub unplaced: i64,
    pub wait: i64,
    pub preferred_time: i64,
    pub preferred_provider: i64,
    pub continuity: i64,
    pub moved: i64,
    pub moved_provider: i64,
    pub cancelled: i64,
}

impl Goals {
    /// The parts summed into `total`.
    #[must_use]
    pub fn totalled(mut self) -> Self {
        self.total = self.unplaced
            + self.wait
            + self.preferred_time
            + self.preferred_provider
            + self.continuity
            + self.moved
            + self.moved_provider
            + self.cancelled;
        self
    }
}

impl AddAssign for Goals {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.unplaced += other.unplaced;
        self.wait += other.wait;
        self.preferred_time += other.preferred_time;
        self.preferred_provider += other.preferred_provider;
        self.continuity += other.continuity;
        self.moved += other.moved;
        self.moved_provider += other.moved_provider;
        self.cancelled += other.cancelled;
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It had no place before.
    New,
    /// It stands where it stood.
    Kept,
    /// Another time or other providers.
    Moved,
    /// It was not the planner's to move.
    Locked,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Placement {
    pub request: String,
    pub day: usize,
    pub date: String,
    /// Minutes since the local start of the day.
    pub start: u32,
    pub end: u32,
    pub providers: Vec<String>,
    pub facility: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub room: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub equipment: Vec<String>,
    pub change: Change,
    pub cost: Goals,
    /// Why here, in sentences.
    pub why: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unplaced {
    pub request: String,
    pub cost: Goals,
    pub reason: Reason,
    pub why: String,
}

/// The rule that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Nobody who may attend has the skills.
    NoProvider,
    /// The providers who must attend never work in one facility that is allowed.
    NoFacility,
    /// No allowed facility has the kind of room.
    NoRoom,
    /// No allowed facility has the kinds of equipment.
    NoEquipment,
    /// No window, alignment and length of day leave it a start.
    NoWindow,
    /// Nobody who may attend works long enough within its windows.
    NotWorking,
    /// Rooms or equipment are never available while the providers work.
    AssetsUnavailable,
    /// It would fit into an empty week, but the providers are taken by others.
    ProvidersFull,
    /// The providers are free at times, but the rooms are taken then.
    RoomsFull,
    /// The providers are free at times, but the equipment is taken then.
    EquipmentFull,
    /// Only times are left at which the patient has another visit.
    PatientBusy,
    /// There is a place, but it costs more than leaving the request out.
    NotWorthwhile,
    /// No problem can express it, so no place was looked for: said by whoever makes problems, never here.
    NotPlannable,
}

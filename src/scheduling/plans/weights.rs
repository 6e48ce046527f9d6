//! What a tenant's plans are worth.

use chrono::{DateTime, Utc};
use kernel::{Checks, Result, Validate};
use planner::ByPriority;
use platform::access::{Ctx, Disclosure, NoPhi, Permission};
use platform::http::{Answer, IfMatch, MergePatch};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::store;

const MOST: i64 = 1_000_000;

/// A weight for each priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeightByPriority {
    pub low: i64,
    pub medium: i64,
    pub high: i64,
    pub urgent: i64,
}

/// What each soft goal costs when it is missed; the plan of least cost is sought. Whole numbers, 0 to 1,000,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "unplaced": { "low": 60, "medium": 120, "high": 300, "urgent": 1000 },
    "wait_per_day": { "low": 1, "medium": 2, "high": 6, "urgent": 40 },
    "wait_per_hour": { "low": 0, "medium": 0, "high": 0, "urgent": 4 },
    "preferred_time": 4, "preferred_provider": 6, "continuity": 10, "moved": 40, "moved_day": 20, "moved_provider": 30,
    "cancelled": 200
}))]
pub struct NewPlanWeights {
    /// A request without a place.
    pub unplaced: WeightByPriority,
    /// Each day after the first on which it may take place.
    pub wait_per_day: WeightByPriority,
    /// Each whole hour after the beginning of the day's first window.
    pub wait_per_hour: WeightByPriority,
    pub preferred_time: i64,
    pub preferred_provider: i64,
    pub continuity: i64,
    /// An appointment that stands, at another time.
    pub moved: i64,
    /// … on another day, in addition.
    pub moved_day: i64,
    /// … with others.
    pub moved_provider: i64,
    /// An appointment that stands without a place, in addition to `unplaced`.
    pub cancelled: i64,
}

/// A tenant's weights.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PlanWeights {
    #[serde(flatten)]
    pub data: NewPlanWeights,
    pub version: i64,
    pub updated_at: Option<DateTime<Utc>>,
}

impl NoPhi for PlanWeights {}

impl From<ByPriority> for WeightByPriority {
    fn from(by: ByPriority) -> Self {
        Self {
            low: by.low,
            medium: by.medium,
            high: by.high,
            urgent: by.urgent,
        }
    }
}

impl From<WeightByPriority> for ByPriority {
    fn from(by: WeightByPriority) -> Self {
        Self {
            low: by.low,
            medium: by.medium,
            high: by.high,
            urgent: by.urgent,
        }
    }
}

impl Default for NewPlanWeights {
    fn default() -> Self {
        let usual = planner::Weights::default();
        Self {
            unplaced: usual.unplaced.into(),
            wait_per_day: usual.wait_per_day.into(),
            wait_per_hour: usual.wait_per_hour.into(),
            preferred_time: usual.preferred_time,
            preferred_provider: usual.preferred_provider,
            continuity: usual.continuity,
            moved: usual.moved,
            moved_day: usual.moved_day,
            moved_provider: usual.moved_provider,
            cancelled: usual.cancelled,
        }
    }
}

impl From<NewPlanWeights> for planner::Weights {
    fn from(said: NewPlanWeights) -> Self {
        Self {
            unplaced: said.unplaced.into(),
            wait_per_day: said.wait_per_day.into(),
            wait_per_hour: said.wait_per_hour.into(),
            preferred_time: said.preferred_time,
            preferred_provider: said.preferred_provider,
            continuity: said.continuity,
            moved: said.moved,
            moved_day: said.moved_day,
            moved_provider: said.moved_provider,
            cancelled: said.cancelled,
        }
    }
}

impl Validate for NewPlanWeights {
    fn check(&self, checks: &mut Checks) {
        let plain = [
            ("preferred_time", self.preferred_time),
            ("preferred_provider", self.preferred_provider),
            ("continuity", self.continuity),
            ("moved", self.moved),
            ("moved_day", self.moved_day),
            ("moved_provider", self.moved_provider),
            ("cancelled", self.cancelled),
        ];
        for (field, weight) in plain {
            in_range(checks, field, weight);
        }
        for (field, by) in [
            ("unplaced", self.unplaced),
            ("wait_per_day", self.wait_per_day),
            ("wait_per_hour", self.wait_per_hour),
        ] {
            checks.within(field, |checks| {
                in_range(checks, "low", by.low);
                in_range(checks, "medium", by.medium);
                in_range(checks, "high", by.high);
                in_range(checks, "urgent", by.urgent);
            });
        }
    }
}

fn in_range(checks: &mut Checks, field: &str, weight: i64) {
    checks.require(
        (0..=MOST).contains(&weight),
        field,
        "out_of_range",
        "must lie between 0 and 1,000,000",
    );
}

pub(super) async fn read(ctx: &Ctx) -> Result<Answer<PlanWeights>> {
    let mut tx = ctx.begin(Permission::SchedulingCatalogue).await?;
    let weights = store::weights(&mut tx).await?;
    let version = weights.version;
    tx.finish(Disclosure::plain(weights).version(version)).await
}

pub(super) async fn change(
    ctx: &Ctx,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<PlanWeights>> {
    let mut tx = ctx.begin(Permission::SchedulingManage).await?;
    let present = store::lock_weights(&mut tx, ctx.now()).await?;
    if_match.require(present.version)?;
    let data: NewPlanWeights = patch.apply(&present.data)?;
    store::set_weights(&mut tx, &data, ctx.now()).await?;
    let weights = store::weights(&mut tx).await?;
    let version = weights.version;
    tx.commit(Disclosure::plain(weights).version(version)).await
}

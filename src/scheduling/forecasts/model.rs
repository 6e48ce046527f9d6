//! Forecasts on the wire.

use chrono::{DateTime, NaiveDate, Utc};
use kernel::ids::{DepartmentId, FacilityId, ForecastId, ServiceId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What is to be forecast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "facility_id": "0190d1f0-0000-7000-8000-000000000001", "horizon_days": 28, "minutes_per_person": 420, "utilisation": 0.85
}))]
pub struct NewForecast {
    pub facility_id: FacilityId,
    /// Counts its encounters; appointments have no department. Its capacity is the working time of the providers assigned to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub department_id: Option<DepartmentId>,
    /// Counts its appointments only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_id: Option<ServiceId>,
    /// Days ahead.
    #[serde(default = "four_weeks")]
    #[schema(minimum = 1, maximum = 90)]
    pub horizon_days: u32,
    /// What if a day had room for so many visits; else it is computed from the working time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 100_000)]
    pub capacity_per_day: Option<f64>,
    /// Minutes a day that one person gives to visits.
    #[serde(default = "eight_hours")]
    #[schema(minimum = 30, maximum = 1440)]
    pub minutes_per_person: u32,
    /// The share of these that can be filled.
    #[serde(default = "most_of_it")]
    #[schema(minimum = 0.1, maximum = 1.0)]
    pub utilisation: f64,
}

const fn four_weeks() -> u32 {
    28
}
const fn eight_hours() -> u32 {
    480
}
const fn most_of_it() -> f64 {
    0.85
}

impl NewForecast {
    /// As a server asks for itself.
    pub(super) fn of_place(facility_id: FacilityId, department_id: Option<DepartmentId>) -> Self {
        Self {
            facility_id,
            department_id,
            service_id: None,
            horizon_days: four_weeks(),
            capacity_per_day: None,
            minutes_per_person: eight_hours(),
            utilisation: most_of_it(),
        }
    }
}

impl Validate for NewForecast {
    fn check(&self, checks: &mut Checks) {
        checks.require(
            (1..=90).contains(&self.horizon_days),
            "horizon_days",
            "out_of_range",
            "must lie between 1 and 90",
        );
        checks.require(
            self.department_id.is_none() || self.service_id.is_none(),
            "service_id",
            "too_narrow",
            "must not be given together with a department",
        );
        let plausible = |capacity| (0.0..=100_000.0).contains(&capacity);
        checks.require(
            self.capacity_per_day.is_none_or(plausible),
            "capacity_per_day",
            "out_of_range",
            "must lie between 0 and 100,000",
        );
        checks.require(
            (30..=1440).contains(&self.minutes_per_person),
            "minutes_per_person",
            "out_of_range",
            "must lie between 30 and 1,440",
        );
        checks.require(
            (0.1..=1.0).contains(&self.utilisation),
            "utilisation",
            "out_of_range",
            "must lie between 0.1 and 1",
        );
    }
}

/// Whether somebody asked for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ForecastOrigin {
    Asked,
    Nightly,
}

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum DemandSource {
    Appointments,
    Encounters,
}

/// How a forecast is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ForecastMethod {
    /// As a week ago.
    SeasonalNaive,
    /// Exponential smoothing with a weekly cycle; holidays and the time of year apart.
    HoltWinters,
    /// A decomposition by loess; holidays and the time of year apart.
    Mstl,
    /// The mean of the last two.
    Combined,
}

impl From<forecast::Method> for ForecastMethod {
    fn from(method: forecast::Method) -> Self {
        match method {
            forecast::Method::SeasonalNaive => Self::SeasonalNaive,
            forecast::Method::HoltWinters => Self::HoltWinters,
            forecast::Method::Mstl => Self::Mstl,
            forecast::Method::Combined => Self::Combined,
        }
    }
}

/// How sure a surge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SurgeLevel {
    /// The upper end of the 80 % interval lies above the capacity.
    Possible,
    /// The expected count does.
    Likely,
    /// Even the lower end of the 80 % interval does.
    Certain,
}

/// More is expected than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SurgeAlert {
    pub level: SurgeLevel,
    /// Expected visits above the capacity; negative where only the upper end is.
    pub excess: f64,
}

/// What a day wants of people.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StaffingSuggestion {
    /// Minutes of care for the expected visits, and people for them.
    pub minutes: f64,
    pub people: usize,
    /// The same for as many visits as come on four days of five.
    pub minutes_80: f64,
    pub people_80: usize,
}

/// One day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastPoint {
    pub date: NaiveDate,
    pub expected: f64,
    pub low_80: f64,
    pub high_80: f64,
    pub low_95: f64,
    pub high_95: f64,
    /// What "as a week ago" says.
    pub naive: f64,
    /// Why the day is unlike others of its weekday: a federal holiday, or `closed` or `closed_in_part` by the organisation's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holiday: Option<String>,
    /// Visits the day has room for; absent where no working time is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<SurgeAlert>,
    pub staffing: StaffingSuggestion,
}

/// How one method did on earlier days.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MethodScore {
    pub method: ForecastMethod,
    /// Mean absolute error, in visits.
    pub mae: f64,
    /// Mean absolute scaled error: 1 is as far off as "as a week ago" is one week ahead.
    pub mase: f64,
    /// The share of days that fell into the 80 % interval, and into the 95 % interval.
    pub coverage_80: f64,
    pub coverage_95: f64,
}

/// The test: what would have been said on earlier days, and what then happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastBacktest {
    /// Earlier days from which it was tried, and days ahead from each.
    pub origins: usize,
    pub horizon_days: usize,
    pub scores: Vec<MethodScore>,
}

/// At which hours of a weekday people come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HoursOfWeekday {
    /// Monday is 1.
    pub weekday: u32,
    /// The share of the day's visits in each local hour, from midnight on.
    pub shares: Vec<f64>,
}

/// What the figures rest on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ForecastBasis {
    /// Minutes a visit takes of a person, with preparation and clean-up.
    pub minutes_per_visit: f64,
    pub history_from: NaiveDate,
    pub history_until: NaiveDate,
    /// Visits in the history.
    pub visits: f64,
}

/// A forecast.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Forecast {
    pub id: ForecastId,
    #[serde(flatten)]
    pub data: NewForecast,
    pub origin: ForecastOrigin,
    pub source: DemandSource,
    /// The method used: the one that did best in the test.
    pub method: ForecastMethod,
    /// Whether it did better than "as a week ago"; where none did, that is the method.
    pub beats_naive: bool,
    /// The same as a sentence.
    pub note: String,
    pub basis: ForecastBasis,
    pub backtest: ForecastBacktest,
    pub points: Vec<ForecastPoint>,
    pub hours: Vec<HoursOfWeekday>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// A forecast in a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ForecastSummary {
    pub id: ForecastId,
    #[serde(flatten)]
    pub data: NewForecast,
    pub origin: ForecastOrigin,
    pub source: DemandSource,
    pub method: ForecastMethod,
    pub beats_naive: bool,
    /// Mean absolute scaled error of the method, and of "as a week ago".
    pub mase: f64,
    pub naive_mase: f64,
    pub first_day: NaiveDate,
    /// Days on which more is expected than there is room for.
    pub alerts: i32,
    pub version: i64,
    pub created_at: DateTime<Utc>,
}

/// Which forecasts to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListForecasts {
    pub facility_id: Option<FacilityId>,
    pub department_id: Option<DepartmentId>,
    pub service_id: Option<ServiceId>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

impl NoPhi for Forecast {}
impl NoPhi for ForecastSummary {}

/// What the choice of the method comes to, as a sentence.
pub(super) fn note(method: ForecastMethod, scores: &[MethodScore]) -> String {
    let of = |method| {
        let score = scores.iter().find(|score| score.method == method);
        score.map_or(f64::NAN, |score| score.mase)
    };
    let naive = of(ForecastMethod::SeasonalNaive);
    if method == ForecastMethod::SeasonalNaive {
        format!(
            "No method did better than as a week ago (MASE {naive:.3}), so that is the forecast."
        )
    } else {
        format!(
            "In the test the method had a MASE of {:.3}, as a week ago {naive:.3}.",
            of(method)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(method: ForecastMethod, mase: f64) -> MethodScore {
        MethodScore {
            method,
            mae: 1.0,
            mase,
            coverage_80: 0.8,
            coverage_95: 0.95,
        }
    }

    #[test]
    fn a_forecast_that_is_only_naive_says_so() {
        let scores = [
            score(ForecastMethod::SeasonalNaive, 1.0),
            score(ForecastMethod::Mstl, 1.2),
        ];
        assert!(note(ForecastMethod::SeasonalNaive, &scores).starts_with("No method"));
        let scores = [
            score(ForecastMethod::SeasonalNaive, 1.0),
            score(ForecastMethod::Mstl, 0.8),
        ];
        assert_eq!(
            note(ForecastMethod::Mstl, &scores),
            "In the test the method had a MASE of 0.800, as a week ago 1.000."
        );
    }
}

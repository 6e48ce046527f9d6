//! Which immunizations are due: pure rules over the series of `schedule.json`.
//!
//! A dose counts as the next of its series if it was given neither before the least age nor too soon after the one before,
//! with four days of grace, as the CDC allows. Of a dose whose day is not known, the last day that may be meant is taken.
//! A refusal leaves a series due; a contraindication or an immunity takes the patient out of it.
//!
//! Trap: these are the rules for persons without special risks. What they say is an aid, not an order.

use chrono::{Datelike, Days, NaiveDate};
use serde::Serialize;
use utoipa::ToSchema;

use super::series::{DoseRule, SCHEDULE, Season, Series, Span, Track};

/// Days by which a dose may be early and count.
const GRACE: Days = Days::new(4);

/// A dose that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Given {
    pub on: NaiveDate,
    pub cvx: String,
    /// Why it does not count, whenever it was given.
    pub spoilt: Option<InvalidDose>,
}

/// A dose that was not given, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotGiven {
    pub on: NaiveDate,
    pub cvx: String,
    /// The patient must not have it, or needs it not.
    pub exempts: bool,
}

/// Where a patient stands in a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeriesState {
    Complete,
    /// The next dose may be given, and should be.
    Due,
    /// The next dose should have been given.
    Overdue,
    /// The next dose is still to come.
    Upcoming,
    /// Too old for it, taken to be immune by year of birth, or dead.
    NotIndicated,
    /// A contraindication or an immunity is on record.
    Exempt,
}

/// What became of a dose in a series.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DoseCounted {
    pub given_on: NaiveDate,
    #[schema(example = "20")]
    pub cvx: String,
    /// Which dose of the series it is; absent if it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<u32>,
    /// Why it does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub invalid: Option<InvalidDose>,
}

/// Why a dose does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InvalidDose {
    /// Before the least age.
    TooYoung,
    /// Too soon after the dose before.
    TooSoon,
    /// Not the vaccine this dose must be.
    OtherVaccine,
    /// The lot had expired.
    Expired,
    /// Too weak, or not given whole.
    Subpotent,
    /// The series was complete.
    NotNeeded,
}

/// The next dose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NextDose {
    pub number: u32,
    /// Given before, it would not count.
    pub earliest_on: NaiveDate,
    pub due_on: NaiveDate,
    pub overdue_on: NaiveDate,
}

/// A series, and where the patient stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ImmunizationSeriesStatus)]
pub struct SeriesStatus {
    #[schema(example = "dtap")]
    pub series: String,
    pub name: String,
    /// Where the rule comes from.
    pub source: String,
    pub state: SeriesState,
    pub doses: Vec<DoseCounted>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<NextDose>,
    /// The last time a dose was offered and not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub declined_on: Option<NaiveDate>,
}

/// What the schedule is, and what it is not.
pub(super) fn about() -> &'static str {
    &SCHEDULE.about
}

/// The patient's place in every series. `today` is the clinic's.
pub(super) fn evaluate(
    birth: NaiveDate,
    today: NaiveDate,
    given: &[Given],
    not_given: &[NotGiven],
) -> Vec<SeriesStatus> {
    let series = SCHEDULE.series.iter();
    series
        .map(|series| place(series, birth, today, given, not_given))
        .collect()
}

/// Nothing is due to somebody who has died.
pub(super) fn close(series: &mut [SeriesStatus]) {
    for one in series {
        one.next = None;
        if matches!(
            one.state,
            SeriesState::Due | SeriesState::Overdue | SeriesState::Upcoming
        ) {
            one.state = SeriesState::NotIndicated;
        }
    }
}

fn place(
    series: &Series,
    birth: NaiveDate,
    today: NaiveDate,
    given: &[Given],
    not_given: &[NotGiven],
) -> SeriesStatus {
    let mut given: Vec<&Given> = given
        .iter()
        .filter(|dose| series.cvx.contains(&dose.cvx) && dose.on <= today)
        .collect();
    given.sort_by_key(|dose| dose.on);
    let refused: Vec<&NotGiven> = not_given
        .iter()
        .filter(|dose| series.cvx.contains(&dose.cvx))
        .collect();
    let (mut state, doses, mut next) = match &series.season {
        Some(season) => in_season(season, birth, today, &given),
        None => in_tracks(series, birth, today, &given),
    };
    let open = matches!(
        state,
        SeriesState::Due | SeriesState::Overdue | SeriesState::Upcoming
    );
    let last_given = given.last().map(|dose| dose.on);
    let exempt = refused
        .iter()
        .any(|dose| dose.exempts && last_given.is_none_or(|given| given <= dose.on));
    if open && exempt {
        (state, next) = (SeriesState::Exempt, None);
    }
    SeriesStatus {
        series: series.key.clone(),
        name: series.name.clone(),
        source: series.source.clone(),
        state,
        doses,
        next,
        declined_on: refused
            .iter()
            .filter(|dose| !dose.exempts)
            .map(|dose| dose.on)
            .max(),
    }
}

type Place = (SeriesState, Vec<DoseCounted>, Option<NextDose>);

fn in_tracks(series: &Series, birth: NaiveDate, today: NaiveDate, given: &[&Given]) -> Place {
    let begun = given.first().map_or(today, |dose| dose.on);
    let of_age = |track: &&Track| graced(track.begun_from.after(birth)) <= begun;
    let Some(track) = series.tracks.iter().rev().find(of_age) else {
        return (SeriesState::NotIndicated, Vec::new(), None);
    };
    let (mut doses, valid) = count(track, birth, given);
    let counted = valid.len();
    let needed = needed(track, birth, &valid);
    if counted >= needed && needed > 0 {
        let last = given.iter().rev().find(|dose| dose.spoilt.is_none());
        if let (Some(every), Some(last)) = (series.repeat, last) {
            renumber(&mut doses);
            let next = NextDose {
                number: ordinal(doses.iter().filter(|dose| dose.number.is_some()).count()),
                earliest_on: last.on,
                due_on: every.after(last.on),
                overdue_on: series
                    .repeat_late
                    .unwrap_or(Span::MONTH)
                    .after(every.after(last.on)),
            };
            return match state_of(&next, today) {
                SeriesState::Upcoming => (SeriesState::Complete, doses, Some(next)),
                state => (state, doses, Some(next)),
            };
        }
        return (SeriesState::Complete, doses, None);
    }
    let too_old = series
        .until
        .is_some_and(|until| until.after(birth) <= today);
    let immune = series.born_from.is_some_and(|from| birth < from);
    let Some(rule) = track.doses.get(counted).filter(|_| !too_old && !immune) else {
        return (SeriesState::NotIndicated, doses, None);
    };
    // A dose that did not count still keeps the next one away.
    let before = given.last().map(|dose| dose.on);
    let next = next(rule, ordinal(counted), birth, before);
    (state_of(&next, today), doses, Some(next))
}

/// Numbers the doses that count. Returns them, too.
fn count<'a>(
    track: &Track,
    birth: NaiveDate,
    given: &[&'a Given],
) -> (Vec<DoseCounted>, Vec<&'a Given>) {
    let mut valid: Vec<&Given> = Vec::new();
    let mut doses = Vec::with_capacity(given.len());
    for dose in given {
        let invalid = match track.doses.get(valid.len()) {
            _ if dose.spoilt.is_some() => dose.spoilt,
            None => Some(InvalidDose::NotNeeded),
            Some(_) if needed(track, birth, &valid) <= valid.len() => Some(InvalidDose::NotNeeded),
            Some(rule) => fault(rule, birth, valid.last().map(|dose| dose.on), dose),
        };
        let number = invalid.is_none().then(|| ordinal(valid.len()));
        if invalid.is_none() {
            valid.push(dose);
        }
        doses.push(DoseCounted {
            given_on: dose.on,
            cvx: dose.cvx.clone(),
            number,
            invalid,
        });
    }
    (doses, valid)
}

/// How many doses of the track this patient needs.
fn needed(track: &Track, birth: NaiveDate, valid: &[&Given]) -> usize {
    let all = track.doses.len();
    if let Some(enough) = &track.enough
        && valid.len() >= enough.doses
        && valid.iter().all(|dose| enough.cvx.contains(&dose.cvx))
    {
        return enough.doses;
    }
    if let (Some(age), Some(last)) = (track.last_not_needed_from, valid.last())
        && valid.len() + 1 == all
        && graced(age.after(birth)) <= last.on
    {
        return all - 1;
    }
    all
}

fn fault(
    rule: &DoseRule,
    birth: NaiveDate,
    before: Option<NaiveDate>,
    dose: &Given,
) -> Option<InvalidDose> {
    if !rule.only.is_empty() && !rule.only.contains(&dose.cvx) {
        return Some(InvalidDose::OtherVaccine);
    }
    if dose.on < graced(rule.min.after(birth)) {
        return Some(InvalidDose::TooYoung);
    }
    let soonest = before.map(|before| graced(rule.interval.after(before)).max(before));
    soonest
        .is_some_and(|soonest| dose.on < soonest || Some(dose.on) == before)
        .then_some(InvalidDose::TooSoon)
}

fn next(rule: &DoseRule, number: u32, birth: NaiveDate, before: Option<NaiveDate>) -> NextDose {
    let later = |age: Span, since: Span| {
        let by_age = age.after(birth);
        before.map_or(by_age, |before| by_age.max(since.after(before)))
    };
    let due_interval = rule.due_interval.unwrap_or(rule.interval);
    let due_on = later(rule.due, due_interval);
    let overdue_on = match (rule.late_interval, before) {
        (Some(late), _) => later(rule.late, late),
        (None, Some(before)) => rule
            .late
            .after(birth)
            .max(Span::MONTH.after(due_interval.after(before))),
        (None, None) => rule.late.after(birth),
    };
    NextDose {
        number,
        earliest_on: later(rule.min, rule.interval),
        due_on,
        overdue_on: overdue_on.max(due_on),
    }
}

/// Every dose of a series that goes on for life counts.
fn renumber(doses: &mut [DoseCounted]) {
    let mut number = 0;
    for dose in doses {
        if dose.number.is_some() || dose.invalid == Some(InvalidDose::NotNeeded) {
            number += 1;
            (dose.number, dose.invalid) = (Some(number), None);
        }
    }
}

fn in_season(season: &Season, birth: NaiveDate, today: NaiveDate, given: &[&Given]) -> Place {
    let year = today.year() - i32::from(today.month() < season.from_month);
    let from = first_of(year, season.from_month);
    let counts = |dose: &Given| dose.spoilt.is_none() && graced(season.min.after(birth)) <= dose.on;
    let doses: Vec<DoseCounted> = given
        .iter()
        .filter(|dose| dose.on >= from)
        .map(|dose| DoseCounted {
            given_on: dose.on,
            cvx: dose.cvx.clone(),
            number: counts(dose).then_some(1),
            invalid: match counts(dose) {
                true => None,
                false if dose.spoilt.is_some() => dose.spoilt,
                false => Some(InvalidDose::TooYoung),
            },
        })
        .collect();
    let had = doses.iter().any(|dose| dose.number.is_some());
    let of_age = season.min.after(birth);
    let next_from = if had {
        first_of(year + 1, season.from_month)
    } else {
        from
    };
    let due = first_of(next_from.year(), season.due_month).max(of_age);
    let next = NextDose {
        number: 1,
        earliest_on: next_from.max(of_age),
        due_on: due,
        overdue_on: first_of(next_from.year(), season.late_month).max(Span::MONTH.after(of_age)),
    };
    let state = if had {
        SeriesState::Complete
    } else {
        state_of(&next, today)
    };
    (state, doses, Some(next))
}

fn first_of(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap_or(NaiveDate::MAX)
}

fn state_of(next: &NextDose, today: NaiveDate) -> SeriesState {
    if today < next.due_on {
        SeriesState::Upcoming
    } else if today < next.overdue_on {
        SeriesState::Due
    } else {
        SeriesState::Overdue
    }
}

fn graced(day: NaiveDate) -> NaiveDate {
    day.checked_sub_days(GRACE).unwrap_or(day)
}

/// The number of the dose after `counted`.
fn ordinal(counted: usize) -> u32 {
    u32::try_from(counted).unwrap_or(u32::MAX).saturating_add(1)
}

#[cfg(test)]
#[path = "schedule_tests.rs"]
mod tests;

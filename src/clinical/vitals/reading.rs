//! Reading vital signs: one set, lists, the latest, trends, and what can be measured at all.

use std::collections::BTreeMap;

use chrono::{NaiveDate, TimeDelta};
use kernel::clock::Instant;
use kernel::ids::{PatientId, VitalSetId};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging, require_order};

use super::derive::{self, Background};
use super::growth::{GrowthMeasure, Percentile};
use super::kinds::{Quantity, VitalKind};
use super::recent::AHEAD;
use super::records::VitalRecord;
use super::reference::{self, VitalKinds};
use super::store_series::Sample;
use super::trend::{Point, summarise, thin};
use super::units::Amount;
use super::view::{
    Latest, LatestQuery, LatestVitals, ListVitals, Series, TrendQuery, Vitals, VitalsTrend,
};
use super::{RESOURCE, growth, service, store, store_series, subjects};
use crate::patients::AsOf;

/// How far the latest readings and a trend look back unless told.
const LATEST: TimeDelta = TimeDelta::days(3 * 365);
const TREND: TimeDelta = TimeDelta::days(366);
/// The most values a trend is made of.
const MOST: usize = 100_000;

/// What it takes to read of today, or as it stood.
fn permission(then: Option<Instant>) -> Permission {
    match then {
        None => Permission::VitalsRead,
        Some(_) => Permission::EntryHistory,
    }
}

pub async fn get(
    ctx: &Ctx,
    patient: PatientId,
    set: VitalSetId,
    as_of: Option<AsOf>,
) -> Result<Answer<Vitals>> {
    let then = as_of.map(|then| then.instant(ctx));
    let mut tx = ctx.begin(permission(then)).await?;
    let subject = subjects::require_of(&mut tx, patient, then).await?;
    let rows = store::set(&mut tx, patient, set, then).await?;
    let vitals = service::show(&mut tx, subject, rows, then).await?;
    let version = vitals.version;
    tx.finish(Disclosure::of(RESOURCE, Action::Read, patient, set, vitals).version(version))
        .await
}

pub async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListVitals,
) -> Result<Answer<Page<Vitals>>> {
    require_order(query.from, query.to)?;
    let filters = (
        patient,
        (query.from, query.to, query.kind),
        query.encounter_id,
        (query.include_errors, query.as_of),
    );
    let then = query.as_of.map(|then| then.instant(ctx));
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(permission(then)).await?;
    let subject = subjects::require_of(&mut tx, patient, then).await?;
    let after = (paging.after()?, then);
    let sets = store::page(&mut tx, patient, &query, after, paging.fetch()).await?;
    let page = paging.page(sets, |place| *place)?;
    let rows = store::of_sets(&mut tx, patient, &page.items, query.include_errors, then).await?;
    let items = match subject.background_of(&mut tx, &rows, then).await? {
        Some(background) => derive::sets(rows, &background),
        None => Vec::new(),
    };
    let page = Page {
        items,
        next_cursor: page.next_cursor,
    };
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

/// Where what was measured lies among those of the patient's age, as far as there are charts of it.
fn percentiles(
    background: &Background,
    measured: [(GrowthMeasure, Option<(Amount, Instant)>); 4],
) -> Vec<Percentile> {
    measured
        .into_iter()
        .filter_map(|(measure, value)| {
            let (value, at) = value?;
            growth::percentile(&background.growth, measure, value, background.age(at)?)
        })
        .collect()
}

pub async fn latest(
    ctx: &Ctx,
    patient: PatientId,
    query: LatestQuery,
) -> Result<Answer<LatestVitals>> {
    require_order(query.since, None)?;
    let then = query.as_of.map(|then| then.instant(ctx));
    let mut tx = ctx.begin(permission(then)).await?;
    let subject = subjects::require_of(&mut tx, patient, then).await?;
    let since = query.since.unwrap_or(then.unwrap_or(ctx.now()) - LATEST);
    let until = then.unwrap_or(ctx.now()) + AHEAD;
    let rows = if then.is_some() {
        let rows = store_series::recent(&mut tx, patient, (since, until), then, 1).await?;
        rows.into_iter().map(VitalRecord::unwithdrawn).collect()
    } else {
        store_series::latest(&mut tx, patient, since, until).await?
    };
    let of = |kind: VitalKind| {
        let row = rows.iter().find(|row| row.measured.reading.kind == kind)?;
        Some((row.measured.value?, row.measured_at))
    };
    let (weight, height) = (of(VitalKind::Weight), of(VitalKind::Height));
    let head = of(VitalKind::HeadCircumference);
    let times = [weight, height, head].into_iter().flatten();
    let times: Vec<Instant> = times.map(|(_, at)| at).collect();
    let oldest = times.iter().min().copied().unwrap_or(since);
    let newest = times.iter().max().copied().unwrap_or(until);
    let span = (oldest, newest);
    let background = subject.background(&mut tx, span, then).await?;
    let bmi = derive::bmi(subject.birth_date, weight, height);
    let measured = [
        (GrowthMeasure::Weight, weight),
        (GrowthMeasure::Height, height),
        (GrowthMeasure::HeadCircumference, head),
        (GrowthMeasure::Bmi, bmi.zip(weight.map(|(_, at)| at))),
    ];
    let readings = rows
        .into_iter()
        .map(|row| {
            let age = background.age(row.measured_at);
            Latest {
                set_id: row.set_id,
                measured_at: row.measured_at,
                measured_on: row.measured_on.clone(),
                reading: derive::reading(row, age),
            }
        })
        .collect();
    let latest = LatestVitals {
        patient_id: patient,
        since,
        readings,
        bmi: bmi.map(growth::shown_bmi),
        percentiles: percentiles(&background, measured),
    };
    let disclosure = Disclosure::of(RESOURCE, Action::Read, patient, patient, latest);
    tx.finish(disclosure).await
}

pub async fn trend(
    ctx: &Ctx,
    patient: PatientId,
    query: TrendQuery,
) -> Result<Answer<VitalsTrend>> {
    require_order(query.from, query.to)?;
    let points = query.points.unwrap_or(200);
    if !(2..=2_000).contains(&points) {
        return Err(parameter(
            "?points",
            "out_of_range",
            "must lie between 2 and 2000",
        ));
    }
    let then = query.as_of.map(|then| then.instant(ctx));
    let to = query.to.unwrap_or(then.unwrap_or(ctx.now()) + AHEAD);
    let from = query.from.unwrap_or(to - TREND);
    let mut tx = ctx.begin(permission(then)).await?;
    let subject = subjects::require_of(&mut tx, patient, then).await?;
    let kinds = query.kind.map_or(&VitalKind::ALL[..], Quantity::made_from);
    let most = i64::try_from(MOST).unwrap_or(i64::MAX) + 1;
    let samples = store_series::series(&mut tx, patient, kinds, (from, to, then), most).await?;
    if samples.len() > MOST {
        return Err(parameter(
            "?from",
            "too_many_values",
            "must leave at most 100000 values: ask for one kind, or for a shorter time",
        ));
    }
    let series = quantities(&samples, subject.birth_date)
        .into_iter()
        .filter(|(quantity, _)| query.kind.is_none_or(|wanted| wanted == *quantity))
        .filter_map(|(quantity, values)| {
            Some(Series {
                kind: quantity,
                unit: quantity.unit(),
                loinc: reference::loinc(quantity),
                summary: summarise(&values)?,
                points: thin(&values, points),
            })
        })
        .collect();
    let trend = VitalsTrend {
        patient_id: patient,
        from,
        to,
        series,
    };
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        trend,
    ))
    .await
}

/// The values of each quantity, in the order of time. A body mass index is made of a weight and the height of its set, or the last
/// before it; of a child only where they were measured close to each other.
fn quantities(samples: &[Sample], birth_date: NaiveDate) -> BTreeMap<Quantity, Vec<Point>> {
    let mut series: BTreeMap<Quantity, Vec<Point>> = BTreeMap::new();
    let mut height: Option<(Amount, Instant)> = None;
    for (place, sample) in samples.iter().enumerate() {
        let mut add = |quantity, value: Option<Amount>| {
            if let Some(value) = value {
                let point = Point {
                    at: sample.at,
                    on: sample.on.clone(),
                    value,
                };
                series.entry(quantity).or_default().push(point);
            }
        };
        if let Some(quantity) = sample.kind.quantity() {
            add(quantity, Some(sample.value));
        }
        if let Some(diastolic) = sample.diastolic {
            add(Quantity::Diastolic, Some(diastolic));
            add(
                Quantity::MeanArterialPressure,
                derive::mean_pressure(sample.value, diastolic),
            );
        }
        if sample.kind == VitalKind::Height {
            height = Some((sample.value, sample.at));
        }
        if sample.kind == VitalKind::Weight {
            // The height of the same set may stand behind the weight.
            let same = samples[place..]
                .iter()
                .take_while(|later| later.at == sample.at)
                .find(|later| later.kind == VitalKind::Height)
                .map(|later| (later.value, later.at));
            let weight = Some((sample.value, sample.at));
            let index = derive::bmi(birth_date, weight, same.or(height));
            add(Quantity::Bmi, index.map(growth::shown_bmi));
        }
    }
    series
}

/// What can be measured, in which units, and what is usual.
pub async fn kinds(ctx: &Ctx) -> Result<Answer<VitalKinds>> {
    let tx = ctx.begin(Permission::VitalsReference).await?;
    tx.finish(Disclosure::plain(reference::kinds())).await
}

fn parameter(name: &str, code: &'static str, message: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(name, code, message)])
}

#[cfg(test)]
mod tests {
    use kernel::clock::Instant;

    use super::*;

    #[test]
    fn a_body_mass_index_takes_the_height_of_its_set_or_the_last_one_before() {
        let sample = |kind, day: i64, value| Sample {
            kind,
            at: "2024-01-01T00:00:00Z"
                .parse::<Instant>()
                .expect("an instant")
                + TimeDelta::days(day),
            on: None,
            value: Amount::whole(value),
            diastolic: None,
        };
        let samples = [
            sample(VitalKind::Weight, 0, 70),
            sample(VitalKind::Weight, 1, 70),
            sample(VitalKind::Height, 1, 175),
            sample(VitalKind::Weight, 9, 80),
            sample(VitalKind::Weight, 99, 90),
        ];
        let born = |text: &str| {
            let series = quantities(&samples, text.parse().expect("a day"));
            assert_eq!(series[&Quantity::Weight].len(), 4);
            let values = series[&Quantity::Bmi].iter();
            values.map(|point| point.value.to_f64()).collect::<Vec<_>>()
        };
        assert_eq!(
            born("1970-01-01"),
            [22.9, 26.1, 29.4],
            "none without a height"
        );
        assert_eq!(born("2012-01-01"), [22.9, 26.1], "a child has grown since");
    }
}

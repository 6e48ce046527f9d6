//! SQL of forecasts.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, ForecastId, UserId};
use platform::db::TenantTx;
use sqlx::types::Json;

use super::model::{
    DemandSource, Forecast, ForecastBacktest, ForecastBasis, ForecastMethod, ForecastOrigin,
    ForecastPoint, ForecastSummary, HoursOfWeekday, ListForecasts, NewForecast, note,
};

struct Row {
    id: ForecastId,
    request: Json<NewForecast>,
    origin: ForecastOrigin,
    source: DemandSource,
    method: ForecastMethod,
    beats_naive: bool,
    backtest: Json<ForecastBacktest>,
    points: Json<Vec<ForecastPoint>>,
    hours: Json<Vec<HoursOfWeekday>>,
    basis: Json<ForecastBasis>,
    version: i64,
    created_at: Instant,
}

impl From<Row> for Forecast {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: row.request.0,
            origin: row.origin,
            source: row.source,
            method: row.method,
            beats_naive: row.beats_naive,
            note: note(row.method, &row.backtest.scores),
            basis: row.basis.0,
            backtest: row.backtest.0,
            points: row.points.0,
            hours: row.hours.0,
            version: row.version,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    forecast: &Forecast,
    by: Option<UserId>,
) -> Result<()> {
    let tenant = tx.tenant();
    let first_day = forecast
        .points
        .first()
        .map_or(NaiveDate::MIN, |point| point.date);
    let alerts = forecast.points.iter().filter(|point| point.alert.is_some());
    let alerts = i32::try_from(alerts.count()).unwrap_or(i32::MAX);
    let horizon = i32::try_from(forecast.data.horizon_days).unwrap_or(i32::MAX);
    sqlx::query!(
        r#"insert into app.forecasts
                  (tenant_id, id, facility_id, department_id, service_id, request, origin, source, method, beats_naive, first_day,
                   horizon_days, history_from, history_until, backtest, points, hours, basis, alerts, created_by, created_at,
                   updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21)"#,
        tenant as _,
        forecast.id as _,
        forecast.data.facility_id as _,
        forecast.data.department_id as _,
        forecast.data.service_id as _,
        Json(&forecast.data) as _,
        forecast.origin as _,
        forecast.source as _,
        forecast.method as _,
        forecast.beats_naive,
        first_day,
        horizon,
        forecast.basis.history_from,
        forecast.basis.history_until,
        Json(&forecast.backtest) as _,
        Json(&forecast.points) as _,
        Json(&forecast.hours) as _,
        Json(&forecast.basis) as _,
        alerts,
        by as _,
        forecast.created_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn find(tx: &mut TenantTx, id: ForecastId) -> Result<Option<Forecast>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", request as "request: _", origin as "origin: _", source as "source: _", method as "method: _",
                  beats_naive, backtest as "backtest: _", points as "points: _", hours as "hours: _", basis as "basis: _",
                  version, created_at
             from app.forecasts
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

struct Line {
    id: ForecastId,
    request: Json<NewForecast>,
    origin: ForecastOrigin,
    source: DemandSource,
    method: ForecastMethod,
    beats_naive: bool,
    backtest: Json<ForecastBacktest>,
    first_day: NaiveDate,
    alerts: i32,
    version: i64,
    created_at: Instant,
}

impl From<Line> for ForecastSummary {
    fn from(line: Line) -> Self {
        let mase = |method| {
            let scores = line.backtest.scores.iter();
            let mut scores = scores.filter(|score| score.method == method);
            scores.next().map_or(0.0, |score| score.mase)
        };
        Self {
            mase: mase(line.method),
            naive_mase: mase(ForecastMethod::SeasonalNaive),
            id: line.id,
            data: line.request.0,
            origin: line.origin,
            source: line.source,
            method: line.method,
            beats_naive: line.beats_naive,
            first_day: line.first_day,
            alerts: line.alerts,
            version: line.version,
            created_at: line.created_at,
        }
    }
}

/// The newest first: ids are in the order of their time.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListForecasts,
    after: Option<ForecastId>,
    limit: i64,
) -> Result<Vec<ForecastSummary>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Line,
        r#"select id as "id: _", request as "request: _", origin as "origin: _", source as "source: _", method as "method: _",
                  beats_naive, backtest as "backtest: _", first_day, alerts, version, created_at
             from app.forecasts
            where tenant_id = $1 and ($2::uuid is null or facility_id = $2) and ($3::uuid is null or service_id = $3)
              and ($4::uuid is null or id < $4) and ($6::uuid is null or department_id = $6)
            order by id desc
            limit $5"#,
        tenant as _,
        query.facility_id as _,
        query.service_id as _,
        after as _,
        limit,
        query.department_id as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A facility, or a department of it.
pub(super) struct Place {
    pub facility_id: FacilityId,
    pub department_id: Option<DepartmentId>,
}

/// The open facilities and their open departments that have no forecast made by night since an instant.
pub(super) async fn without_forecast(tx: &mut TenantTx, since: Instant) -> Result<Vec<Place>> {
    let tenant = tx.tenant();
    let places = sqlx::query_as!(
        Place,
        r#"select f.id as "facility_id: _", p.department_id as "department_id: _"
             from app.facilities f
            cross join lateral (
                  select null::uuid as department_id
                   union all
                  select d.id from app.departments d
                   where d.tenant_id = $1 and d.facility_id = f.id and d.status = 'active') p
            where f.tenant_id = $1 and f.status = 'active'
              and not exists (select from app.forecasts c
                               where c.tenant_id = $1 and c.facility_id = f.id
                                 and c.department_id is not distinct from p.department_id
                                 and c.origin = 'nightly' and c.created_at > $2)
            order by f.id, p.department_id nulls first"#,
        tenant as _,
        since
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(places)
}

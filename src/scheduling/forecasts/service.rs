//! Asking for forecasts and reading them.

use identity::facilities::{require_active_department, require_active_facility};
use kernel::ids::ForecastId;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::SystemTx;
use platform::http::{Answer, Paging};

use super::model::{Forecast, ForecastOrigin, ForecastSummary, ListForecasts, NewForecast};
use super::{counting, making, store};
use crate::services;

pub(super) async fn list(ctx: &Ctx, query: ListForecasts) -> Result<Answer<Page<ForecastSummary>>> {
    let narrowed_by = (query.facility_id, query.department_id, query.service_id);
    let paging = Paging::new(ctx, &narrowed_by, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::ForecastRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn read(ctx: &Ctx, id: ForecastId) -> Result<Answer<Forecast>> {
    let mut tx = ctx.begin(Permission::ForecastRead).await?;
    let forecast = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = forecast.version;
    tx.finish(Disclosure::plain(forecast).version(version))
        .await
}

/// Looks as the caller, counts as the system, computes outside of any transaction, writes as the caller.
pub(super) async fn make(ctx: &Ctx, new: NewForecast) -> Result<Answer<Forecast>> {
    let mut tx = ctx.look(Permission::ForecastMake).await?;
    let facility = require_active_facility(&mut tx, new.facility_id, "/facility_id").await?;
    if let Some(department) = new.department_id {
        let facility = Some(new.facility_id);
        require_active_department(&mut tx, facility, department, "/department_id").await?;
    }
    if let Some(service) = new.service_id {
        services::require_active(&mut tx, service, "/service_id").await?;
    }
    drop(tx);
    let mut tx = SystemTx::begin(&ctx.app().db, ctx.tenant()).await?;
    let demand = counting::count(&mut tx, &new, &facility, ctx.now()).await?;
    drop(tx);
    let made = making::make(new, demand).await?;
    let mut tx = ctx.begin(Permission::ForecastMake).await?;
    let forecast = made.into_forecast(ForecastOrigin::Asked, ctx.now());
    store::insert(&mut tx, &forecast, Some(ctx.user())).await?;
    let location = format!("/api/v1/scheduling/forecasts/{}", forecast.id);
    tx.commit(Disclosure::plain(forecast).created_at(location).version(1))
        .await
}

//! A forecast of each facility and each department every night.
//!
//! Each place fails alone: what goes wrong with one is logged, the others go on. What is missing then, or because the server
//! ended in between, is made by a job, which tries again and again as jobs do.

use chrono::TimeDelta;
use identity::facilities::require_active_facility;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Code, Result};
use platform::App;
use platform::db::{SystemTx, TenantTx};
use platform::jobs::{self, Handlers, NewJob};
use serde_json::json;

use super::model::{ForecastOrigin, NewForecast};
use super::store::Place;
use super::{counting, making, store};

/// A little less than a day, so that each night has its own whenever in it the turn comes.
const A_DAY: TimeDelta = TimeDelta::hours(20);
/// Makes what is missing of the night.
const MISSING: &str = "forecasts.missing";
/// By then the turn is over, unless it was cut short.
const LATER: TimeDelta = TimeDelta::hours(1);

/// Makes what is missing; answers how many were made. A place with too little history is passed over.
///
/// # Errors
/// What went wrong with the first place with which something did; all others were looked at all the same.
pub async fn make_nightly(app: &App, tenant: TenantId) -> Result<usize> {
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let places = store::without_forecast(&mut tx, now - A_DAY).await?;
    drop(tx);
    let (mut made, mut failed) = (0, None);
    for place in places {
        match make_one(app, tenant, &place, now).await {
            Ok(one) => made += usize::from(one),
            Err(error) => {
                tracing::error!(
                    %tenant, facility = %place.facility_id, code = error.code().as_str(), cause = error.cause_for_log(),
                    "a forecast failed"
                );
                failed = failed.or(Some(error));
            }
        }
    }
    failed.map_or(Ok(made), Err)
}

/// Answers whether there was history enough.
async fn make_one(app: &App, tenant: TenantId, place: &Place, now: Instant) -> Result<bool> {
    let id = place.facility_id;
    let new = NewForecast::of_place(id, place.department_id);
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let facility = require_active_facility(&mut tx, id, "/facility_id").await?;
    let demand = counting::count(&mut tx, &new, &facility, now).await?;
    drop(tx);
    let found = match making::make(new, demand).await {
        Ok(found) => found,
        Err(error) if error.code() == Code::TooLittleHistory => return Ok(false),
        Err(error) => return Err(error),
    };
    let forecast = found.into_forecast(ForecastOrigin::Nightly, now);
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    store::insert(&mut tx, &forecast, None).await?;
    tx.commit().await?;
    Ok(true)
}

/// Promises that somebody looks later in the night what is missing, in the transaction after which the forecasts are made.
pub(crate) async fn see_to_missing(tx: &mut TenantTx, now: Instant) -> Result<()> {
    let job = NewJob::new(MISSING, json!({}), now + LATER);
    jobs::enqueue(tx, &job.once("night")).await
}

/// Who makes what is missing.
pub(crate) fn jobs(handlers: Handlers) -> Handlers {
    handlers.with(MISSING, |app, job| {
        Box::pin(async move { make_nightly(app, job.tenant).await.map(|_| ()) })
    })
}

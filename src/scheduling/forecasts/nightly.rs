//! A forecast of each facility and each department every night.

use chrono::TimeDelta;
use identity::facilities::require_active_facility;
use kernel::ids::TenantId;
use kernel::{Code, Result};
use platform::App;
use platform::db::SystemTx;

use super::model::{ForecastOrigin, NewForecast};
use super::{counting, making, store};

/// A little less than a day, so that each night has its own whenever in it the turn comes.
const A_DAY: TimeDelta = TimeDelta::hours(20);

/// Makes what is missing; answers how many were made. A place with too little history is passed over.
pub async fn make_nightly(app: &App, tenant: TenantId) -> Result<usize> {
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let places = store::without_forecast(&mut tx, now - A_DAY).await?;
    drop(tx);
    let mut made = 0;
    for place in places {
        let id = place.facility_id;
        let new = NewForecast::of_place(id, place.department_id);
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        let facility = require_active_facility(&mut tx, id, "/facility_id").await?;
        let demand = counting::count(&mut tx, &new, &facility, now).await?;
        drop(tx);
        let found = match making::make(new, demand).await {
            Ok(found) => found,
            Err(error) if error.code() == Code::TooLittleHistory => continue,
            Err(error) => return Err(error),
        };
        let forecast = found.into_forecast(ForecastOrigin::Nightly, now);
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        store::insert(&mut tx, &forecast, None).await?;
        tx.commit().await?;
        made += 1;
    }
    Ok(made)
}

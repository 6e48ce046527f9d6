//! Learning once a day, and scoring what is to come.

use chrono::TimeDelta;
use forecast::no_show::{self, Visit};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{NoShowModelId, TenantId};
use platform::App;
use platform::compute::Compute;
use platform::db::{SystemTx, TenantTx};

use super::service::reaches;
use super::store::{self, Past};
use crate::{flow_settings, forecasts, reminders, waitlist};

/// Appointments so far ahead are scored; what is learnt from was known as long before at most.
const AHEAD: TimeDelta = TimeDelta::days(60);

/// Fits the tenant's model once a day (UTC) and scores what is to come; with it goes the waitlist's daily look. Answers whether
/// it was this call that did.
pub async fn refit(app: &App, tenant: TenantId) -> Result<bool> {
    let now = app.clock.now();
    let today = now.date_naive();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    if store::made_on(&mut tx, today).await? {
        return Ok(false);
    }
    let visits = store::past(&mut tx, now, AHEAD).await?;
    drop(tx);
    let counted = (visits.len(), visits.iter().filter(|it| it.missed).count());
    let fit = move || {
        let rows: Vec<(Visit, bool)> = visits.iter().map(|it| (it.visit(), it.missed)).collect();
        no_show::fit(&rows)
    };
    let fitted = Compute::long().run(fit).await?;
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let id = NoShowModelId::new();
    // Too few visits: the row says that the day was looked at, and that it left no model.
    let fitted = fitted.ok();
    if !store::insert(&mut tx, id, today, counted, fitted.as_ref(), now).await? {
        return Ok(false);
    }
    if let Some((model, _)) = fitted {
        score(&mut tx, id, &model, now).await?;
    }
    waitlist::look_again(&mut tx, now).await?;
    forecasts::see_to_missing(&mut tx, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn score(
    tx: &mut TenantTx,
    id: NoShowModelId,
    model: &no_show::Model,
    now: Instant,
) -> Result<()> {
    let coming: Vec<Past> = store::coming(tx, now, now + AHEAD).await?;
    let scored: Vec<_> = coming
        .iter()
        .map(|it| (it.id, it.patient_id, model.probability(&it.visit())))
        .collect();
    store::put_scores(tx, id, &scored, now).await?;
    // Who is likely not to come may get one reminder more.
    let settings = flow_settings::current(tx).await?;
    if let Some(extra) = settings.extra_reminder {
        for (appointment, _, probability) in scored {
            if reaches(probability, extra.above_percent) {
                reminders::plan_again(tx, appointment, now).await?;
            }
        }
    }
    Ok(())
}

//! A tenant's night: the model of who does not come, the waitlist's look at what is free, the forecasts.
//!
//! Of several servers one has the turn: the model of a day is made once. What follows it and fails, or is cut off with the server,
//! was promised as a job in the same transaction.

use std::time::Duration;

use kernel::Result;
use kernel::ids::TenantId;
use platform::App;
use tokio::sync::watch;

use crate::{forecasts, no_shows};

/// How often a server looks whether a tenant's day has had its turn.
const EACH: Duration = Duration::from_mins(20);

/// Looks again and again until the signal turns true. What fails is logged and tried at the next look.
pub async fn spawn(app: App, mut stop: watch::Receiver<bool>) {
    let mut looks = tokio::time::interval(EACH);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            _ = looks.tick() => {}
        }
        let tenants = match platform::maintenance::tenant_ids(&app.db).await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::error!(cause = error.cause_for_log(), "the nightly turn failed");
                continue;
            }
        };
        for tenant in tenants {
            if *stop.borrow() {
                return;
            }
            if let Err(error) = turn(&app, tenant).await {
                tracing::error!(%tenant, cause = error.cause_for_log(), "the nightly turn failed");
            }
        }
    }
}

/// A tenant's turn, if his day has not had it. What of the forecasts fails, or is not made because the server ends, is made by a
/// job later in the night.
pub async fn turn(app: &App, tenant: TenantId) -> Result<()> {
    if no_shows::refit(app, tenant).await? {
        let made = forecasts::make_nightly(app, tenant).await?;
        tracing::info!(%tenant, forecasts = made, "learnt from the day");
    }
    Ok(())
}

//! A tenant's night: the model of who does not come, the waitlist's look at what is free, the forecasts.
//!
//! Each part knows by itself whether the day has had it, and is asked at every look: a part that failed, or that a server was
//! stopped in, is made up for at the next one.

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

/// What of a tenant's night is still to do. One part that fails holds up no other; the first failure is answered.
pub async fn turn(app: &App, tenant: TenantId) -> Result<()> {
    let learnt = no_shows::refit(app, tenant).await;
    let made = forecasts::make_nightly(app, tenant).await;
    let (learnt, made) = (learnt?, made?);
    if learnt || made > 0 {
        tracing::info!(%tenant, learnt, forecasts = made, "the night's work");
    }
    Ok(())
}

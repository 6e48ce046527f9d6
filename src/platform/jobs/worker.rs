//! Who does the jobs.
//!
//! Every server has one, and `chartwell worker` does nothing else. Several workers share the work: a row taken is skipped by
//! the others. Within one, tenants are visited in turn, a few jobs each, so that one with a thousand does not keep the others
//! waiting.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::FutureExt as _;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Code, Error, Result};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{Handlers, Job, store};
use crate::app::App;
use crate::db::SystemTx;
use crate::maintenance::tenant_ids;

/// How often is looked by who was not woken.
const TURN: Duration = Duration::from_secs(1);
/// How often is counted what was given up.
const COUNTED_EVERY: u32 = 60;
/// How long a job is in one worker's hands, and a little less: the longest it may take.
const LEASE: TimeDelta = TimeDelta::minutes(5);
const LONGEST: Duration = Duration::from_mins(4);
/// Jobs of one tenant before it is the next one's turn.
const AT_A_TIME: usize = 20;
/// Tries before a job is given up: with the pauses below, about ten hours.
pub(super) const TRIES: i32 = 8;

/// Starts the work on the current runtime. It ends when the signal turns true or its sender is gone; a job that has begun is
/// finished first.
pub fn spawn(app: App, handlers: Handlers, mut stop: watch::Receiver<bool>) -> JoinHandle<()> {
    tokio::spawn(async move {
        let woken = app.events.work();
        let mut turn = 0_u32;
        loop {
            if let Err(error) = round(&app, &handlers, &stop).await {
                tracing::error!(
                    cause = error.cause_for_log(),
                    "jobs could not be looked for"
                );
            }
            if turn.is_multiple_of(COUNTED_EVERY)
                && let Err(error) = count(&app).await
            {
                tracing::error!(cause = error.cause_for_log(), "jobs could not be counted");
            }
            turn = turn.wrapping_add(1);
            tokio::select! {
                biased;
                _ = stop.wait_for(|stop| *stop) => return,
                () = woken.notified() => {}
                () = tokio::time::sleep(TURN) => {}
            }
        }
    })
}

async fn round(app: &App, handlers: &Handlers, stop: &watch::Receiver<bool>) -> Result<()> {
    loop {
        let mut more = false;
        for tenant in store::tenants_with_work(&app.db, app.clock.now()).await? {
            if *stop.borrow() {
                return Ok(());
            }
            match some_of(app, handlers, tenant, AT_A_TIME).await {
                Ok(done) => more |= done == AT_A_TIME,
                Err(error) => {
                    tracing::error!(%tenant, cause = error.cause_for_log(), "jobs of a tenant can't be reached");
                }
            }
        }
        if !more {
            return Ok(());
        }
    }
}

/// Does everything of one tenant that is due, those jobs too that come of it. Returns how many; for commands and tests.
pub async fn run_due(app: &App, handlers: &Handlers, tenant: TenantId) -> Result<usize> {
    let mut done = 0;
    loop {
        let some = some_of(app, handlers, tenant, AT_A_TIME).await?;
        done += some;
        if some < AT_A_TIME {
            return Ok(done);
        }
    }
}

async fn some_of(
    app: &App,
    handlers: &Handlers,
    tenant: TenantId,
    at_most: usize,
) -> Result<usize> {
    let kinds: Vec<String> = handlers.0.keys().map(|kind| (*kind).to_owned()).collect();
    for done in 0..at_most {
        let Some(job) = store::take(&app.db, tenant, &kinds, app.clock.now(), LEASE).await? else {
            return Ok(done);
        };
        work_on(app, handlers, &job).await?;
    }
    Ok(at_most)
}

async fn work_on(app: &App, handlers: &Handlers, job: &Job) -> Result<()> {
    let Some(handler) = handlers.0.get(job.kind.as_str()) else {
        return Ok(());
    };
    let work = AssertUnwindSafe(handler(app, job)).catch_unwind();
    let outcome = match tokio::time::timeout(LONGEST, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(Error::internal("a panic; its place is in the log above")),
        Err(_) => Err(Error::new(Code::DeadlineExceeded)),
    };
    let kind = job.kind.clone();
    let counted = |outcome: &'static str| {
        metrics::counter!("chartwell_jobs_total", "kind" => kind.clone(), "outcome" => outcome)
            .increment(1);
    };
    let Err(error) = outcome else {
        counted("done");
        return store::done(&app.db, job).await;
    };
    let now = app.clock.now();
    let again = again(job.attempt, now);
    counted(if again.is_some() { "again" } else { "dead" });
    tracing::warn!(
        tenant = %job.tenant, kind = job.kind, job = %job.id, attempt = job.attempt, given_up = again.is_none(),
        code = error.code().as_str(), cause = error.cause_for_log(), "a job failed"
    );
    store::failed(&app.db, job, error.code().as_str(), again, now).await
}

/// When a job that has failed so often is tried again: after 10 s, and each time four times as long, at most six hours.
fn again(attempts: i32, now: Instant) -> Option<Instant> {
    let power = u32::try_from(attempts.max(1) - 1).unwrap_or(0);
    let pause = TimeDelta::seconds(10 * 4_i64.saturating_pow(power)).min(TimeDelta::hours(6));
    (attempts < TRIES).then(|| now + pause)
}

/// What was given up, for the metrics.
async fn count(app: &App) -> Result<()> {
    let (mut dead, mut open) = (0, 0);
    for tenant in tenant_ids(&app.db).await? {
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        for count in store::counts(&mut tx).await? {
            if count.state == "dead" {
                dead += count.jobs;
            } else {
                open += count.jobs;
            }
        }
    }
    for (name, jobs) in [("chartwell_jobs_dead", dead), ("chartwell_jobs_open", open)] {
        metrics::gauge!(name).set(f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel::Clock;

    #[test]
    fn tries_come_later_and_later_and_end() {
        let now = Clock::system().now();
        let pauses: Vec<_> = (1..=TRIES)
            .map(|attempt| again(attempt, now).map(|at| (at - now).num_seconds()))
            .collect();
        assert_eq!(
            pauses,
            [10, 40, 160, 640, 2_560, 10_240, 21_600]
                .map(Some)
                .into_iter()
                .chain([None])
                .collect::<Vec<_>>()
        );
    }
}

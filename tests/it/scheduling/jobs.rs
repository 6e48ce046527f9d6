//! Jobs: done once they are due, tried again, given up, and never lost.

use chrono::TimeDelta;
use kernel::{Code, Error, Result};
use platform::App;
use platform::db::SystemTx;
use platform::jobs::{self, Count, Handlers, Job, NewJob};
use serde_json::json;

use crate::support::TestTenant;

/// Does what the payload says, and leaves a job of another kind as its trace.
async fn obey(app: &App, job: &Job) -> Result<()> {
    let order: String = job.payload()?;
    if order == "fail" {
        return Err(Error::new(Code::Unavailable));
    }
    assert!(order != "panic", "as it was told");
    let mut tx = SystemTx::begin(&app.db, job.tenant).await?;
    let trace = NewJob::new("test.trace", json!({ "of": job.id }), app.clock.now());
    jobs::enqueue(&mut tx, &trace).await?;
    tx.commit().await
}

fn handlers() -> Handlers {
    Handlers::default().with("test.order", |app, job| Box::pin(obey(app, job)))
}

async fn order(clinic: &TestTenant, what: &str, key: Option<&str>, commit: bool) {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let mut job = NewJob::new("test.order", json!(what), clinic.clock.now());
    if let Some(key) = key {
        job = job.once(key);
    }
    jobs::enqueue(&mut tx, &job).await.expect("enqueued");
    if commit {
        tx.commit().await.expect("committed");
    }
}

async fn counts(clinic: &TestTenant) -> Vec<(String, String, i64)> {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let counts = jobs::counts(&mut tx).await.expect("counts");
    counts
        .into_iter()
        .map(|Count { kind, state, jobs }| (kind, state, jobs))
        .collect()
}

fn count(kind: &str, state: &str, jobs: i64) -> (String, String, i64) {
    (kind.to_owned(), state.to_owned(), jobs)
}

#[tokio::test]
async fn a_job_is_as_durable_as_what_it_follows_from_and_done_once() {
    let clinic = TestTenant::new().await;
    order(&clinic, "work", None, false).await;
    assert!(counts(&clinic).await.is_empty(), "rolled back with it");
    for _ in 0..3 {
        order(&clinic, "work", Some("one key"), true).await;
    }
    assert_eq!(counts(&clinic).await, [count("test.order", "waiting", 1)]);
    let done = jobs::run_due(&clinic.app, &handlers(), clinic.id)
        .await
        .expect("done");
    assert_eq!(done, 1);
    assert_eq!(counts(&clinic).await, [count("test.trace", "waiting", 1)]);
}

#[tokio::test]
async fn a_job_that_fails_is_tried_later_and_given_up_in_the_end() {
    let clinic = TestTenant::new().await;
    order(&clinic, "fail", None, true).await;
    order(&clinic, "panic", None, true).await;
    let mut tries = 0;
    for _ in 0..12 {
        tries += jobs::run_due(&clinic.app, &handlers(), clinic.id)
            .await
            .expect("looked at");
        clinic.clock.advance(TimeDelta::hours(7));
    }
    assert_eq!(tries, 16, "two jobs, eight tries each");
    assert_eq!(counts(&clinic).await, [count("test.order", "dead", 2)]);
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let again = jobs::retry_dead(&mut tx, clinic.clock.now())
        .await
        .expect("retried");
    tx.commit().await.expect("committed");
    assert_eq!(again, 2);
    assert_eq!(counts(&clinic).await, [count("test.order", "waiting", 2)]);
}

#[tokio::test]
async fn twenty_workers_at_once_do_a_job_once() {
    let clinic = TestTenant::new().await;
    for _ in 0..30 {
        order(&clinic, "work", None, true).await;
    }
    let workers = (0..20).map(|_| {
        let (app, id) = (clinic.app.clone(), clinic.id);
        tokio::spawn(async move { jobs::run_due(&app, &handlers(), id).await.expect("done") })
    });
    let mut done = 0;
    for worker in workers.collect::<Vec<_>>() {
        done += worker.await.expect("no panic");
    }
    assert_eq!(done, 30);
    assert_eq!(counts(&clinic).await, [count("test.trace", "waiting", 30)]);
}

#[tokio::test]
async fn what_a_worker_had_in_hand_when_it_died_is_taken_by_another() {
    let clinic = TestTenant::new().await;
    order(&clinic, "work", None, true).await;
    let mut connection = clinic.behind_the_curtain().await;
    // As a worker leaves it that was killed right after taking it.
    sqlx::query(
        "update app.jobs set state = 'running', attempts = 1, run_at = $2 where tenant_id = $1",
    )
    .bind(clinic.id.0)
    .bind(clinic.clock.now() + TimeDelta::minutes(5))
    .execute(&mut connection)
    .await
    .expect("taken");
    let done = jobs::run_due(&clinic.app, &handlers(), clinic.id).await;
    assert_eq!(done.expect("looked at"), 0, "its lease holds");
    clinic.clock.advance(TimeDelta::minutes(6));
    let done = jobs::run_due(&clinic.app, &handlers(), clinic.id).await;
    assert_eq!(done.expect("done"), 1);
}

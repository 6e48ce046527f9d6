//! Readings of devices by the ten thousand: a batch sent by a lone gateway, beside the insert of as many rows as the runtime
//! role, under the same policies, with nothing looked up, judged or numbered.

use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::load::Measured;
use super::people::{People, Role};
use super::report::{Goal, Row, median, thousands};
use super::seed::{self, Plan};
use super::server::Server;

/// Rows of a batch, the most there may be.
const ROWS: u32 = 10_000;
/// Readings a monitor takes at one time.
const AT_ONCE: u32 = 5;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.small().await?;
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Provider).await?;
    let mut client = Client::connect(server.address).await?;
    let mut sql = database.runtime()?.connect().await?;
    let started = Clock::system().now();
    let mut batches = 0;
    let mut next = || {
        batches += 1;
        batch(database.plan, started, batches)
    };
    send(&mut client, people.token(0), &next()).await?;
    insert(&mut sql, &database).await?;
    let (mut runs, mut beside, mut records, mut sent) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..options.runs {
        beside.push(
            repeat(options.duration(), async || {
                insert(&mut sql, &database).await
            })
            .await?,
        );
        let before = database.access_records().await?;
        // The batch is made before the clock runs.
        let (mut latencies, began) = (Vec::new(), Instant::now());
        while began.elapsed() < options.duration() {
            let body = next();
            let asked = Instant::now();
            send(&mut client, people.token(0), &body).await?;
            latencies.push(asked.elapsed());
        }
        sent += latencies.len();
        let took = latencies.iter().sum();
        runs.push(Measured::new(latencies, took));
        records += database.access_records().await? - before;
    }
    sql.close().await?;
    server.stop().await?;
    let rate = |runs: &[Measured]| median(runs.iter().map(Measured::rate).collect());
    let (ours, bare) = (
        rate(&runs) * f64::from(ROWS),
        rate(&beside) * f64::from(ROWS),
    );
    bench.report.add(Row {
        what: format!(
            "vital signs in batches of {}, audited",
            thousands(f64::from(ROWS))
        ),
        measured: format!(
            "{} rows/s; {:.1} access records a batch",
            thousands(ours),
            records as f64 / sent as f64
        ),
        beside: format!("bare multi-row insert: {} rows/s", thousands(bare)),
        ratio: Some(ours / bare),
        goal: Goal::Holds(ours >= 5_000.0, "≥ 5,000 rows/s".to_owned()),
    });
    ensure!(records >= sent as u64, "batches without an access record");
    Ok(())
}

async fn repeat(
    duration: Duration,
    mut work: impl AsyncFnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Measured> {
    let (mut latencies, began) = (Vec::new(), Instant::now());
    while began.elapsed() < duration {
        let asked = Instant::now();
        work().await?;
        latencies.push(asked.elapsed());
    }
    Ok(Measured::new(latencies, began.elapsed()))
}

/// Sends a batch; every row of it must be written.
async fn send(client: &mut Client, token: &str, body: &Value) -> anyhow::Result<()> {
    let request = client::post_as("/api/v1/vitals/batch?confirm=true", token, body);
    let answer = client.exchange(&request).await?;
    let said = || String::from_utf8_lossy(&answer.body[..answer.body.len().min(2_000)]);
    ensure!(answer.status == 200, "{}: {}", answer.status, said());
    let outcome: Value = serde_json::from_slice(answer.body)?;
    ensure!(
        outcome["created"] == ROWS,
        "not all were written: {}",
        said()
    );
    Ok(())
}

/// What monitors at the beds of a provider's patients send: five readings at a time, of times no batch before had.
fn batch(plan: Plan, started: DateTime<Utc>, number: u32) -> Value {
    let rows = (0..ROWS).map(|row| {
        let set = row / AT_ONCE;
        let (patient, round) = (set % plan.team(), set / plan.team());
        let seconds = i64::from(number) * 60 + i64::from(round);
        let reading = match row % AT_ONCE {
            0 => json!({ "kind": "heart_rate", "value": 62 + set % 30 }),
            1 => json!({ "kind": "respiratory_rate", "value": 12 + set % 7 }),
            2 => json!({ "kind": "temperature", "value": 36.5, "unit": "Cel" }),
            3 => json!({ "kind": "oxygen_saturation", "value": 96 + set % 4 }),
            _ => json!({ "kind": "blood_pressure", "systolic": 112 + set % 20, "diastolic": 74 }),
        };
        let mut reading = reading;
        reading["device_id"] = json!(format!("monitor-{}", patient % 200));
        json!({
            "patient_id": plan.patient(0, patient),
            "measured_at": started - TimeDelta::seconds(seconds),
            "device_reading_id": format!("{}-{number}-{row}", started.timestamp()),
            "reading": reading,
        })
    });
    json!({ "rows": rows.collect::<Vec<_>>() })
}

/// The same number of rows, one statement, durable.
async fn insert(connection: &mut PgConnection, database: &Database) -> anyhow::Result<()> {
    sqlx::query("begin").execute(&mut *connection).await?;
    let (tenant, user) = (seed::tenant(0), seed::provider(0));
    sqlx::query("select bench.as_provider($1, $2)")
        .bind(tenant)
        .bind(user)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "insert into app.vitals (tenant_id, id, set_id, patient_id, measured_at, kind, value, given_value, given_unit, device_id,
                                 source, recorded_by, recorded_at, updated_at)
         select $1, gen_random_uuid(), gen_random_uuid(), bench.id('30000000', n / 5 % $4), now() - n * interval '1 second',
                'heart_rate', 72, 72, '/min', 'monitor-7', 'device', $2, now(), now()
           from generate_series(0, $3 - 1) as n",
    )
    .bind(tenant)
    .bind(user)
    .bind(i64::from(ROWS))
    .bind(i64::from(database.plan.team()))
    .execute(&mut *connection)
    .await?;
    sqlx::query("commit").execute(&mut *connection).await?;
    Ok(())
}

//! Booking appointments, recorded: how long a lone caller waits, and how many bookings a second are answered when many want the
//! same places. Beside them a bare insert of the same rows, under the same constraints, with nothing checked or recorded.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use kernel::Clock;
use serde_json::{Value, json};
use sqlx::{ConnectOptions as _, Connection as _, PgConnection};
use uuid::Uuid;

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::load::{Measured, Random, Summary};
use super::people::{People, Role};
use super::report::{Goal, Row, thousands};
use super::seed;
use super::server::Server;

const PROVIDERS: u32 = 20;
/// Callers at once, as many as the server's pool has.
const CONNECTIONS: usize = 16;
/// Half-hour places of a provider's day.
const PLACES: u32 = 48;

/// What there is to book.
struct Clinic {
    facility: String,
    service: String,
    providers: Vec<String>,
    first: DateTime<Utc>,
    patients: Vec<Uuid>,
    token: String,
}

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.small().await?;
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Admin).await?;
    let clinic = Arc::new(open(&server, &database, people.token(0)).await?);
    let next = Arc::new(AtomicU32::new(0));
    let (mut alone, mut bare, mut contended) = (Vec::new(), Vec::new(), Vec::new());
    let (mut booked, mut records) = (0, 0);
    let mut sql = database.runtime()?.connect().await?;
    for _ in 0..options.runs {
        bare.push(insert_bare(&mut sql, &clinic, options.duration(), &next).await?);
        let before = database.access_records().await?;
        let (run, made) = book(&server, &clinic, 1, options.duration(), &next, 1).await?;
        ensure!(made == run.answers, "a place was taken that was nobody's");
        alone.push(run);
        // Eight callers for each place.
        let (run, more) = book(&server, &clinic, CONNECTIONS, options.duration(), &next, 8).await?;
        contended.push(run);
        booked += made + more;
        records += database.access_records().await? - before;
    }
    ensure!(
        records >= booked,
        "bookings without an access record: {records} of {booked}"
    );
    sql.close().await?;
    server.stop().await?;
    report(
        bench,
        &Summary::of(&alone),
        &Summary::of(&bare),
        &Summary::of(&contended),
    );
    Ok(())
}

fn report(bench: &mut Bench<'_>, alone: &Summary, bare: &Summary, contended: &Summary) {
    let said = |of: &Summary| {
        let rate = thousands(of.rate);
        format!(
            "{rate} /s, p50 {:.1} ms, p99 {:.1} ms",
            of.p50_ms, of.p99_ms
        )
    };
    bench.report.add(Row {
        what: "audited booking of a provider's time, a lone caller".to_owned(),
        measured: said(alone),
        beside: format!("bare insert of the same rows: {}", said(bare)),
        ratio: Some(alone.p50_ms / bare.p50_ms),
        goal: Goal::Holds(alone.p99_ms <= 15.0, "p99 ≤ 15 ms".to_owned()),
    });
    bench.report.add(Row {
        what: format!("bookings by {CONNECTIONS} at once, eight for each place, refusals with the next free times among them"),
        measured: said(contended),
        beside: String::new(),
        ratio: None,
        goal: Goal::Holds(contended.rate >= 500.0, "≥ 500 /s".to_owned()),
    });
}

/// A facility whose providers work around the clock, made through the API.
async fn open(server: &Server, database: &Database, token: &str) -> anyhow::Result<Clinic> {
    let mut client = Client::connect(server.address).await?;
    // The database may be one that was used before.
    let mark = Clock::system().now().timestamp();
    let facility =
        json!({ "code": format!("BOOK{mark}"), "name": "Booking", "time_zone": "Etc/UTC" });
    let facility = make(&mut client, token, "facilities", &facility).await?;
    let service = json!({ "code": format!("V{mark}"), "name": "Visit", "appointment_type": "consultation",
        "duration_minutes": 30, "ahead_days": 1100 });
    let service = make(&mut client, token, "scheduling/services", &service).await?;
    let mut providers = Vec::new();
    for number in 0..PROVIDERS {
        let who = json!({ "given_name": "Pat", "family_name": format!("Booked{number}") });
        let provider = make(&mut client, token, "providers", &who).await?;
        let hours = json!({ "facility_id": facility, "provider_id": provider, "rrule": "FREQ=DAILY",
            "local_from": "00:00", "local_until": "00:00", "valid_from": "2026-01-01" });
        make(&mut client, token, "scheduling/working-times", &hours).await?;
        providers.push(provider);
    }
    let day = Clock::system().now().date_naive() + Days::new(2);
    Ok(Clinic {
        facility,
        service,
        providers,
        first: day.and_time(NaiveTime::MIN).and_utc(),
        patients: (0..database.plan.per_tenant)
            .map(|number| database.plan.patient(0, number))
            .collect(),
        token: token.to_owned(),
    })
}

async fn make(
    client: &mut Client,
    token: &str,
    place: &str,
    body: &Value,
) -> anyhow::Result<String> {
    let request = client::post_as(&format!("/api/v1/{place}"), token, body);
    let answer = client.exchange(&request).await?;
    let text = String::from_utf8_lossy(answer.body);
    ensure!(answer.status == 201, "{place}: {} {text}", answer.status);
    let made: Value = serde_json::from_slice(answer.body)?;
    let id = made["id"].as_str().context("an id")?;
    Ok(id.to_owned())
}

impl Clinic {
    /// Place number so-and-so: whose time, and when.
    fn place(&self, number: u32) -> (&str, DateTime<Utc>) {
        let provider = &self.providers[(number % PROVIDERS) as usize];
        let day = number / PROVIDERS / PLACES;
        let half_hour = number / PROVIDERS % PLACES;
        let after = TimeDelta::days(day.into()) + TimeDelta::minutes(30 * i64::from(half_hour));
        (provider, self.first + after)
    }

    fn request(&self, number: u32, patient: u32) -> Vec<u8> {
        let (provider, start) = self.place(number);
        let patient = self.patients[patient as usize % self.patients.len()];
        let body = json!({ "patient_id": patient, "service_id": self.service, "facility_id": self.facility,
            "provider_id": provider, "starts_at": start });
        client::post_as("/api/v1/appointments", &self.token, &body)
    }
}

/// Books one place after the other; `wanted_by` callers want each. Returns how many were booked, too.
async fn book(
    server: &Server,
    clinic: &Arc<Clinic>,
    connections: usize,
    duration: Duration,
    next: &Arc<AtomicU32>,
    wanted_by: u32,
) -> anyhow::Result<(Measured, u64)> {
    let started = Instant::now();
    let first = next.load(Ordering::Relaxed) * wanted_by;
    let turn = Arc::new(AtomicU32::new(first));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..connections {
        let (clinic, turn, address) = (clinic.clone(), turn.clone(), server.address);
        tasks.spawn(caller(address, clinic, turn, started + duration, wanted_by));
    }
    let (mut latencies, mut booked) = (Vec::new(), 0);
    while let Some(done) = tasks.join_next().await {
        let (mine, made) = done??;
        latencies.extend(mine);
        booked += made;
    }
    next.store(
        turn.load(Ordering::Relaxed) / wanted_by + 1,
        Ordering::Relaxed,
    );
    Ok((Measured::new(latencies, started.elapsed()), booked))
}

async fn caller(
    address: SocketAddr,
    clinic: Arc<Clinic>,
    turn: Arc<AtomicU32>,
    until: Instant,
    wanted_by: u32,
) -> anyhow::Result<(Vec<Duration>, u64)> {
    let mut client = Client::connect(address).await?;
    let (mut latencies, mut booked) = (Vec::new(), 0);
    while Instant::now() < until {
        // Who wants a half-hour are different patients: only its place is fought for.
        let number = turn.fetch_add(1, Ordering::Relaxed);
        let request = clinic.request(number / wanted_by, number);
        let asked = Instant::now();
        let answer = client.exchange(&request).await?;
        latencies.push(asked.elapsed());
        match answer.status {
            201 => booked += 1,
            409 => {}
            other => anyhow::bail!("{other}: {}", String::from_utf8_lossy(answer.body)),
        }
    }
    Ok((latencies, booked))
}

/// The rows of a booking and nothing else, durable, as the runtime role.
async fn insert_bare(
    connection: &mut PgConnection,
    clinic: &Clinic,
    duration: Duration,
    next: &AtomicU32,
) -> anyhow::Result<Measured> {
    let (tenant, user) = (seed::tenant(0), seed::admin(0));
    let (mut latencies, began) = (Vec::new(), Instant::now());
    let mut random = Random::new(3);
    while began.elapsed() < duration {
        let (provider, start) = clinic.place(next.fetch_add(1, Ordering::Relaxed));
        let patient = clinic.patients[random.below(u32::try_from(clinic.patients.len())?) as usize];
        let asked = Instant::now();
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "begin; set local app.context = '{tenant} admin organization {user}  '"
        )))
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, provider_id, type, starts_at, ends_at,
                    time_zone, local_start, booked_by_role, created_at, updated_at)
             values ($1, $2, $3, $4::uuid, $5::uuid, $6::uuid, 'consultation', $7, $7 + interval '30 minutes', 'Etc/UTC',
                     $7 at time zone 'Etc/UTC', 'admin', now(), now())",
        )
        .bind(tenant)
        .bind(kernel::ids::mint())
        .bind(patient)
        .bind(&clinic.service)
        .bind(&clinic.facility)
        .bind(provider)
        .bind(start)
        .execute(&mut *connection)
        .await?;
        sqlx::query(
            "insert into app.reservations (tenant_id, id, appointment_id, patient_id, provider_id, party, starts_at, ends_at, state, created_at)
             select $1, gen_random_uuid(), a.id, w.patient, w.provider, a.id, a.starts_at, a.ends_at, 'booked', now()
               from app.appointments a
              cross join (values ($2::uuid, null::uuid), (null, $3::uuid)) w (patient, provider)
              where a.tenant_id = $1 and a.provider_id = $3::uuid and a.starts_at = $4
                 on conflict do nothing",
        )
        .bind(tenant)
        .bind(patient)
        .bind(provider)
        .bind(start)
        .execute(&mut *connection)
        .await?;
        sqlx::query("commit").execute(&mut *connection).await?;
        latencies.push(asked.elapsed());
    }
    Ok(Measured::new(latencies, began.elapsed()))
}

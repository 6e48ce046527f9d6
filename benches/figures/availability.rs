//! Free time of fifty providers over thirty days, most of which are taken: how long a lone caller waits for the first of it,
//! beside the statement that reads what is taken, which is the largest the server sends.

use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{TimeDelta, Utc};
use kernel::Clock;
use serde_json::Value;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::load::{self, Measured};
use super::people::{People, Role};
use super::report::{Goal, Row, median, thousands};
use super::seed;
use super::server::Server;

const PROVIDERS: i64 = 50;
const DAYS: i64 = 30;
const SETTLE: Duration = Duration::from_secs(5);

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.small().await?;
    let mut admin = database.admin().await?;
    let reservations = fill(&mut admin).await?;
    admin.close().await?;
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Admin).await?;
    tokio::time::sleep(SETTLE).await;
    for limit in [20, 200] {
        let path = path(limit);
        let found = ask(&server, &people, &path).await?;
        ensure!(
            found >= limit,
            "only {found} of {limit} free times were found"
        );
        let next = people.read_paths(std::slice::from_ref(&path));
        load::load(server.address, &next, 1, options.duration() / 2).await?;
        let (mut runs, mut sql) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            sql.push(bare(&database, options.duration()).await?);
            runs.push(load::load(server.address, &next, 1, options.duration()).await?);
        }
        let at = |runs: &[Measured], percent| {
            median(runs.iter().map(|run| run.percentile(percent)).collect())
        };
        let (p50, p99) = (at(&runs, 50), at(&runs, 99));
        bench.report.add(Row {
            what: format!(
                "first {limit} free times of {PROVIDERS} providers in {DAYS} days, {} reservations",
                thousands(reservations as f64)
            ),
            measured: format!("p50 {p50:.1} ms, p99 {p99:.1} ms"),
            beside: format!(
                "what is taken, in SQL: p50 {:.1} ms, p99 {:.1} ms",
                at(&sql, 50),
                at(&sql, 99)
            ),
            ratio: Some(p50 / at(&sql, 50)),
            goal: Goal::Holds(p99 <= 30.0, "p99 ≤ 30 ms".to_owned()),
        });
    }
    server.stop().await
}

fn id(kind: u8, number: i64) -> Uuid {
    Uuid::from_u128(
        u128::from(kind) << 120 | 0x7000_8000_0000_0000_0000 | u128::from(number.unsigned_abs()),
    )
}

fn path(limit: usize) -> String {
    let from = Clock::system().now() + TimeDelta::hours(12);
    let to = from + TimeDelta::days(DAYS);
    let instant = |at: chrono::DateTime<Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    format!(
        "/api/v1/scheduling/availability?service_id={}&facility_id={}&from={}&to={}&limit={limit}",
        id(0x71, 0),
        id(0x70, 0),
        instant(from),
        instant(to)
    )
}

async fn ask(server: &Server, people: &People, path: &str) -> anyhow::Result<usize> {
    let mut client = Client::connect(server.address).await?;
    let answer = client.exchange(&client::get(path, people.token(0))).await?;
    ensure!(
        answer.status == 200,
        "{}",
        String::from_utf8_lossy(answer.body)
    );
    let body: Value = serde_json::from_slice(answer.body)?;
    Ok(body["items"].as_array().map_or(0, Vec::len))
}

/// A facility, fifty providers who work from eight to five on weekdays, a room for each, and half-hour bookings of both: 17 of
/// 20 places are taken. Returns the reservations.
async fn fill(admin: &mut PgConnection) -> anyhow::Result<u64> {
    let tenant = seed::tenant(0);
    admin
        .execute("set session_replication_role = replica")
        .await?;
    let there: bool = sqlx::query_scalar(
        "select exists (select from app.facilities where tenant_id = $1 and id = $2)",
    )
    .bind(tenant)
    .bind(id(0x70, 0))
    .fetch_one(&mut *admin)
    .await?;
    if !there {
        for statement in [
            "insert into app.facilities (tenant_id, id, code, name, time_zone, created_at, updated_at)
             values ($1, $2, 'FIGURES', 'Figures', 'America/New_York', now(), now())",
            "insert into app.scheduling_services (tenant_id, id, code, name, appointment_type, duration_minutes, align_minutes, skills, room_kind, created_at, updated_at)
             select $1, $3, 'FIGURES', 'Figures', 'consultation', 30, 15, '{cardiology}', 'exam', now(), now() where $2 is not null",
        ] {
            sqlx::query(statement)
                .bind(tenant)
                .bind(id(0x70, 0))
                .bind(id(0x71, 0))
                .execute(&mut *admin)
                .await?;
        }
        for number in 0..PROVIDERS {
            one_provider(admin, tenant, number).await?;
        }
        admin.execute("analyze app.reservations").await?;
    }
    let count: i64 =
        sqlx::query_scalar("select count(*) from app.reservations where tenant_id = $1")
            .bind(tenant)
            .fetch_one(&mut *admin)
            .await?;
    Ok(count.unsigned_abs())
}

async fn one_provider(admin: &mut PgConnection, tenant: Uuid, number: i64) -> anyhow::Result<()> {
    for statement in [
        "insert into app.providers (tenant_id, id, given_name, family_name, sort_key, created_at, updated_at)
         select $1, $2, 'Figure', 'Provider' || $5, 'provider figure ' || $5, now(), now() where $3 is not null and $4 is not null",
        "insert into app.provider_specialty_keys (tenant_id, provider_id, key)
         select $1, $2, 'cardiology' where $3 is not null and $4 is not null and $5 is not null",
        "insert into app.scheduling_assets (tenant_id, id, facility_id, kind, asset_kind, code, name, created_at, updated_at)
         select $1, $3, $4, 'room', 'exam', 'R' || $5, 'Room ' || $5, now(), now() where $2 is not null",
        "insert into app.working_times (tenant_id, id, facility_id, provider_id, weekdays, local_from, local_until, valid_from, created_at, updated_at)
         select $1, gen_random_uuid(), $4, $2, '{1,2,3,4,5}', '08:00', '17:00', date '2020-01-01', now(), now()
          where $3 is not null and $5 is not null",
        "insert into app.reservations (tenant_id, id, appointment_id, provider_id, asset_id, party, starts_at, ends_at, state, created_at)
         select $1, gen_random_uuid(), gen_random_uuid(), case when w.room then null else $2::uuid end, case when w.room then $3::uuid end,
                gen_random_uuid(), t.at, t.at + interval '30 minutes', 'booked', now()
           from generate_series(0, 40) d
          cross join generate_series(0, 17) k
          cross join (values (false), (true)) w (room)
          cross join lateral (select ((current_date + d)::timestamp + time '08:00' + k * interval '30 minutes') at time zone 'America/New_York' as at) t
          where extract(isodow from current_date + d) < 6 and ($5::bigint * 7 + d * 5 + k * 3) % 20 < 17 and $4 is not null",
    ] {
        sqlx::query(statement)
            .bind(tenant)
            .bind(id(0x72, number))
            .bind(id(0x73, number))
            .bind(id(0x70, 0))
            .bind(number)
            .execute(&mut *admin)
            .await?;
    }
    Ok(())
}

/// What is taken of everybody and every room, as the server reads it.
async fn bare(database: &Database, duration: Duration) -> anyhow::Result<Measured> {
    let mut connection = database.runtime()?.connect().await?;
    let who: Vec<Uuid> = (0..PROVIDERS)
        .flat_map(|number| [id(0x72, number), id(0x73, number)])
        .collect();
    let tenant = seed::tenant(0);
    let head = format!(
        "begin read only; set local app.context = '{tenant} admin organization {}  '",
        seed::admin(0)
    );
    let now = Clock::system().now();
    let from = now + TimeDelta::hours(12) - TimeDelta::days(3);
    let (mut latencies, began) = (Vec::new(), Instant::now());
    while began.elapsed() < duration {
        let asked = Instant::now();
        connection
            .execute(sqlx::AssertSqlSafe(head.as_str()))
            .await?;
        let rows = sqlx::query(
            "select r.resource_id, array_agg(r.starts_at), array_agg(r.ends_at)
               from app.reservations r
              where r.tenant_id = $1 and r.resource_id = any($2) and r.starts_at > $3 and r.starts_at < $4 and r.ends_at > $5
                and r.state in ('held', 'booked', 'overbooked') and (r.state <> 'held' or r.expires_at > $6)
              group by r.resource_id",
        )
        .bind(tenant)
        .bind(&who)
        .bind(from - TimeDelta::hours(40))
        .bind(from + TimeDelta::days(DAYS + 6))
        .bind(from)
        .bind(now)
        .fetch_all(&mut connection)
        .await?;
        connection.execute("rollback").await?;
        latencies.push(asked.elapsed());
        ensure!(!rows.is_empty(), "nothing is taken");
    }
    connection.close().await?;
    Ok(Measured::new(latencies, began.elapsed()))
}

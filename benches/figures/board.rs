//! The flow board's stream of events: how far behind two thousand clients are, and what each costs the server's memory.
//!
//! Half of them see every patient, half are on the patient's care team, five streams an account. Each change is one UPDATE of
//! an appointment; it counts until the last client has heard of it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use sqlx::Executor as _;
use sqlx::postgres::PgListener;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::report::{Goal, Row};
use super::seed::{PASSWORD, tenant};
use super::server::Server;

const CLIENTS: usize = 2_000;
const STREAMS_OF_AN_ACCOUNT: usize = 5;
const CHANGES: usize = 50;
const SETTLE: Duration = Duration::from_secs(3);

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let database = bench.postgres.small().await?;
    prepare(&database).await?;
    let folder = bench.postgres.folder();
    // Each on a server of its own, because what one leaves to the allocator would serve the next: hashing passwords takes
    // much memory, and gives it back.
    let server = Server::start(&database, folder).await?;
    let tokens = log_in(&server).await?;
    server.stop().await?;
    let server = Server::start(&database, folder).await?;
    let idle = idle_connections(&server).await?;
    server.stop().await?;
    let server = Server::start(&database, folder).await?;
    tokio::time::sleep(SETTLE).await;
    let before = server.forget_peak().context("no memory to read")?;
    let (heard, mut arrivals) = mpsc::unbounded_channel();
    let mut clients = JoinSet::new();
    for number in 0..CLIENTS {
        let token = &tokens[number / STREAMS_OF_AN_ACCOUNT];
        let stream = open(&server, token).await?;
        clients.spawn(listen(stream, heard.clone()));
    }
    tokio::time::sleep(SETTLE).await;
    let waits = change(&database, &mut arrivals).await?;
    let after = server.forget_peak().context("no memory to read")?;
    drop(clients);
    server.stop().await?;
    let each = (after - before) * 1024.0 / CLIENTS as f64;
    bench.report.add(Row {
        what: format!("board events, {CLIENTS} clients, {CHANGES} changes"),
        measured: format!(
            "p50 {:.0} ms, p99 {:.0} ms, last {:.0} ms after the UPDATE was sent",
            waits.clients[waits.clients.len() / 2],
            waits.clients[waits.clients.len() * 99 / 100],
            waits.clients[waits.clients.len() - 1]
        ),
        beside: format!(
            "one bare LISTEN: p50 {:.1} ms",
            waits.bare[waits.bare.len() / 2]
        ),
        ratio: None,
        goal: Goal::Holds(
            waits.clients[waits.clients.len() - 1] <= 1_000.0,
            "≤ 1 s".to_owned(),
        ),
    });
    bench.report.add(Row {
        what: "memory of the server for each client of the board".to_owned(),
        measured: format!("{each:.1} KiB"),
        beside: format!("a kept-alive connection: {idle:.1} KiB"),
        ratio: None,
        goal: Goal::Holds(each <= 20.0, "≤ 20 KiB".to_owned()),
    });
    Ok(())
}

/// Accounts, and an appointment of today.
async fn prepare(database: &Database) -> anyhow::Result<()> {
    let mut connection = database.admin().await?;
    let accounts = CLIENTS / STREAMS_OF_AN_ACCOUNT;
    let sql = format!(
        "set app.context = '{tenant} system organization   ';
         delete from app.appointments where tenant_id = '{tenant}';
         delete from app.care_team_members where tenant_id = '{tenant}' and role = 'nurse';
         delete from app.users where tenant_id = '{tenant}' and email like 'board-%';
         insert into app.users (tenant_id, id, email, email_key, given_name, family_name, role, password_hash, password_set_at,
                                created_at, updated_at)
         select u.tenant_id, gen_random_uuid(), 'board-' || n || '@bench.example', 'board-' || n || '@bench.example', 'Robin', 'Board',
                case n % 2 when 0 then 'admin' else 'nurse' end, u.password_hash, now(), now(), now()
           from app.users u, generate_series(0, {accounts} - 1) n
          where u.tenant_id = '{tenant}' and u.email = 'admin@bench.example';
         insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, valid_from, created_at, updated_at)
         select u.tenant_id, gen_random_uuid(), bench.id('30000000', 0), u.id, 'nurse', now() - interval '1 day', now(), now()
           from app.users u where u.tenant_id = '{tenant}' and u.email like 'board-%' and u.role = 'nurse';
         insert into app.scheduling_services (tenant_id, id, code, name, appointment_type, duration_minutes, created_at, updated_at)
         values ('{tenant}', bench.id('60000000', 0), 'BOARD', 'Visit', 'consultation', 30, now(), now()) on conflict do nothing;
         insert into app.appointments (tenant_id, id, patient_id, service_id, facility_id, type, starts_at, ends_at, time_zone, local_start,
                                       booked_by_role, created_at, updated_at)
         values ('{tenant}', bench.id('61000000', 0), bench.id('30000000', 0), bench.id('60000000', 0), bench.id('23000000', 0),
                 'consultation', now() + interval '1 hour', now() + interval '90 minutes', 'America/New_York', now(), 'system', now(), now())",
        tenant = tenant(0),
    );
    connection.execute(sqlx::AssertSqlSafe(sql)).await?;
    Ok(())
}

/// Tokens of the accounts.
async fn log_in(server: &Server) -> anyhow::Result<Vec<String>> {
    let mut client = Client::connect(server.address).await?;
    let mut tokens = Vec::new();
    for number in 0..CLIENTS / STREAMS_OF_AN_ACCOUNT {
        let proof = json!({ "tenant": "tenant-0", "email": format!("board-{number}@bench.example"), "password": PASSWORD });
        let answer = client
            .exchange(&client::post("/api/v1/auth/login", &proof))
            .await?;
        ensure!(answer.status == 200, "login: {}", answer.status);
        let body: Value = serde_json::from_slice(answer.body)?;
        let token = body["access_token"].as_str().context("no token")?;
        tokens.push(token.to_owned());
    }
    Ok(tokens)
}

/// KiB of the server for a connection that was used once and is kept open.
async fn idle_connections(server: &Server) -> anyhow::Result<f64> {
    tokio::time::sleep(SETTLE).await;
    let before = server.forget_peak().context("no memory to read")?;
    let mut kept = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = Client::connect(server.address).await?;
        client.exchange(&client::get("/livez", "")).await?;
        kept.push(client);
    }
    let after = server.forget_peak().context("no memory to read")?;
    Ok((after - before) * 1024.0 / CLIENTS as f64)
}

/// A stream that has begun.
async fn open(server: &Server, token: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(server.address).await?;
    stream.set_nodelay(true)?;
    stream
        .write_all(&client::get("/api/v1/scheduling/board/events", token))
        .await?;
    let mut begun = Vec::new();
    while !begun.windows(6).any(|bytes| bytes == b": open") {
        ensure!(stream.read_buf(&mut begun).await? > 0, "the server hung up");
        ensure!(
            begun.starts_with(b"HTTP/1.1 200"),
            "{}",
            String::from_utf8_lossy(&begun)
        );
    }
    Ok(stream)
}

/// Says when it hears of a change, for as long as it is connected.
async fn listen(mut stream: TcpStream, heard: mpsc::UnboundedSender<Instant>) {
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        let at = Instant::now();
        if piece[..read]
            .windows(14)
            .any(|bytes| bytes == b"event: changed")
            && heard.send(at).is_err()
        {
            return;
        }
    }
}

/// Milliseconds from the UPDATE to its being heard, in order.
struct Waits {
    clients: Vec<f64>,
    bare: Vec<f64>,
}

async fn change(
    database: &Database,
    arrivals: &mut mpsc::UnboundedReceiver<Instant>,
) -> anyhow::Result<Waits> {
    let mut connection = database.admin().await?;
    let context = format!("set app.context = '{} system organization   '", tenant(0));
    connection.execute(sqlx::AssertSqlSafe(context)).await?;
    let pool = sqlx::PgPool::connect_with(database.runtime()?).await?;
    let mut bare = PgListener::connect_with(&pool).await?;
    bare.listen("chartwell_board").await?;
    let mut waits = Waits {
        clients: Vec::new(),
        bare: Vec::new(),
    };
    for change in 0..CHANGES {
        let status = if change % 2 == 0 {
            "confirmed"
        } else {
            "scheduled"
        };
        let sent = Instant::now();
        sqlx::query(
            "update app.appointments set status = $1, version = version + 1 where tenant_id = $2",
        )
        .bind(status)
        .bind(tenant(0))
        .execute(&mut connection)
        .await?;
        bare.recv().await?;
        waits.bare.push(sent.elapsed().as_secs_f64() * 1_000.0);
        for _ in 0..CLIENTS {
            let at = tokio::time::timeout(Duration::from_secs(10), arrivals.recv())
                .await
                .context("a client did not hear of a change")?
                .context("every client is gone")?;
            waits
                .clients
                .push(at.duration_since(sent).as_secs_f64() * 1_000.0);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    for waits in [&mut waits.clients, &mut waits.bare] {
        waits.sort_by(f64::total_cmp);
    }
    Ok(waits)
}

//! Opening a chart of ten years, recorded: how long a lone caller waits, and how long each of sixteen, beside the statements of
//! the same request without the server. As somebody who sees everybody, and as a provider who sees whom he cares for.

use anyhow::ensure;
use uuid::Uuid;

use super::Bench;
use super::client::{self, Client};
use super::load::{self, Summary};
use super::people::{People, Role};
use super::report::{Goal, Row, thousands};
use super::seed;
use super::server::Server;
use super::statement::{self, Probe};

/// As many as the server's pool has.
const CONNECTIONS: usize = 16;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    for role in [Role::Admin, Role::Provider] {
        as_role(bench, role).await?;
    }
    Ok(())
}

async fn as_role(bench: &mut Bench<'_>, role: Role) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.charted().await?;
    let patients: Vec<String> = (0..database.plan.charts)
        .map(|number| database.plan.patient(0, number).to_string())
        .collect();
    let paths: Vec<String> = patients
        .iter()
        .map(|patient| format!("/api/v1/patients/{patient}/chart"))
        .collect();
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, role).await?;
    let user = match role {
        Role::Admin => seed::admin(0),
        Role::Provider => seed::provider(0),
    };
    let who: (Uuid, Uuid) = (seed::tenant(0), user);
    let everybody = [who];
    let next = people.read_paths(&paths);
    load::load(server.address, &next, CONNECTIONS, options.duration() / 2).await?;
    let probe = Probe {
        tenant: who.0,
        user: who.1,
        family: patients[0].clone(),
    };
    let request = open(&server, &people, &paths[0]);
    let transaction = statement::capture(&database, &bench.postgres.log(), probe, request).await?;
    let runtime = database.runtime()?;
    for connections in [1, CONNECTIONS] {
        let (mut runs, mut sql, mut records, mut answers) = (Vec::new(), Vec::new(), 0, 0);
        for _ in 0..options.runs {
            let time = options.duration();
            let replayed = transaction.replay(&runtime, &everybody, &patients, connections, time);
            sql.push(replayed.await?);
            let before = database.access_records().await?;
            let run = load::load(server.address, &next, connections, time).await?;
            records += database.access_records().await? - before;
            answers += run.answers;
            runs.push(run);
        }
        ensure!(
            records >= answers,
            "answers left without a durable record: {records} of {answers}"
        );
        let (run, sql) = (Summary::of(&runs), Summary::of(&sql));
        report(bench, role, connections, &run, &sql);
    }
    server.stop().await
}

fn report(bench: &mut Bench<'_>, role: Role, connections: usize, run: &Summary, sql: &Summary) {
    let said = |of: &Summary| {
        format!(
            "{} /s, p50 {:.1} ms, p99 {:.1} ms",
            thousands(of.rate),
            of.p50_ms,
            of.p99_ms
        )
    };
    let alone = connections == 1;
    bench.report.add(Row {
        what: format!(
            "audited chart of 2,000 encounters, 5,000 readings, 300 notes, {}, {}",
            role.as_str(),
            if alone {
                "a lone caller".to_owned()
            } else {
                format!("{connections} at once")
            }
        ),
        measured: said(run),
        beside: format!("SQL alone: {}", said(sql)),
        ratio: Some(run.p50_ms / sql.p50_ms),
        goal: if alone {
            Goal::Holds(run.p99_ms <= 50.0, "p99 ≤ 50 ms".to_owned())
        } else {
            Goal::None
        },
    });
}

async fn open(server: &Server, people: &People, path: &str) -> anyhow::Result<()> {
    let mut client = Client::connect(server.address).await?;
    let answer = client.exchange(&client::get(path, people.token(0))).await?;
    ensure!(
        answer.status == 200,
        "{}: {}",
        answer.status,
        String::from_utf8_lossy(answer.body)
    );
    Ok(())
}

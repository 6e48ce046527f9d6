//! Searching the text of notes, recorded: how long a lone caller waits, beside the statements of the same search without the
//! server, and how many a second there are when sixteen ask at once.

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
/// What is typed, and whether it stands in quotes. Words that an eighth of the notes have, two of them, phrases, and names that a
/// note in a thousand has.
const TYPED: [(&[&str], bool); 12] = [
    (&["headache"], false),
    (&["hypertension"], false),
    (&["lisinopril"], false),
    (&["migraine"], false),
    (&["asthma"], false),
    (&["chest", "pain", "exertion"], false),
    (&["migraine", "ibuprofen"], false),
    (&["edema", "echocardiogram"], false),
    (&["chest pain"], true),
    (&["three days"], true),
    (&["carterson"], false),
    (&["silverwood"], false),
];

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    for role in [Role::Admin, Role::Provider] {
        as_role(bench, role).await?;
    }
    Ok(())
}

async fn as_role(bench: &mut Bench<'_>, role: Role) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.noted().await?;
    let paths: Vec<String> = TYPED.iter().map(path).collect();
    let asked: Vec<String> = TYPED.iter().map(as_logged).collect();
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, role).await?;
    let who = |tenant| {
        let user = match role {
            Role::Admin => seed::admin(tenant),
            Role::Provider => seed::provider(tenant),
        };
        (seed::tenant(tenant), user)
    };
    let next = people.read_paths(&paths);
    load::load(server.address, &next, CONNECTIONS, options.duration() / 2).await?;
    let probe = Probe {
        tenant: who(0).0,
        user: who(0).1,
        family: asked[0].clone(),
    };
    let request = ask(&server, &people, &paths[0]);
    let transaction = statement::capture(&database, &bench.postgres.log(), probe, request).await?;
    let everybody: Vec<(Uuid, Uuid)> = (0..database.plan.tenants).map(who).collect();
    let runtime = database.runtime()?;
    for connections in [1, CONNECTIONS] {
        let (mut runs, mut sql, mut records, mut answers) = (Vec::new(), Vec::new(), 0, 0);
        for _ in 0..options.runs {
            let time = options.duration();
            let replayed = transaction.replay(&runtime, &everybody, &asked, connections, time);
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
            "audited search among {} notes in {} tenants, 20 rows, {}, {}",
            thousands(f64::from(bench.options.notes)),
            bench.options.note_tenants,
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
            Goal::Holds(run.p50_ms <= 20.0, "p50 ≤ 20 ms".to_owned())
        } else {
            Goal::None
        },
    });
}

/// In the address.
fn path((words, quoted): &(&[&str], bool)) -> String {
    let typed = words.join("%20").replace(' ', "%20");
    let mark = if *quoted { "%22" } else { "" };
    format!("/api/v1/search/notes?q={mark}{typed}{mark}&limit=20")
}

/// As the server hands it to PostgreSQL, whose log doubles the quotes.
fn as_logged((words, _): &(&[&str], bool)) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("(''{word}'')")).collect();
    format!("({})", words.join(" & "))
}

async fn ask(server: &Server, people: &People, path: &str) -> anyhow::Result<()> {
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

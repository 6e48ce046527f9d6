//! Finding a diagnosis while typing, in a code system of full size: how long a lone caller waits for each letter, beside a scan
//! of the table by the database.

use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use clinical::terminology::{self, Line, Release, System};
use kernel::Clock;
use platform::db::{Db, DbOptions};
use sqlx::{ConnectOptions as _, Connection as _};

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::load::{self, Measured, Random};
use super::people::{People, Role};
use super::report::{Goal, Row, median, thousands};
use super::seed;
use super::server::Server;
use super::terms;

/// Different things that are typed.
const TYPED: usize = 5_000;
/// Beginnings that most of the terms have.
const COMMON: [&str; 10] = [
    "i o", "o", "s", "e i", "o u", "i", "r i e", "of i", "o s i e", "u o s",
];
/// A server's own work goes on in the background when it answers its first question.
const SETTLE: Duration = Duration::from_secs(5);

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.small().await?;
    let terms = match &options.icd10cm {
        Some(file) => terminology::read(System::Icd10cm, &std::fs::read_to_string(file)?, None)
            .map_err(seed::told)?,
        None => terms::made_up(),
    };
    let amount = terms.len();
    let typed = terms::typed(&terms, TYPED);
    load_terms(&database, terms).await?;
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Provider).await?;
    let asked = Instant::now();
    let mut client = Client::connect(server.address).await?;
    let answer = client
        .exchange(&client::get(&path("typ 2 diab"), people.token(0)))
        .await?;
    ensure!(
        answer.status == 200,
        "{}",
        String::from_utf8_lossy(answer.body)
    );
    let first = asked.elapsed();
    tokio::time::sleep(SETTLE).await;

    let common: Vec<String> = COMMON.map(str::to_owned).to_vec();
    for (what, typed) in [
        ("what is typed", typed),
        ("short common beginnings", common),
    ] {
        let next = people.read_paths(&typed.iter().map(|typed| path(typed)).collect::<Vec<_>>());
        load::load(server.address, &next, 1, options.duration() / 2).await?;
        let (mut runs, mut sql) = (Vec::new(), Vec::new());
        for _ in 0..options.runs {
            sql.push(scan(&database, &typed, options.duration()).await?);
            runs.push(load::load(server.address, &next, 1, options.duration()).await?);
        }
        let at = |runs: &[Measured], percent| {
            median(runs.iter().map(|run| run.percentile(percent)).collect())
        };
        let (p50, p99) = (at(&runs, 50), at(&runs, 99));
        bench.report.add(Row {
            what: format!("typeahead in {} codes, {what}", thousands(amount as f64)),
            measured: format!("p50 {p50:.2} ms, p99 {p99:.2} ms"),
            beside: format!(
                "scan in SQL: p50 {:.0} ms, p99 {:.0} ms",
                at(&sql, 50),
                at(&sql, 99)
            ),
            ratio: Some(p99 / at(&sql, 99)),
            goal: Goal::Holds(p99 <= 5.0, "p99 ≤ 5 ms".to_owned()),
        });
    }
    server.stop().await?;
    bench.report.add(Row {
        what: "its first question, as soon as the server answers".to_owned(),
        measured: format!("{:.0} ms", first.as_secs_f64() * 1000.0),
        beside: String::new(),
        ratio: None,
        goal: Goal::None,
    });
    Ok(())
}

/// As `chartwell terminology load` does.
async fn load_terms(database: &Database, terms: Vec<Line>) -> anyhow::Result<()> {
    let db = Db::new(&DbOptions::from_url(&database.runtime_url).map_err(seed::told)?);
    let release = Release {
        system: System::Icd10cm,
        version: "figures".to_owned(),
        effective_from: "2020-01-01".parse()?,
        complete: true,
    };
    let loaded = terminology::load(&db, &release, terms, Clock::system().now()).await;
    db.close().await;
    let loaded = loaded.map_err(seed::told).context("loading the codes")?;
    ensure!(loaded.concepts > 0, "no codes were loaded");
    Ok(())
}

fn path(typed: &str) -> String {
    let typed = typed.replace(' ', "%20");
    format!("/api/v1/terminology/icd10cm?q={typed}")
}

/// The words' beginnings, as a database without our index finds them.
async fn scan(
    database: &Database,
    typed: &[String],
    duration: Duration,
) -> anyhow::Result<Measured> {
    let mut connection = database.runtime()?.connect().await?;
    let mut random = Random::new(13);
    let (mut latencies, began) = (Vec::new(), Instant::now());
    while began.elapsed() < duration {
        let words: Vec<String> = random
            .choose(typed)
            .split(' ')
            .map(|word| format!("\\m{word}"))
            .collect();
        let asked = Instant::now();
        sqlx::query(
            "select c.code, c.display from app.terminology_concepts c
               join app.terminology_versions v on v.id = c.version_id and v.system = 'icd10cm' and v.version = 'figures' and v.status = 'loaded'
              where c.display ~* all($1)
              order by length(c.display), c.code limit 10",
        )
        .bind(words)
        .fetch_all(&mut connection)
        .await?;
        latencies.push(asked.elapsed());
    }
    connection.close().await?;
    Ok(Measured::new(latencies, began.elapsed()))
}

//! Opening a chart, recorded: the server against pgbench doing the least that the same would take.

use std::path::PathBuf;

use anyhow::ensure;

use super::Bench;
use super::database::Database;
use super::load::{self, Summary};
use super::people::{People, Role};
use super::pgbench::Pgbench;
use super::report::{Goal, Row, median, thousands};
use super::server::Server;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.large().await?;
    let script = write_script(&database, folder.join("point_read.sql"))?;
    let pgbench = Pgbench::find(&bench.postgres.bin);
    if pgbench.is_none() {
        eprintln!("   there is no pgbench here: no comparison");
    }
    let server = Server::start(&database, folder).await?;
    let people = People::log_in(&server, database.plan, Role::Provider).await?;
    let next = people.read_patients();
    load::load(
        server.address,
        &next,
        options.connections,
        options.duration() / 2,
    )
    .await?;

    let (mut runs, mut beside, mut answers, mut records) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..options.runs {
        if let Some(pgbench) = &pgbench {
            beside.push(pgbench.run(&database, &script, options.seconds).await?);
        }
        let before = database.access_records().await?;
        let run = load::load(
            server.address,
            &next,
            options.connections,
            options.duration(),
        )
        .await?;
        records += database.access_records().await? - before;
        answers += run.answers;
        runs.push(run);
    }
    let memory = server.peak_memory();
    server.stop().await?;

    let ours = Summary::of(&runs);
    let tps = median(beside.iter().map(|run| run.rate).collect());
    let mean = median(beside.iter().map(|run| run.mean_ms).collect());
    bench.report.add(Row {
        what: format!(
            "audited read of a patient, {} connections",
            options.connections
        ),
        measured: format!(
            "{} /s, p50 {:.1} ms, p99 {:.1} ms",
            thousands(ours.rate),
            ours.p50_ms,
            ours.p99_ms
        ),
        beside: format!("pgbench: {} /s, mean {mean:.1} ms", thousands(tps)),
        ratio: (!beside.is_empty()).then_some(ours.rate / tps),
        goal: Goal::AtLeast(2.0),
    });
    bench.report.add(Row {
        what: "its p99".to_owned(),
        measured: format!("{:.1} ms", ours.p99_ms),
        beside: format!("p50: {:.1} ms", ours.p50_ms),
        ratio: Some(ours.p99_ms / ours.p50_ms),
        goal: Goal::AtMost(4.0),
    });
    bench.report.add(Row {
        what: "its records in the access log".to_owned(),
        measured: thousands(records as f64),
        beside: format!("answers: {}", thousands(answers as f64)),
        ratio: Some(records as f64 / answers as f64),
        goal: Goal::Holds(records >= answers, "≥ answers".to_owned()),
    });
    if let Some(memory) = memory {
        bench.report.add(Row {
            what: "server memory under that load, at its highest".to_owned(),
            measured: format!("{memory:.0} MiB"),
            beside: String::new(),
            ratio: None,
            goal: Goal::Holds(memory <= 150.0, "≤ 150".to_owned()),
        });
    }
    ensure!(records >= answers, "answers left without a durable record");
    Ok(())
}

/// The script with the numbers of the database in it.
fn write_script(database: &Database, path: PathBuf) -> anyhow::Result<PathBuf> {
    let plan = database.plan;
    let numbers = format!(
        "\\set tenants {}\n\\set per_tenant {}\n\\set team {}\n",
        plan.tenants,
        plan.per_tenant,
        plan.team()
    );
    std::fs::write(&path, numbers + include_str!("point_read.sql"))?;
    Ok(path)
}

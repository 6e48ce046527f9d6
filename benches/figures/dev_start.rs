//! From `chartwell dev` to its first answer: in an empty folder with the demo data, and in the folder it left.

use std::time::Instant;

use super::Bench;
use super::report::{Goal, Row, median};
use super::server::{Server, chartwell, free_address};

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let folder = bench.postgres.folder().join("dev");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder)?;
    let first = start(bench, &folder).await?;
    let mut again = Vec::new();
    for _ in 0..bench.options.runs {
        again.push(start(bench, &folder).await?);
    }
    std::fs::remove_dir_all(&folder)?;
    let again = median(again);
    for (what, seconds, goal) in [
        ("first start of `dev`, with demo data", first, 20.0),
        ("start of `dev` with its data there", again, 2.0),
    ] {
        bench.report.add(Row {
            what: what.to_owned(),
            measured: format!("{seconds:.2} s"),
            beside: String::new(),
            ratio: None,
            goal: Goal::Holds(seconds <= goal, format!("≤ {goal} s")),
        });
    }
    Ok(())
}

/// Seconds to the first answer; then stops it.
async fn start(bench: &Bench<'_>, folder: &std::path::Path) -> anyhow::Result<f64> {
    let address = free_address()?;
    let mut command = chartwell();
    command
        .args([
            "dev",
            "--no-fetch",
            "--listen",
            &address.to_string(),
            "--data-dir",
        ])
        .arg(folder.join("data"))
        .env("CHARTWELL_PG_BIN", &bench.postgres.bin);
    let started = Instant::now();
    let server = Server::run(command, address, folder).await?;
    let seconds = started.elapsed().as_secs_f64();
    server.stop().await?;
    Ok(seconds)
}

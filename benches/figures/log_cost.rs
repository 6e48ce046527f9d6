//! What the access log costs: the same reads with and without it.

use super::Bench;
use super::load;
use super::people::{People, Role};
use super::report::{Goal, Row, thousands};
use super::server::Server;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.large().await?;
    let logged = Server::start(&database, folder).await?;
    let unlogged = Server::start_without_log(&database, folder).await?;
    let plan = database.plan;
    let targets = [
        (
            logged.address,
            People::log_in(&logged, plan, Role::Provider)
                .await?
                .read_patients(),
        ),
        (
            unlogged.address,
            People::log_in(&unlogged, plan, Role::Provider)
                .await?
                .read_patients(),
        ),
    ];
    let [with, without] = load::in_turns(options, targets).await?;
    logged.stop().await?;
    unlogged.stop().await?;
    bench.report.add(Row {
        what: "cost of the access log, reads".to_owned(),
        measured: format!(
            "with: {} /s, p50 {:.1} ms",
            thousands(with.rate),
            with.p50_ms
        ),
        beside: format!(
            "without: {} /s, p50 {:.1} ms",
            thousands(without.rate),
            without.p50_ms
        ),
        ratio: Some(without.rate / with.rate),
        goal: Goal::AtMost(1.5),
    });
    Ok(())
}

//! One encounter by its id: among 120 monthly partitions, and among 3.

use super::Bench;
use super::load;
use super::people::{People, Role};
use super::report::{Goal, Row, thousands};
use super::server::Server;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let (small, wide) = (bench.postgres.small().await?, bench.postgres.wide().await?);
    let few = Server::start(&small, folder).await?;
    let many = Server::start(&wide, folder).await?;
    let targets = [
        (
            few.address,
            People::log_in(&few, small.plan, Role::Provider)
                .await?
                .read_encounters(),
        ),
        (
            many.address,
            People::log_in(&many, wide.plan, Role::Provider)
                .await?
                .read_encounters(),
        ),
    ];
    let [of_few, of_many] = load::in_turns(options, targets).await?;
    few.stop().await?;
    many.stop().await?;
    bench.report.add(Row {
        what: "audited read of an encounter among 120 months".to_owned(),
        measured: format!(
            "{} /s, p50 {:.1} ms",
            thousands(of_many.rate),
            of_many.p50_ms
        ),
        beside: format!(
            "among 3: {} /s, p50 {:.1} ms",
            thousands(of_few.rate),
            of_few.p50_ms
        ),
        ratio: Some(of_few.rate / of_many.rate),
        goal: Goal::AtMost(1.2),
    });
    Ok(())
}

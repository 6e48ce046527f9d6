//! What it costs a provider that the database asks of every row whether he may see it: the wait of a lone caller with 3,000
//! patients on his team, beside an admin, who sees everybody.

use super::Bench;
use super::load::{self, Measured};
use super::people::{People, Role};
use super::report::{Goal, Row, median};
use super::search;
use super::server::Server;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let database = bench.postgres.large().await?;
    let families = search::families(&database).await?;
    let prefixes: Vec<String> = families.iter().map(|family| search::path(family)).collect();
    let initials: Vec<String> = families
        .iter()
        .map(|family| search::path(&family[..1]))
        .collect();
    let list = |limit: u32| vec![format!("/api/v1/patients?limit={limit}")];
    let cases = [
        ("first page of 20", list(20)),
        ("first page of 200", list(200)),
        ("search by a family's beginning", prefixes),
        ("search by its first letter", initials),
    ];
    let server = Server::start(&database, folder).await?;
    let provider = People::log_in(&server, database.plan, Role::Provider).await?;
    let admin = People::log_in(&server, database.plan, Role::Admin).await?;
    for (what, paths) in cases {
        let mut runs = [Vec::new(), Vec::new()];
        for _ in 0..options.runs {
            for (people, runs) in [&provider, &admin].into_iter().zip(&mut runs) {
                runs.push(
                    load::load(
                        server.address,
                        &people.read_paths(&paths),
                        1,
                        options.duration(),
                    )
                    .await?,
                );
            }
        }
        let [provider, admin] = runs.map(|runs| {
            median(
                runs.iter()
                    .map(|run: &Measured| run.percentile(50))
                    .collect(),
            )
        });
        bench.report.add(Row {
            what: format!(
                "{what}, provider with {} of {} patients",
                database.plan.team(),
                database.plan.per_tenant
            ),
            measured: format!("p50 {provider:.1} ms"),
            beside: format!("admin: {admin:.1} ms"),
            ratio: Some(provider / admin),
            goal: Goal::None,
        });
    }
    server.stop().await?;
    Ok(())
}

//! Search by the beginning of a family name, twenty rows, recorded: against its SQL alone, and against a hundredth of the
//! patients.

use anyhow::ensure;
use sqlx::Connection as _;
use uuid::Uuid;

use super::Bench;
use super::client::{self, Client};
use super::database::Database;
use super::load::{self, Summary};
use super::people::{People, Role};
use super::report::{Goal, Row, thousands};
use super::seed;
use super::server::Server;
use super::statement::{self, Probe};

/// Connections of the SQL alone: as many as the server's pool has.
const SQL_CONNECTIONS: usize = 16;

pub async fn measure(bench: &mut Bench<'_>) -> anyhow::Result<()> {
    for role in [Role::Admin, Role::Provider] {
        as_role(bench, role).await?;
    }
    Ok(())
}

async fn as_role(bench: &mut Bench<'_>, role: Role) -> anyhow::Result<()> {
    let (options, folder) = (bench.options, bench.postgres.folder());
    let (large, small) = (bench.postgres.large().await?, bench.postgres.small().await?);
    let families = families(&large).await?;
    let paths: Vec<String> = families.iter().map(|family| path(family)).collect();
    let server = Server::start(&large, folder).await?;
    let small_server = Server::start(&small, folder).await?;
    let people = People::log_in(&server, large.plan, role).await?;
    let few_people = People::log_in(&small_server, small.plan, role).await?;

    let who = |tenant| person(role, tenant);
    let probe = Probe {
        tenant: who(0).0,
        user: who(0).1,
        family: families[0].clone(),
    };
    let request = ask(&server, &people, &paths[0]);
    let transaction = statement::capture(&large, &bench.postgres.log(), probe, request).await?;
    let everybody: Vec<(Uuid, Uuid)> = (0..large.plan.tenants).map(who).collect();
    let runtime = large.runtime()?;

    let next = people.read_paths(&paths);
    let few_next = few_people.read_paths(&paths);
    for (server, next) in [(&server, &next), (&small_server, &few_next)] {
        load::load(
            server.address,
            next,
            options.connections,
            options.duration() / 2,
        )
        .await?;
    }
    let (mut runs, mut sql, mut few) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..options.runs {
        sql.push(
            transaction
                .replay(
                    &runtime,
                    &everybody,
                    &families,
                    SQL_CONNECTIONS,
                    options.duration(),
                )
                .await?,
        );
        runs.push(
            load::load(
                server.address,
                &next,
                options.connections,
                options.duration(),
            )
            .await?,
        );
        few.push(
            load::load(
                small_server.address,
                &few_next,
                options.connections,
                options.duration(),
            )
            .await?,
        );
    }
    server.stop().await?;
    small_server.stop().await?;
    report(
        bench,
        role,
        [&Summary::of(&runs), &Summary::of(&sql), &Summary::of(&few)],
    );
    Ok(())
}

fn report(bench: &mut Bench<'_>, role: Role, [run, sql, few]: [&Summary; 3]) {
    let role = role.as_str();
    let measured = format!(
        "{} /s, p50 {:.1} ms, p99 {:.1} ms",
        thousands(run.rate),
        run.p50_ms,
        run.p99_ms
    );
    bench.report.add(Row {
        what: format!("audited search by family prefix, 20 rows, {role}"),
        measured: measured.clone(),
        beside: format!("SQL alone: {} /s", thousands(sql.rate)),
        ratio: Some(sql.rate / run.rate),
        goal: Goal::AtMost(1.5),
    });
    bench.report.add(Row {
        what: format!(
            "the same among {} patients, {role}",
            thousands(f64::from(bench.options.patients))
        ),
        measured,
        beside: format!(
            "among {}: {} /s",
            thousands(f64::from(bench.options.per_tenant())),
            thousands(few.rate)
        ),
        ratio: Some(few.rate / run.rate),
        goal: Goal::AtMost(1.3),
    });
}

fn person(role: Role, tenant: u32) -> (Uuid, Uuid) {
    let user = match role {
        Role::Admin => seed::admin(tenant),
        Role::Provider => seed::provider(tenant),
    };
    (seed::tenant(tenant), user)
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

pub fn path(family: &str) -> String {
    format!("/api/v1/patients?family={family}&limit=20")
}

/// What family names begin with, each with its share of every tenant's patients.
pub async fn families(database: &Database) -> anyhow::Result<Vec<String>> {
    let mut connection = database.admin().await?;
    let stems: Vec<String> = sqlx::query_scalar("select bench.stems()")
        .fetch_one(&mut connection)
        .await?;
    connection.close().await?;
    Ok(stems.iter().map(|stem| stem.to_lowercase()).collect())
}

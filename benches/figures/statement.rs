//! The SQL alone: what the server sends for a request, taken from PostgreSQL's log and sent again without the server.
//!
//! So the comparison is always with the statements of today's code, and nobody copies SQL into a benchmark.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, PgConnection};
use tokio::task::JoinSet;
use uuid::Uuid;

use super::database::Database;
use super::load::{Measured, Random};

/// The log is written by another process, in its own time.
const SETTLE: Duration = Duration::from_millis(400);

/// Who asks, and for which family.
#[derive(Clone, Debug)]
pub struct Probe {
    pub tenant: Uuid,
    pub user: Uuid,
    pub family: String,
}

/// The transaction of one request, in the words of one probe.
#[derive(Clone, Debug)]
pub struct Transaction {
    probe: Probe,
    /// `BEGIN` and the context.
    head: String,
    /// Statement and arguments.
    statements: Vec<(String, String)>,
}

/// Watches the log while `request` is asked, as `probe`.
pub async fn capture(
    database: &Database,
    log: &Path,
    probe: Probe,
    request: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<Transaction> {
    let mut admin = database.admin().await?;
    set(&mut admin, "alter system set log_statement = 'all'").await?;
    let from = std::fs::metadata(log)?.len();
    let asked = request.await;
    set(&mut admin, "alter system reset log_statement").await?;
    asked?;
    let text = std::fs::read(log)?;
    let text = String::from_utf8_lossy(text.get(usize::try_from(from)?..).unwrap_or_default())
        .into_owned();
    find(&text, probe).with_context(|| format!("no transaction of the request in the log:\n{text}"))
}

async fn set(admin: &mut PgConnection, statement: &'static str) -> anyhow::Result<()> {
    tokio::time::sleep(SETTLE).await;
    sqlx::raw_sql(statement).execute(&mut *admin).await?;
    sqlx::raw_sql("select pg_reload_conf()")
        .execute(&mut *admin)
        .await?;
    tokio::time::sleep(SETTLE).await;
    Ok(())
}

/// An entry: `<pid> LOG:  statement: …`, its further lines indented by a tab, perhaps `<pid> DETAIL:  parameters: …` after it.
fn find(log: &str, probe: Probe) -> Option<Transaction> {
    let log = log.replace("\n\t", "\n ");
    let entries: Vec<(&str, &str)> = entries(&log);
    let (at, (pid, head)) = entries.iter().enumerate().find(|(_, (_, entry))| {
        entry.starts_with("LOG:  statement: begin")
            && entry.contains(&probe.tenant.to_string())
            && entry.contains(&probe.user.to_string())
    })?;
    let mut statements: Vec<(String, String)> = Vec::new();
    for (_, entry) in entries[at + 1..].iter().filter(|(of, _)| of == pid) {
        // What the driver asks once a connection, about a type it meets for the first time.
        if entry.starts_with("LOG:  statement: SELECT pg_type") {
            continue;
        }
        if let Some(execute) = entry.strip_prefix("LOG:  execute ") {
            statements.push((execute.split_once(": ")?.1.trim().to_owned(), String::new()));
        } else if let Some((_, given)) = entry
            .strip_prefix("DETAIL:  ")
            .and_then(|rest| rest.split_once("arameters: "))
        {
            statements.last_mut()?.1 = arguments(given);
        } else {
            break;
        }
    }
    let head = head.strip_prefix("LOG:  statement: ")?.trim().to_owned();
    (!statements.is_empty()).then_some(Transaction {
        probe,
        head,
        statements,
    })
}

fn entries(log: &str) -> Vec<(&str, &str)> {
    let mut starts: Vec<usize> = Vec::new();
    let mut at = 0;
    for line in log.split_inclusive('\n') {
        let pid = line.split(' ').next().unwrap_or_default();
        if !pid.is_empty() && pid.bytes().all(|byte| byte.is_ascii_digit()) {
            starts.push(at);
        }
        at += line.len();
    }
    starts.push(log.len());
    starts
        .windows(2)
        .filter_map(|pair| log[pair[0]..pair[1]].split_once(' '))
        .collect()
}

/// From `$1 = 'a', $2 = NULL` to `'a', NULL`.
fn arguments(logged: &str) -> String {
    let mut text = logged
        .trim()
        .strip_prefix("$1 = ")
        .unwrap_or_default()
        .to_owned();
    for number in 2..100 {
        text = text.replace(&format!(", ${number} = "), ", ");
    }
    text
}

impl Transaction {
    /// Runs it again and again on so many connections, as any of `people`, each asking for any of `families`.
    pub async fn replay(
        &self,
        runtime: &PgConnectOptions,
        people: &[(Uuid, Uuid)],
        families: &[String],
        connections: usize,
        duration: Duration,
    ) -> anyhow::Result<Measured> {
        let family = quoted(&self.probe.family);
        ensure!(
            self.statements
                .iter()
                .any(|(_, given)| given.contains(&family)),
            "the statement does not take {family}"
        );
        let mut ready = Vec::new();
        for _ in 0..connections {
            let mut connection = runtime.connect().await?;
            for (number, (sql, _)) in self.statements.iter().enumerate() {
                run(
                    &mut connection,
                    format!("prepare replayed_{number} as {sql}"),
                )
                .await?;
            }
            ready.push(connection);
        }
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for (number, mut connection) in ready.into_iter().enumerate() {
            let (this, people, families) = (self.clone(), people.to_vec(), families.to_vec());
            let mut random = Random::new(number as u64);
            tasks.spawn(async move {
                let mut latencies = Vec::new();
                while started.elapsed() < duration {
                    let (tenant, user) = *random.choose(&people);
                    let probe = Probe {
                        tenant,
                        user,
                        family: random.choose(&families).clone(),
                    };
                    let asked = Instant::now();
                    this.once(&mut connection, &probe).await?;
                    latencies.push(asked.elapsed());
                }
                anyhow::Ok(latencies)
            });
        }
        let mut latencies = Vec::new();
        while let Some(done) = tasks.join_next().await {
            latencies.extend(done??);
        }
        Ok(Measured::new(latencies, started.elapsed()))
    }

    async fn once(&self, connection: &mut PgConnection, probe: &Probe) -> anyhow::Result<()> {
        run(connection, self.as_asked_by(probe, &self.head)).await?;
        for (number, (_, given)) in self.statements.iter().enumerate() {
            run(
                connection,
                format!(
                    "execute replayed_{number}({})",
                    self.as_asked_by(probe, given)
                ),
            )
            .await?;
        }
        run(connection, "rollback".to_owned()).await
    }

    fn as_asked_by(&self, probe: &Probe, text: &str) -> String {
        text.replace(&self.probe.tenant.to_string(), &probe.tenant.to_string())
            .replace(&self.probe.user.to_string(), &probe.user.to_string())
            .replace(&quoted(&self.probe.family), &quoted(&probe.family))
    }
}

fn quoted(text: &str) -> String {
    format!("'{text}'")
}

async fn run(connection: &mut PgConnection, sql: String) -> anyhow::Result<()> {
    sqlx::raw_sql(AssertSqlSafe(sql))
        .fetch_all(connection)
        .await?;
    Ok(())
}

//! What the project's own scripts need: a database that lives as long as one program runs.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Args;
use platform::db::embedded::{Cluster, ClusterOptions, LocateOptions, PgPrograms};
use sqlx::{Connection as _, Executor as _, PgConnection};

use crate::server::told;

#[derive(Args, Debug)]
pub struct WithDatabase {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true)]
    command: Vec<String>,
}

/// Reads a document from standard input and prints its text. Called by the server, in a child process with limits, because
/// the document may be hostile: the process knows nothing and may die.
pub fn extract_text(content_type: &str) -> anyhow::Result<ExitCode> {
    use std::io::{Read as _, Write as _};
    let mut content = Vec::new();
    std::io::stdin().lock().read_to_end(&mut content)?;
    match clinical::documents::extract(&content, content_type) {
        // Who has read enough closes the pipe.
        Some(text) => {
            let _ = std::io::stdout().write_all(text.as_bytes());
            Ok(ExitCode::SUCCESS)
        }
        None => Ok(ExitCode::FAILURE),
    }
}

/// The program runs as the superuser of the cluster: it describes queries, it does not serve.
pub async fn with_database(arguments: WithDatabase) -> anyhow::Result<ExitCode> {
    let folder = std::env::temp_dir().join(format!("chartwell-{}", std::process::id()));
    let cluster = tokio::task::spawn_blocking(move || -> anyhow::Result<Cluster> {
        let programs = PgPrograms::locate(&LocateOptions::any(true))?;
        Ok(Cluster::start(
            &programs,
            &ClusterOptions::throwaway(folder, std::process::id()),
        )?)
    })
    .await??;
    let mut connection = PgConnection::connect(&cluster.url("postgres")).await?;
    connection.execute("create database chartwell").await?;
    let url = cluster.url("chartwell");
    platform::db::migrate::run_folder(&url, Path::new("migrations"))
        .await
        .map_err(told)
        .context("the migrations failed")?;
    let (program, rest) = arguments.command.split_first().context("a program")?;
    let status = tokio::process::Command::new(program)
        .args(rest)
        .env("DATABASE_URL", &url)
        .status()
        .await?;
    tokio::task::spawn_blocking(move || cluster.stop()).await??;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

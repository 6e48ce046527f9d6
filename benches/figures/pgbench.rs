//! PostgreSQL's own load generator: what the server is compared with.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::database::Database;

/// Clients and threads, as the goal states them.
const CLIENTS: [&str; 4] = ["-c", "16", "-j", "2"];

/// The program.
pub struct Pgbench(PathBuf);

/// What came of a run.
pub struct Tps {
    pub rate: f64,
    pub mean_ms: f64,
}

impl Pgbench {
    /// Beside the programs that run the cluster, else on the `PATH`; the fetched programs come without it.
    pub fn find(bin: &Path) -> Option<Self> {
        let beside = std::fs::canonicalize(bin.join("postgres"))
            .ok()
            .and_then(|real| Some(real.parent()?.join("pgbench")));
        let candidates = [
            Some(bin.join("pgbench")),
            beside,
            Some(PathBuf::from("pgbench")),
        ];
        let works = |program: &PathBuf| {
            Command::new(program)
                .arg("--version")
                .output()
                .is_ok_and(|output| output.status.success())
        };
        candidates.into_iter().flatten().find(works).map(Self)
    }

    /// Runs a script for so many seconds, as the runtime role, over the same socket as the server.
    pub async fn run(
        &self,
        database: &Database,
        script: &Path,
        seconds: u32,
    ) -> anyhow::Result<Tps> {
        let mut command = Command::new(&self.0);
        command
            .args(["-n", "-M", "prepared"])
            .args(CLIENTS)
            .args(["-T", &seconds.to_string(), "-f"])
            .arg(script)
            .envs(database.variables.iter().map(|(name, value)| (name, value)));
        let output = tokio::task::spawn_blocking(move || command.output()).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(
            output.status.success(),
            "pgbench failed:\n{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(Tps {
            rate: number(&said, "tps = ")?,
            mean_ms: number(&said, "latency average = ")?,
        })
    }
}

fn number(said: &str, after: &str) -> anyhow::Result<f64> {
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix(after))
        .with_context(|| format!("no `{after}` in:\n{said}"))?;
    Ok(line.split_whitespace().next().unwrap_or_default().parse()?)
}

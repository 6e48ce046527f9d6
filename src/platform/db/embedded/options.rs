//! How a cluster is run: for keeps, or for one test run.

use std::path::PathBuf;

/// What [`Cluster::start`](super::Cluster::start) needs to know.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// A folder for this cluster alone; made, and closed to everybody else.
    pub dir: PathBuf,
    /// The process whose end is the cluster's end. When it is another than this one, dropping the `Cluster` leaves
    /// PostgreSQL running.
    pub owner_pid: u32,
    /// Whether commits survive a crash of the machine. Throwaway data left by an earlier run is wiped at the start.
    pub durable: bool,
    /// Delete `dir` once PostgreSQL has stopped, however that comes about.
    pub remove_on_stop: bool,
    /// PostgreSQL settings on top of the defaults; a later one wins.
    pub settings: Vec<(String, String)>,
}

/// For every cluster of ours.
const COMMON: [(&str, &str); 7] = [
    ("max_connections", "200"),
    // A query over a table of 120 monthly partitions locks each and its indexes.
    ("max_locks_per_transaction", "256"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    // The detail of a constraint violation quotes the row, and a log is no place for a patient's data.
    ("log_error_verbosity", "terse"),
    ("random_page_cost", "1.1"),
    // Short statements gain nothing from it, and the fetched programs have none.
    ("jit", "off"),
];

const DURABLE: [(&str, &str); 4] = [
    ("max_wal_size", "2GB"),
    ("min_wal_size", "256MB"),
    ("checkpoint_timeout", "15min"),
    ("wal_compression", "on"),
];

const THROWAWAY: [(&str, &str); 8] = [
    ("shared_buffers", "128MB"),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("max_wal_size", "2GB"),
];

impl ClusterOptions {
    /// For `dev` and the benchmark: the data stays, commits are durable, this process is the owner.
    pub fn durable(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            owner_pid: std::process::id(),
            durable: true,
            remove_on_stop: false,
            settings: pairs(&COMMON).chain(pairs(&DURABLE)).collect(),
        }
        .with("shared_buffers", &format!("{}MB", cache_mib()))
    }

    /// For tests: fast, forgetful, and deleted when process `owner_pid` is gone.
    pub fn throwaway(dir: impl Into<PathBuf>, owner_pid: u32) -> Self {
        Self {
            dir: dir.into(),
            owner_pid,
            durable: false,
            remove_on_stop: true,
            settings: pairs(&COMMON).chain(pairs(&THROWAWAY)).collect(),
        }
    }

    /// Adds or overrides a PostgreSQL setting.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A quarter of the machine's memory, as PostgreSQL's manual advises, within reason. Only what is used is taken.
fn cache_mib() -> u64 {
    const LEAST: u64 = 256;
    const MOST: u64 = 4096;
    // Elsewhere than on Linux nobody says.
    let Ok(memory) = std::fs::read_to_string("/proc/meminfo") else {
        return LEAST;
    };
    let kib = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|total| total.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.map_or(LEAST, |kib| (kib / 4 / 1024).clamp(LEAST, MOST))
}

fn pairs(settings: &'static [(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    settings
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
}

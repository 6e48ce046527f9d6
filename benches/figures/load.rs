//! Load: connections that ask one request after the other, for so long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::ensure;

use super::client::Client;
use super::options::Options;
use super::report::median;

/// Writes the next request into the (empty) buffer.
pub type NextRequest = Arc<dyn Fn(&mut Random, &mut Vec<u8>) + Send + Sync>;

/// What came of it.
pub struct Measured {
    pub answers: u64,
    pub seconds: f64,
    /// Microseconds, sorted.
    latencies: Vec<u32>,
}

/// Medians over several runs.
pub struct Summary {
    pub rate: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

impl Measured {
    pub fn new(latencies: Vec<Duration>, took: Duration) -> Self {
        let micros = |latency: Duration| u32::try_from(latency.as_micros()).unwrap_or(u32::MAX);
        let mut latencies: Vec<u32> = latencies.into_iter().map(micros).collect();
        latencies.sort_unstable();
        Self {
            answers: latencies.len() as u64,
            seconds: took.as_secs_f64(),
            latencies,
        }
    }

    pub fn rate(&self) -> f64 {
        self.answers as f64 / self.seconds
    }

    /// Milliseconds below which so many of a hundred stay.
    pub fn percentile(&self, percent: usize) -> f64 {
        let index = self.latencies.len() * percent / 100;
        self.latencies
            .get(index)
            .map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }
}

impl Summary {
    pub fn of(runs: &[Measured]) -> Self {
        Self {
            rate: median(runs.iter().map(Measured::rate).collect()),
            p50_ms: median(runs.iter().map(|run| run.percentile(50)).collect()),
            p99_ms: median(runs.iter().map(|run| run.percentile(99)).collect()),
        }
    }
}

/// Loads the server. Any answer but a 200 is an error: what is refused is quickly answered, and proves nothing.
pub async fn load(
    address: SocketAddr,
    next: &NextRequest,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Measured> {
    let next = next.clone();
    // One thread without work stealing costs the least, and the machine is shared with the server.
    tokio::task::spawn_blocking(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(run(address, next, connections, duration))
    })
    .await?
}

/// Loads several servers in turns, each warmed up before.
pub async fn in_turns<const N: usize>(
    options: &Options,
    targets: [(SocketAddr, NextRequest); N],
) -> anyhow::Result<[Summary; N]> {
    for (address, next) in &targets {
        load(*address, next, options.connections, options.duration() / 2).await?;
    }
    let mut runs = [const { Vec::new() }; N];
    for _ in 0..options.runs {
        for ((address, next), runs) in targets.iter().zip(&mut runs) {
            runs.push(load(*address, next, options.connections, options.duration()).await?);
        }
    }
    Ok(runs.map(|runs| Summary::of(&runs)))
}

async fn run(
    address: SocketAddr,
    next: NextRequest,
    connections: usize,
    duration: Duration,
) -> anyhow::Result<Measured> {
    let mut clients = Vec::with_capacity(connections);
    for _ in 0..connections {
        clients.push(Client::connect(address).await?);
    }
    let started = Instant::now();
    let mut tasks = tokio::task::JoinSet::new();
    for (number, client) in clients.into_iter().enumerate() {
        tasks.spawn(ask(
            client,
            next.clone(),
            Random::new(number as u64),
            started + duration,
        ));
    }
    let mut latencies = Vec::new();
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    Ok(Measured::new(latencies, started.elapsed()))
}

async fn ask(
    mut client: Client,
    next: NextRequest,
    mut random: Random,
    until: Instant,
) -> anyhow::Result<Vec<Duration>> {
    let mut latencies = Vec::with_capacity(1 << 14);
    let mut request = Vec::with_capacity(1024);
    loop {
        let asked = Instant::now();
        if asked >= until {
            return Ok(latencies);
        }
        request.clear();
        next(&mut random, &mut request);
        let answer = client.exchange(&request).await?;
        ensure!(
            answer.status == 200,
            "{}: {}",
            answer.status,
            String::from_utf8_lossy(answer.body)
        );
        latencies.push(asked.elapsed());
    }
}

/// Xorshift: cheap, and the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self((seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Less than `bound`.
    pub fn below(&mut self, bound: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 32) % u64::from(bound.max(1))).unwrap_or_default()
    }

    /// Any of them; there is one at least.
    pub fn choose<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(u32::try_from(of.len()).unwrap_or(u32::MAX)) as usize]
    }
}

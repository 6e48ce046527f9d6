//! `chartwell serve` and `chartwell worker`: production, configured by the environment alone.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clinical::patients::keep_looking;
use clinical::terminology;
use kernel::Clock;
use platform::maintenance;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::Chartwell;
use crate::config::{Config, Environment};
use crate::server::{self, Shutdown};

/// The longest the end of the periodic work is waited for, after the requests: together within the half minute that orchestrators
/// give a program to stop.
const LAST_PIECE: Duration = Duration::from_secs(8);

pub async fn serve() -> anyhow::Result<ExitCode> {
    super::privacy::keep_to_ourselves();
    let config = Config::from_environment(&Environment::of_process())?;
    let shutdown = Shutdown::on_signal();
    server::install_metrics();
    let chartwell = server::assemble(&config, Clock::system()).await?;
    chartwell.identity.start_listener();
    let maintenance = maintain(&chartwell, &config, &shutdown);
    let ready = terminology::keep_ready(chartwell.app.clone(), shutdown.receiver());
    let listener = TcpListener::bind(config.http.listen)
        .await
        .with_context(|| format!("can't listen on {}", config.http.listen))?;
    tracing::info!(address = %config.http.listen, "serving");
    server::listen(listener, chartwell.router.clone(), shutdown).await;
    wind_up(&chartwell, async { tokio::join!(maintenance, ready) }).await;
    tracing::info!("stopped");
    Ok(ExitCode::SUCCESS)
}

pub async fn worker() -> anyhow::Result<ExitCode> {
    super::privacy::keep_to_ourselves();
    let config = Config::from_environment(&Environment::of_process())?;
    let mut shutdown = Shutdown::on_signal();
    let chartwell = server::assemble(&config, Clock::system()).await?;
    tracing::info!("working");
    let work = maintain(&chartwell, &config, &shutdown);
    shutdown.wait().await;
    wind_up(&chartwell, work).await;
    Ok(ExitCode::SUCCESS)
}

/// Waits for the periodic work to end and closes the database. What takes too long is cut off: each piece of it is a transaction,
/// and the next server takes it up.
pub async fn wind_up(chartwell: &Chartwell, work: impl Future) {
    let ended = async {
        work.await;
        chartwell.app.db.close().await;
    };
    if timeout(LAST_PIECE, ended).await.is_err() {
        tracing::warn!("periodic work did not end in time and is cut off");
    }
}

/// Starts the periodic work; it ends with the server.
pub fn maintain(chartwell: &Chartwell, config: &Config, shutdown: &Shutdown) -> JoinHandle<()> {
    let options = maintenance::Options {
        seal_file: config.operations.seal_file.clone(),
        partitions_ahead: config.operations.partitions_ahead,
    };
    let work = maintenance::spawn(chartwell.app.clone(), options, shutdown.receiver());
    let documents = clinical::documents::spawn(chartwell.app.clone(), shutdown.receiver());
    let looking = keep_looking(chartwell.app.clone(), shutdown.receiver());
    let nights = scheduling::nightly::spawn(chartwell.app.clone(), shutdown.receiver());
    let jobs = platform::jobs::spawn(chartwell.app.clone(), crate::jobs(), shutdown.receiver());
    let (events, mut stop) = (chartwell.app.events.clone(), shutdown.clone());
    tokio::spawn(async move {
        // Streams of events would keep a server from stopping.
        let streams = async {
            stop.wait().await;
            events.close();
        };
        let _ = tokio::join!(work, documents, looking, nights, jobs, streams);
    })
}

//! `chartwell dev`: one command, a running EHR.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Args;
use clinical::terminology;
use tokio::net::TcpListener;

use super::banner;
use super::installation::{DATA_DIR, Installation};
use super::serve;
use crate::Chartwell;
use crate::demo;
use crate::server::{self, Shutdown};

/// What a shell expects of a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

#[derive(Args, Debug)]
pub struct Arguments {
    /// Where to listen; loopback only, because the demo passwords are public
    #[arg(long, default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Where the data lies
    #[arg(long, default_value = DATA_DIR)]
    data_dir: PathBuf,
    /// Start empty, without the demo's tenants
    #[arg(long)]
    no_demo: bool,
    /// The demo's seed: the same seed, the same people
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Do not fetch PostgreSQL's programs if there are none
    #[arg(long)]
    no_fetch: bool,
}

pub async fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    if !arguments.listen.ip().is_loopback() {
        bail!(
            "dev listens on loopback only, because its demo passwords are public; use `chartwell serve` for anything else"
        );
    }
    let shutdown = Shutdown::on_signal();
    let listener = TcpListener::bind(arguments.listen)
        .await
        .with_context(|| format!("can't listen on {}; another server may be there (--listen 127.0.0.1:0 takes a free port)", arguments.listen))?;
    let address = listener.local_addr()?;
    let mut stop = shutdown.clone();
    let (installation, chartwell) = tokio::select! {
        prepared = prepare(&arguments, address) => prepared?,
        () = stop.wait() => {
            // A database may be starting in a thread that nothing can call back. The watcher beside it stops it when this
            // process is gone, as after a kill.
            aside!("stopping");
            std::process::exit(INTERRUPTED);
        }
    };
    chartwell.identity.start_listener();
    let maintenance = serve::maintain(&chartwell, &installation.config, &shutdown);
    let ready = terminology::keep_ready(chartwell.app.clone(), shutdown.receiver());
    if arguments.no_demo {
        banner::without_demo(address);
    } else {
        banner::with_demo(address);
    }
    tokio::select! {
        () = server::listen(listener, chartwell.router.clone(), shutdown) => {}
        // Nothing can be answered any more, nor can what is under way come to its end.
        reason = installation.ended() => bail!(reason),
    }
    aside!("stopping");
    serve::wind_up(&chartwell, async { tokio::join!(maintenance, ready) }).await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// A database that runs, a server that knows it, and the demo in it.
async fn prepare(
    arguments: &Arguments,
    address: SocketAddr,
) -> anyhow::Result<(Installation, Chartwell)> {
    let mut installation = Installation::dev(&arguments.data_dir, !arguments.no_fetch).await?;
    installation.config.http.listen = address;
    installation.config.http.settings.public_url = format!("http://{address}");
    std::fs::write(arguments.data_dir.join("address"), address.to_string())?;
    server::install_metrics();
    let chartwell = installation.open().await?;
    if !arguments.no_demo {
        demo::load(&chartwell.app, arguments.seed)
            .await
            .context("the demo data could not be loaded")?;
    }
    Ok((installation, chartwell))
}

//! The server with its access log switched off: what the log's price is measured against.
//!
//! It exists in this program alone: the server is built without the feature `bench`, and so without the switch.

use chartwell::config::{Config, Environment};
use chartwell::server::{self, Shutdown};
use kernel::Clock;
use platform::audit::AccessWriter;
use tokio::net::TcpListener;

/// As `chartwell serve`, but for the log.
pub fn serve() -> anyhow::Result<()> {
    let config = Config::from_environment(&Environment::of_process())?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?
        .block_on(async {
            let shutdown = Shutdown::on_signal();
            server::install_metrics();
            let chartwell = server::assemble_with(&config, Clock::system(), |_| {
                AccessWriter::switched_off_for_bench()
            })
            .await?;
            chartwell.identity.start_listener();
            let listener = TcpListener::bind(config.http.listen).await?;
            server::listen(listener, chartwell.router.clone(), shutdown).await;
            chartwell.app.db.close().await;
            Ok(())
        })
}

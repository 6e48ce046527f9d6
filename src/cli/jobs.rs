//! `chartwell jobs …`: what waits to be done, and what was given up.

use std::process::ExitCode;

use clap::Subcommand;
use identity::tenants::Listed;
use kernel::Clock;
use platform::db::SystemTx;
use platform::jobs;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Jobs {
    /// Count the jobs by tenant, kind and state
    List {
        #[command(flatten)]
        place: Where,
    },
    /// Let what was given up be tried again
    Retry {
        #[command(flatten)]
        place: Where,
    },
}

pub async fn run(command: Jobs) -> anyhow::Result<ExitCode> {
    let (Jobs::List { place } | Jobs::Retry { place }) = &command;
    let installation = Installation::find(place).await?;
    let db = installation.db().await?;
    for Listed { id, slug, .. } in identity::tenants::list(&db).await.map_err(told)? {
        let mut tx = SystemTx::begin(&db, id).await.map_err(told)?;
        if let Jobs::Retry { .. } = command {
            let again = jobs::retry_dead(&mut tx, Clock::system().now())
                .await
                .map_err(told)?;
            tx.commit().await.map_err(told)?;
            out!("{slug} {again} are tried again");
        } else {
            for count in jobs::counts(&mut tx).await.map_err(told)? {
                out!("{slug} {} {} {}", count.kind, count.state, count.jobs);
            }
        }
    }
    db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

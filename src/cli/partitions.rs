//! `chartwell partitions ensure`. The server does it by itself; this is for a database that no server looks after.

use std::process::ExitCode;

use clap::Subcommand;
use platform::db::partition;

use super::installation::{Installation, Where};
use crate::server::told;

/// What the database makes at most, and `CHARTWELL_PARTITIONS_AHEAD` takes.
const MOST: i64 = 120;

#[derive(Debug, Subcommand)]
pub enum Partitions {
    /// Make the months that are missing, from last month on
    Ensure {
        /// How many months ahead
        #[arg(long, default_value_t = partition::AHEAD, value_parser = clap::value_parser!(u32).range(0..=MOST))]
        ahead: u32,
        #[command(flatten)]
        place: Where,
    },
}

pub async fn run(Partitions::Ensure { ahead, place }: Partitions) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(&place).await?;
    let db = installation.db().await?;
    let made = partition::ensure_ahead(&db, ahead).await.map_err(told)?;
    out!("{made} partitions made; every month to {ahead} ahead is there");
    db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

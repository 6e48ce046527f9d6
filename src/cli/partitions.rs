//! `chartwell partitions ensure`. The server does it by itself; this is for a database that no server looks after.

use std::process::ExitCode;

use clap::Subcommand;
use platform::db::{Db, partition};

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Partitions {
    /// Make the months that are missing, from last month on
    Ensure {
        /// How many months ahead
        #[arg(long, default_value_t = partition::AHEAD)]
        ahead: u32,
        #[command(flatten)]
        place: Where,
    },
}

pub async fn run(Partitions::Ensure { ahead, place }: Partitions) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(&place).await?;
    let db = Db::new(&installation.config.database);
    let made = partition::ensure_ahead(&db, ahead).await.map_err(told)?;
    println!("{made} partitions made; every month to {ahead} ahead is there");
    db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

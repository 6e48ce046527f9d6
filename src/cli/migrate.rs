//! `chartwell migrate`: as the administrator of the database, never as the server.

use std::process::ExitCode;

use anyhow::bail;
use platform::db::migrate::{self, RuntimeLogin};

use super::installation::not_migrated;
use crate::config::Environment;

pub async fn run() -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    environment.refuse_unknown()?;
    let Some(url) = environment.get("CHARTWELL_ADMIN_DATABASE_URL") else {
        bail!(
            "CHARTWELL_ADMIN_DATABASE_URL: is required; the server's own role can't change the schema"
        );
    };
    let login = environment
        .get("CHARTWELL_RUNTIME_PASSWORD")
        .map_or(RuntimeLogin::Leave, RuntimeLogin::Set);
    let done = migrate::run(url, login)
        .await
        .map_err(|error| not_migrated(error, None))?;
    if done.is_empty() {
        println!("the database is up to date; nothing to do");
    }
    for migration in done {
        println!("migrated {migration}");
    }
    Ok(ExitCode::SUCCESS)
}

//! `chartwell migrate`: as the administrator of the database, never as the server.

use std::process::ExitCode;

use anyhow::bail;
use platform::db::migrate::{self, RuntimeLogin};
use secrecy::ExposeSecret as _;

use super::installation::not_migrated;
use crate::config::Environment;

pub async fn run() -> anyhow::Result<ExitCode> {
    let environment = Environment::of_process();
    environment.refuse_unknown()?;
    let Some(url) = environment.secret("CHARTWELL_ADMIN_DATABASE_URL")? else {
        bail!(
            "CHARTWELL_ADMIN_DATABASE_URL: is required, or CHARTWELL_ADMIN_DATABASE_URL_FILE; the server's own role can't change \
             the schema"
        );
    };
    let password = environment.secret("CHARTWELL_RUNTIME_PASSWORD")?;
    let login = password.as_ref().map_or(RuntimeLogin::Leave, |password| {
        RuntimeLogin::Set(password.expose_secret())
    });
    let done = migrate::run(url.expose_secret(), login)
        .await
        .map_err(|error| not_migrated(error, None, "CHARTWELL_ADMIN_DATABASE_URL"))?;
    if done.is_empty() {
        out!("the database is up to date; nothing to do");
    }
    for migration in done {
        out!("migrated {migration}");
    }
    Ok(ExitCode::SUCCESS)
}

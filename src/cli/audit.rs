//! `chartwell audit verify`: are the access log and the change history what was written?

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Subcommand;
use platform::audit::verify;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Compare every access record and every change with its seal; names what was changed, removed or inserted, and exits 1
    Verify {
        /// One tenant only
        #[arg(long)]
        tenant: Option<String>,
        /// From this instant (2026-01-31 or 2026-01-31T08:00:00Z)
        #[arg(long, value_parser = instant)]
        from: Option<DateTime<Utc>>,
        /// Until this instant
        #[arg(long, value_parser = instant)]
        to: Option<DateTime<Utc>>,
        #[command(flatten)]
        place: Where,
    },
}

pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    let day = || {
        text.parse::<NaiveDate>()
            .ok()?
            .and_hms_opt(0, 0, 0)
            .map(|midnight| midnight.and_utc())
    };
    DateTime::parse_from_rfc3339(text)
        .map(Into::into)
        .ok()
        .or_else(day)
        .ok_or_else(|| "must be a date, or an instant with its offset".to_owned())
}

pub async fn run(
    Audit::Verify {
        tenant,
        from,
        to,
        place,
    }: Audit,
) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(&place).await?;
    let chartwell = installation.open().await?;
    let app = &chartwell.app;
    let tenant_id = match &tenant {
        Some(slug) => match identity::tenants::find(&app.db, slug).await.map_err(told)? {
            Some(found) => Some(found),
            None => bail!("there is no tenant {slug}"),
        },
        None => None,
    };
    let range = verify::Range {
        tenant: tenant_id,
        from,
        to,
    };
    let sink = installation.config.operations.seal_file.as_deref();
    let report = verify::verify(app, &range, sink)
        .await
        .map_err(told)
        .context("the logs could not be read")?;
    println!("{report}");
    app.db.close().await;
    installation.close().await?;
    Ok(if report.faults.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

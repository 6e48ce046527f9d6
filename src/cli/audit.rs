//! `chartwell audit`: are the access log and the change history what was written, and who answers for a break?

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, Utc};
use clap::Subcommand;
use platform::audit::{Answer, verify};

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
    /// Answer for breaks that a restore or a clock has left: signed, and told by every verification from then on. What was
    /// changed, removed or inserted stays a fault
    Acknowledge {
        /// What has happened
        #[arg(long, value_parser = text)]
        reason: String,
        /// Who answers for it
        #[arg(long, env = "USER", value_parser = text)]
        by: String,
        #[command(flatten)]
        place: Where,
    },
}

fn text(given: &str) -> Result<String, String> {
    let given = given.trim();
    match given.chars().count() {
        1..=500 if !given.chars().any(char::is_control) => Ok(given.to_owned()),
        _ => Err("must be one line of 1 to 500 characters".to_owned()),
    }
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

pub async fn run(command: Audit) -> anyhow::Result<ExitCode> {
    match command {
        Audit::Verify {
            tenant,
            from,
            to,
            place,
        } => verify(tenant, (from, to), &place).await,
        Audit::Acknowledge { reason, by, place } => {
            let made_by = by;
            acknowledge(Answer { made_by, reason }, &place).await
        }
    }
}

async fn verify(
    tenant: Option<String>,
    (from, to): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    place: &Where,
) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(place).await?;
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
    Ok(exit(&report))
}

async fn acknowledge(answer: Answer, place: &Where) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(place).await?;
    let chartwell = installation.open().await?;
    let app = &chartwell.app;
    let sink = installation.config.operations.seal_file.as_deref();
    let (before, any) = verify::acknowledge(app, sink, answer)
        .await
        .map_err(told)
        .context("the breaks could not be acknowledged")?;
    let report = if any {
        let everything = verify::Range::default();
        verify::verify(app, &everything, sink).await.map_err(told)?
    } else {
        println!("there is nothing to acknowledge");
        before
    };
    println!("{report}");
    app.db.close().await;
    installation.close().await?;
    Ok(exit(&report))
}

fn exit(report: &verify::Report) -> ExitCode {
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

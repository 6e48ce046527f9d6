//! `chartwell audit`: are the access log and the change history what was written, and who answers for a break?

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Days, NaiveDate, Utc};
use clap::Subcommand;
use platform::audit::{Answer, verify};
use platform::db::Db;

use super::installation::{Installation, Where};
use super::print;
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Compare every access record and every change with its seal; names what was changed, removed or inserted, and exits 1
    Verify {
        /// One tenant only
        #[arg(long)]
        tenant: Option<String>,
        /// From this instant (2026-01-31, in UTC, or 2026-01-31T08:00:00Z)
        #[arg(long, value_parser = instant)]
        from: Option<DateTime<Utc>>,
        /// Until this instant; a date means to the end of that day in UTC
        #[arg(long, value_parser = until)]
        to: Option<DateTime<Utc>>,
        #[command(flatten)]
        place: Where,
    },
    /// Answer for breaks that a restore or a clock has left, and for acknowledgements of a stolen key: signed, and told by every
    /// verification from then on. What was changed, removed or inserted stays a fault
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

/// The beginning of a range: a date is its midnight in UTC.
pub(super) fn instant(text: &str) -> Result<DateTime<Utc>, String> {
    parsed(text, 0)
}

/// The end of a range, which is not in it: a date is the midnight after it.
fn until(text: &str) -> Result<DateTime<Utc>, String> {
    parsed(text, 1)
}

fn parsed(text: &str, days_later: u64) -> Result<DateTime<Utc>, String> {
    let day = || {
        text.parse::<NaiveDate>()
            .ok()?
            .checked_add_days(Days::new(days_later))?
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
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        return Ok(print::refused("--from must lie before --to"));
    }
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
    print_named(&app.db, &report).await?;
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
        out!("there is nothing to acknowledge");
        before
    };
    print_named(&app.db, &report).await?;
    app.db.close().await;
    installation.close().await?;
    Ok(exit(&report))
}

/// Prints the report with the slugs of its tenants.
async fn print_named(db: &Db, report: &verify::Report) -> anyhow::Result<()> {
    let tenants = identity::tenants::list(db).await.map_err(told)?;
    let slugs = tenants
        .into_iter()
        .map(|tenant| (tenant.id.to_string(), tenant.slug))
        .collect();
    for line in report.to_string().lines() {
        out!("{}", named(line, &slugs));
    }
    Ok(())
}

/// A line that names its tenant by the id, with the slug before that.
fn named(line: &str, slugs: &HashMap<String, String>) -> String {
    let parts = line
        .strip_prefix("tenant ")
        .and_then(|rest| rest.split_once(": "));
    match parts.and_then(|(id, rest)| Some((slugs.get(id)?, id, rest))) {
        Some((slug, id, rest)) => format!("tenant {slug} ({id}): {rest}"),
        None => line.to_owned(),
    }
}

fn exit(report: &verify::Report) -> ExitCode {
    if report.is_clean() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_begins_at_its_midnight_and_ends_with_its_day() {
        let at = |text: &str| {
            DateTime::parse_from_rfc3339(text)
                .map(DateTime::<Utc>::from)
                .map_err(|error| error.to_string())
        };
        assert_eq!(instant("2026-01-31"), at("2026-01-31T00:00:00Z"));
        assert_eq!(until("2026-01-31"), at("2026-02-01T00:00:00Z"));
        for parse in [instant, until] {
            assert_eq!(
                parse("2026-01-31T08:00:00+01:00"),
                at("2026-01-31T07:00:00Z")
            );
            assert!(parse("2026-01-31T08:00:00").is_err(), "without an offset");
        }
    }

    #[test]
    fn a_fault_is_told_with_the_slug_of_its_tenant() {
        let id = "018f3c6e-0000-7000-8000-000000000001";
        let slugs = HashMap::from([(id.to_owned(), "riverside".to_owned())]);
        assert_eq!(
            named(
                &format!("tenant {id}: access log: seal 3 was removed"),
                &slugs
            ),
            format!("tenant riverside ({id}): access log: seal 3 was removed")
        );
        // One that only the file of seals knows, and other lines, stay as they are.
        for line in [
            "tenant 018f: access log: seal 3 was removed",
            "2 tenants: 1 fault",
        ] {
            assert_eq!(named(line, &slugs), line);
        }
    }
}

//! `chartwell import fhir`.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use interop::import;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Import {
    /// FHIR R4: bundles (transaction, batch, collection) and NDJSON, files and folders
    Fhir {
        /// The tenant to import into
        #[arg(long)]
        tenant: String,
        /// Write every failure, and what is kept although it should be in the chart, to this file: a JSON line each
        #[arg(long)]
        report: Option<PathBuf>,
        /// Where the files come from, if ids of several systems may clash: a word kept before each id, the same each time
        #[arg(long)]
        source: Option<String>,
        /// Look again at what earlier runs could not enter into the chart, also without files: after a code set was loaded, say
        #[arg(long)]
        again: bool,
        /// Files and folders
        #[arg(required_unless_present = "again")]
        paths: Vec<PathBuf>,
        #[command(flatten)]
        place: Where,
    },
}

pub async fn run(
    Import::Fhir {
        tenant,
        report,
        source,
        again,
        paths,
        place,
    }: Import,
) -> anyhow::Result<ExitCode> {
    // Before the work, whose list it is: afterwards it would be lost.
    if let Some(path) = &report {
        can_be_written(path)?;
    }
    let installation = Installation::find(&place).await?;
    let chartwell = installation.open().await?;
    let Some(tenant_id) = identity::tenants::find(&chartwell.app.db, &tenant)
        .await
        .map_err(told)?
    else {
        bail!("there is no tenant {tenant}");
    };
    let options = import::Options {
        progress: true,
        source,
        again,
    };
    let outcome = import::fhir(&chartwell.app, tenant_id, &paths, options)
        .await
        .map_err(told)?;
    out!("{outcome}");
    if let Some(path) = report {
        outcome
            .write_failures(&path)
            .with_context(|| format!("can't write {}", path.display()))?;
    }
    chartwell.app.db.close().await;
    installation.close().await?;
    Ok(if outcome.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

/// Opens the file without taking away what an earlier run left there.
fn can_be_written(path: &Path) -> anyhow::Result<()> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map(drop)
        .with_context(|| format!("can't write {}; nothing was imported", path.display()))
}

//! `chartwell import fhir`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;
use clap::Subcommand;
use interop::import;

use super::installation::{Installation, Where};
use super::report_file::ReportFile;
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Import {
    /// FHIR R4: bundles (transaction, batch, collection) and NDJSON, files and folders
    Fhir {
        /// The tenant to import into
        #[arg(long)]
        tenant: String,
        /// Write every failure, and what is kept although it should be in the chart, to this file: a JSON line each. It is
        /// there when the import has come to its end, and not before
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
    let mut report = report.as_deref().map(ReportFile::at).transpose()?;
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
    if let Some(report) = &mut report {
        report.begin()?;
    }
    let outcome = import::fhir(&chartwell.app, tenant_id, &paths, options)
        .await
        .map_err(told)?;
    out!("{outcome}");
    if let Some(report) = report {
        report.finish(|path| outcome.write_failures(path))?;
    }
    chartwell.app.db.close().await;
    installation.close().await?;
    Ok(if outcome.failed() == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    })
}

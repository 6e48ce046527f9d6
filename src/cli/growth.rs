//! `chartwell growth load`: a growth reference, from the file its publisher gives out. None comes with the product.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Subcommand, ValueEnum};
use clinical::patients::Sex;
use clinical::vitals::{GrowthFile, GrowthMeasure, GrowthSource, load_growth};

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Growth {
    /// Load a file of L, M and S by age: the CDC's (wtage.csv, statage.csv …) or a table of the WHO, one file a measure
    Load {
        /// The tenant whose children are compared
        #[arg(long)]
        tenant: String,
        /// Whose reference it is
        #[arg(long, value_enum)]
        source: SourceArgument,
        /// What it is about
        #[arg(long, value_enum)]
        measure: MeasureArgument,
        /// Whose table it is, for a file without a column Sex
        #[arg(long, value_enum)]
        sex: Option<SexArgument>,
        /// The publisher's file, as text with commas or tabs
        file: PathBuf,
        #[command(flatten)]
        place: Where,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SourceArgument {
    Cdc,
    Who,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum MeasureArgument {
    Weight,
    /// Or length
    Height,
    HeadCircumference,
    Bmi,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum SexArgument {
    Female,
    Male,
}

pub async fn run(
    Growth::Load {
        tenant,
        source,
        measure,
        sex,
        file,
        place,
    }: Growth,
) -> anyhow::Result<ExitCode> {
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("can't read {}", file.display()))?;
    let installation = Installation::find(&place).await?;
    let chartwell = installation.open().await?;
    let Some(tenant_id) = identity::tenants::find(&chartwell.app.db, &tenant)
        .await
        .map_err(told)?
    else {
        bail!("there is no tenant {tenant}");
    };
    let of = GrowthFile {
        source: match source {
            SourceArgument::Cdc => GrowthSource::Cdc,
            SourceArgument::Who => GrowthSource::Who,
        },
        measure: match measure {
            MeasureArgument::Weight => GrowthMeasure::Weight,
            MeasureArgument::Height => GrowthMeasure::Height,
            MeasureArgument::HeadCircumference => GrowthMeasure::HeadCircumference,
            MeasureArgument::Bmi => GrowthMeasure::Bmi,
        },
        sex: sex.map(|sex| match sex {
            SexArgument::Female => Sex::Female,
            SexArgument::Male => Sex::Male,
        }),
    };
    let loaded = load_growth(&chartwell.app, tenant_id, &text, of)
        .await
        .map_err(told)?;
    out!("{loaded} lines loaded");
    chartwell.app.db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

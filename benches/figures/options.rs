//! What is measured, how long, over how much data.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use clap::{Parser, ValueEnum};

/// The longest a section may load the server with one set of access tokens, which live ten minutes.
const TOKENS_LAST: Duration = Duration::from_mins(8);

/// Measure the project's figures.
#[derive(Debug, Parser)]
pub struct Options {
    /// Which figures; all, when none is named
    sections: Vec<Section>,
    /// Patients of the large database
    #[arg(long, default_value_t = 1_000_000)]
    pub patients: u32,
    /// Tenants they are spread over
    #[arg(long, default_value_t = 100)]
    pub tenants: u32,
    /// Notes that are searched
    #[arg(long, default_value_t = 1_000_000)]
    pub notes: u32,
    /// Tenants they are spread over
    #[arg(long, default_value_t = 50)]
    pub note_tenants: u32,
    /// ICD-10-CM as `chartwell terminology load` takes it; a made-up set of the same size, when none is given
    #[arg(long)]
    pub icd10cm: Option<PathBuf>,
    /// FHIR files or a folder of them, for the section `import`
    #[arg(long)]
    pub fhir: Option<PathBuf>,
    /// Runs of each measurement, of which the median counts
    #[arg(long, default_value_t = 3)]
    pub runs: u32,
    /// Seconds a run lasts
    #[arg(long, default_value_t = 5)]
    pub seconds: u32,
    /// Connections that load the server
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Keep the databases in this folder, and use them again if they are there
    #[arg(long)]
    pub dir: Option<PathBuf>,
    /// What cargo hands to every bench
    #[arg(long, hide = true)]
    bench: bool,
    /// Be the server whose access log is switched off
    #[arg(long, hide = true)]
    pub serve_without_log: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    PointRead,
    Search,
    LogCost,
    Months,
    Start,
    Sight,
    Notes,
    Vitals,
    Documents,
    Typeahead,
    Board,
    Chart,
    Booking,
    Availability,
    Import,
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            self.to_possible_value()
                .as_ref()
                .map_or("", |value| value.get_name()),
        )
    }
}

impl Options {
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.runs > 0 && self.seconds > 0 && self.connections > 0,
            "runs, seconds and connections are at least 1"
        );
        ensure!(
            self.tenants > 0 && self.per_tenant() >= 100,
            "a tenant has at least 100 patients"
        );
        ensure!(
            self.note_tenants > 0 && self.notes_per_tenant() >= 1_000,
            "a tenant has at least 1000 notes"
        );
        ensure!(
            self.duration() * self.runs * 4 < TOKENS_LAST,
            "at most two minutes in all runs of a measurement"
        );
        Ok(())
    }

    pub fn sections(&self) -> Vec<Section> {
        if self.sections.is_empty() {
            Section::value_variants().to_vec()
        } else {
            self.sections.clone()
        }
    }

    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }

    pub fn per_tenant(&self) -> u32 {
        self.patients / self.tenants
    }

    pub fn notes_per_tenant(&self) -> u32 {
        self.notes / self.note_tenants
    }
}

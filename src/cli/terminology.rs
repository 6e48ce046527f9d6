//! `chartwell terminology load`. What is loaded, `GET /api/v1/terminology` tells.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::NaiveDate;
use clap::Subcommand;
use clinical::terminology::{self, Release, System};
use kernel::Clock;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Terminology {
    /// Load a version of a code system from its publisher's file, or from a table with a heading
    Load {
        /// icd10cm, icd10pcs, cvx, loinc, rxnorm, snomed, cpt, hcpcs, place_of_service, ndc or atc
        #[arg(value_parser = system)]
        system: System,
        /// The file; `-` is standard input. SNOMED CT: the folder of the snapshot
        file: PathBuf,
        /// The version, as its publisher calls it
        #[arg(long)]
        version: String,
        /// The day from which it is in force
        #[arg(long)]
        effective: NaiveDate,
        /// The file is only a part: codes it lacks go on being checked by their form alone
        #[arg(long)]
        partial: bool,
        #[command(flatten)]
        place: Where,
    },
}

fn system(name: &str) -> Result<System, String> {
    System::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = System::ALL.into_iter().map(System::as_str).collect();
        format!("one of {}", names.join(", "))
    })
}

pub async fn run(
    Terminology::Load {
        system,
        file,
        version,
        effective,
        partial,
        place,
    }: Terminology,
) -> anyhow::Result<ExitCode> {
    let (text, companion) = tokio::task::spawn_blocking(move || read(system, &file)).await??;
    let lines = terminology::read(system, &text, companion.as_deref()).map_err(told)?;
    drop((text, companion));
    let installation = Installation::find(&place).await?;
    let db = installation.db().await?;
    let release = Release {
        system,
        version,
        effective_from: effective,
        complete: !partial,
    };
    let loaded = terminology::load(&db, &release, lines, Clock::system().now())
        .await
        .map_err(told)?;
    db.close().await;
    installation.close().await?;
    out!(
        "{} {}: {} codes, in force from {}{}",
        system.name(),
        release.version,
        loaded.concepts,
        release.effective_from,
        if partial { " (a part)" } else { "" }
    );
    if loaded.repeated > 0 {
        out!(
            "{} lines named a code once more; the first counts",
            loaded.repeated
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// The file, and of SNOMED CT the file of concepts beside it.
fn read(system: System, path: &Path) -> anyhow::Result<(String, Option<String>)> {
    if path == Path::new("-") {
        return Ok((std::io::read_to_string(std::io::stdin())?, None));
    }
    let text = |path: &Path| {
        let bytes =
            std::fs::read(path).with_context(|| format!("can't read {}", path.display()))?;
        // CMS and the CDC write an occasional Latin-1 letter.
        anyhow::Ok(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect()),
        )
    };
    if !path.is_dir() {
        return Ok((text(path)?, None));
    }
    if system != System::Snomed {
        bail!("{} is a folder; name the file", path.display());
    }
    let mut files = Vec::new();
    collect(path, &mut files)?;
    let named = |beginning: &str| {
        files.iter().find(|file| {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(beginning) && name.contains("Snapshot")
        })
    };
    let descriptions = named("sct2_Description_")
        .with_context(|| format!("no sct2_Description_Snapshot… below {}", path.display()))?;
    let concepts = named("sct2_Concept_")
        .with_context(|| format!("no sct2_Concept_Snapshot… below {}", path.display()))?;
    Ok((text(descriptions)?, Some(text(concepts)?)))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    files.sort();
    Ok(())
}

//! Loading a distribution file: one version of a code system, whole, as an operator does it.
//!
//! The version is written while nobody sees it and comes into force with one statement; what it replaces is removed after
//! that. Loading the same file again is harmless. A file in which a code has not the form of its system is refused before
//! anything is written: it is a file of something else.

use std::collections::HashSet;

use chrono::{NaiveDate, TimeDelta};
use kernel::clock::Instant;
use kernel::ids::mint;
use kernel::{Error, Result};
use platform::db::Db;

use super::formats::Line;
use super::index::Listed;
use super::store;
use super::system::System;

/// Rows of one statement.
const CHUNK: usize = 5_000;

/// Which version a file is.
#[derive(Clone, Debug)]
pub struct Release {
    pub system: System,
    pub version: String,
    /// In force from this day until a later version is.
    pub effective_from: NaiveDate,
    /// Whether the file is the whole system, so that a code it lacks is refused from then on.
    pub complete: bool,
}

/// What a load did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub concepts: usize,
    /// Lines that named a code once more: the first counts.
    pub repeated: usize,
}

/// Loads what was read from a file.
///
/// # Errors
/// `validation_failed` with the line, if a code has not the form of its system, or there is none at all.
pub async fn load(db: &Db, release: &Release, lines: Vec<Line>, now: Instant) -> Result<Loaded> {
    let (concepts, repeated) = settle(release, lines)?;
    let id = mint();
    store::open(
        db,
        id,
        (release.system, &release.version),
        release.effective_from,
        release.complete,
        now,
    )
    .await?;
    for chunk in concepts.chunks(CHUNK) {
        store::add(db, id, chunk).await?;
    }
    store::replace(db, id, release.system, &release.version).await?;
    store::clear(db, release.system, now - TimeDelta::days(1)).await?;
    Ok(Loaded {
        concepts: concepts.len(),
        repeated,
    })
}

/// The concepts of the lines, each once, in canonical form.
fn settle(release: &Release, lines: Vec<Line>) -> Result<(Vec<Listed>, usize)> {
    let system = release.system;
    let mut seen = HashSet::with_capacity(lines.len());
    let mut concepts = Vec::with_capacity(lines.len());
    let mut repeated = 0;
    for line in lines {
        let mut listed = line.concept;
        listed.code = system.canonical(&listed.code);
        if !system.has_form(&listed.code) {
            return Err(refused(line.number, "a code", system.form()));
        }
        if listed.display.trim().is_empty() {
            return Err(refused(line.number, "a display", "must not be blank"));
        }
        // Out of use in this version, since nobody says when.
        if line.retired && listed.valid_until.is_none() {
            listed.valid_until = Some(release.effective_from);
        }
        if seen.insert(listed.code.clone()) {
            concepts.push(listed);
        } else {
            repeated += 1;
        }
    }
    if concepts.is_empty() {
        return Err(refused(1, "the file", "must have at least one code"));
    }
    Ok((concepts, repeated))
}

fn refused(line: usize, what: &str, rule: &str) -> Error {
    Error::field(
        format!("line {line}"),
        "not_this_system",
        format!("{what} {rule}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: usize, code: &str) -> Line {
        Line::new(number, code, "something")
    }

    fn release() -> Release {
        Release {
            system: System::Icd10cm,
            version: "2026".to_owned(),
            effective_from: "2025-10-01".parse().expect("a date"),
            complete: true,
        }
    }

    #[test]
    fn a_file_of_another_system_is_refused_with_its_line() {
        let refused = settle(&release(), vec![line(1, "E119"), line(2, "8480-6")]);
        assert_eq!(
            refused.expect_err("a LOINC code").fields()[0].pointer,
            "line 2"
        );
        assert!(settle(&release(), Vec::new()).is_err());
    }

    #[test]
    fn a_code_counts_once_and_a_retired_one_ends_with_the_version() {
        let mut retired = line(3, "I10");
        retired.retired = true;
        let (concepts, repeated) =
            settle(&release(), vec![line(1, "E119"), line(2, "E11.9"), retired]).expect("read");
        assert_eq!((concepts.len(), repeated), (2, 1));
        assert_eq!(concepts[1].valid_until, Some(release().effective_from));
    }
}

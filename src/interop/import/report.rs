//! What an import did: counts by type, and each failure with its place and its reason.
//!
//! A reason names the rule and the field, never a value: reports are mailed around.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;

use super::reference::Name;

/// The name under which [`Report::standing`] counts what is kept as it came.
pub const KEPT: &str = "kept as it came";

/// Failures shown on a screen; all of them go into the file.
const SHOWN: usize = 50;

/// The reason of what fails only because its patient failed. Shown last: the cause is elsewhere.
pub(super) const ORPHAN: &str = "refers to a patient who was not imported";

/// Why a resource was passed over.
pub(super) const SUPERSEDED: &str =
    "was passed over: of the states of this resource in these files, another counts";
/// What is to be known of one that was written without a link.
pub(super) const INCOMPLETE: &str =
    "was imported without a link it names: its target is in no file and not in the tenant";

/// Remarks that are kept; beyond, they are only counted.
pub(super) const REMARKS: usize = 10_000;

/// Where a resource stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub file: u32,
    /// Of NDJSON, from 1; 0 elsewhere.
    pub line: u32,
    /// Of a bundle, from 1; 0 elsewhere.
    pub entry: u32,
}

impl Place {
    pub(super) fn file(file: u32) -> Self {
        Self {
            file,
            line: 0,
            entry: 0,
        }
    }

    pub(super) fn entry(self, index: usize) -> Self {
        Self {
            entry: u32::try_from(index + 1).unwrap_or(u32::MAX),
            ..self
        }
    }
}

/// A resource that can't be taken, and why.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub place: Place,
    pub name: Option<Name>,
    pub reason: Cow<'static, str>,
}

/// A resource that is kept without an entry in the chart, or with one that says less, and why.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub place: Place,
    pub name: Name,
    pub reason: String,
    /// Whether each is named, rather than only counted.
    pub listed: bool,
}

/// What became of the resources of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Seen in the files.
    pub read: u64,
    pub created: u64,
    pub updated: u64,
    /// Known already and unchanged, or superseded by another state of the same resource in the same run.
    pub skipped: u64,
    pub failed: u64,
}

/// One resource that was not imported.
#[derive(Clone, Debug, Serialize)]
pub struct Failure {
    pub file: PathBuf,
    /// Line of an NDJSON file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// Entry of a bundle, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub reason: Cow<'static, str>,
    /// It is here as it came, and not, or not whole, in the chart.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub kept: bool,
    /// Nothing failed, and somebody may want to know.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub remark: bool,
}

/// What an import did. `Display` is the text for the operator.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub types: BTreeMap<String, Tally>,
    pub failures: Vec<Failure>,
    /// Resources imported without a link they name (an encounter's facility, say), because what it leads to is nowhere.
    /// They are completed by a later import that brings it.
    pub incomplete: u64,
    /// Resources passed over because of another state of them in the same files.
    pub superseded: u64,
    /// These and those, each; at most ten thousand.
    pub remarks: Vec<Failure>,
    /// Entered into charts by this run: how many, by what they became.
    pub entered: BTreeMap<&'static str, u64>,
    /// Resources of the tenant by what they were entered as, and as [`KEPT`] those that were not: before the run and after.
    pub standing: BTreeMap<String, (u64, u64)>,
    /// Type and reason of what was kept, or entered in part, by this run: how many.
    pub reasons: BTreeMap<(String, String), u64>,
    /// Those of them that should be in the chart and could not be entered whole, each.
    pub kept: Vec<Failure>,
    /// Kept by an earlier run and looked at once more.
    pub looked_at_again: u64,
    pub files: usize,
    pub elapsed: Duration,
}

impl Report {
    pub fn total(&self) -> Tally {
        self.types
            .values()
            .fold(Tally::default(), |sum, tally| Tally {
                read: sum.read + tally.read,
                created: sum.created + tally.created,
                updated: sum.updated + tally.updated,
                skipped: sum.skipped + tally.skipped,
                failed: sum.failed + tally.failed,
            })
    }

    /// Resources a second.
    pub fn rate(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
        let read = self.total().read as f64;
        read / self.elapsed.as_secs_f64().max(0.001)
    }

    /// How many resources were not imported.
    pub fn failed(&self) -> u64 {
        self.total().failed
    }

    /// Writes every failure, everything that is kept although it should be in the chart, and every remark to a file: one JSON
    /// object a line.
    pub fn write_failures(&self, path: &Path) -> io::Result<()> {
        let mut file = BufWriter::new(File::create(path)?);
        let lines = self.failures.iter().chain(&self.kept);
        for failure in lines.chain(&self.remarks) {
            serde_json::to_writer(&mut file, failure)?;
            file.write_all(b"\n")?;
        }
        file.flush()
    }
}

impl Report {
    fn show_entries(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.looked_at_again > 0 {
            let looked = self.looked_at_again;
            writeln!(f, "{looked} kept by earlier runs were looked at again")?;
        }
        if !self.standing.is_empty() {
            writeln!(
                f,
                "\n{:<28} {:>9} {:>9}",
                "In the chart as", "before", "after"
            )?;
            for (kind, (before, after)) in &self.standing {
                writeln!(f, "{kind:<28} {before:>9} {after:>9}")?;
            }
        }
        if !self.reasons.is_empty() {
            writeln!(f, "\nKept as it came, or entered in part, by this run:")?;
        }
        for ((resource_type, reason), count) in &self.reasons {
            writeln!(f, "  {count:>9} {resource_type}: {reason}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, t: &Tally| {
            writeln!(
                f,
                "{name:<28} {:>9} {:>9} {:>9} {:>9} {:>9}",
                t.read, t.created, t.updated, t.skipped, t.failed
            )
        };
        writeln!(
            f,
            "{:<28} {:>9} {:>9} {:>9} {:>9} {:>9}",
            "", "read", "created", "updated", "skipped", "failed"
        )?;
        for (name, tally) in &self.types {
            row(f, name, tally)?;
        }
        row(f, "all", &self.total())?;
        let seconds = self.elapsed.as_secs_f64();
        writeln!(
            f,
            "\n{} files in {seconds:.1} s, {:.0} resources a second",
            self.files,
            self.rate()
        )?;
        if self.incomplete > 0 {
            writeln!(
                f,
                "{} imported without a link they name: its target is in no file and not in the tenant",
                self.incomplete
            )?;
        }
        if self.superseded > 0 {
            writeln!(
                f,
                "{} passed over: another state of the same resource counts",
                self.superseded
            )?;
        }
        self.show_entries(f)?;
        if !self.failures.is_empty() {
            writeln!(f, "\nNot imported:")?;
        }
        let (orphans, causes): (Vec<_>, Vec<_>) = self
            .failures
            .iter()
            .partition(|failure| failure.reason == ORPHAN);
        for failure in causes.into_iter().chain(orphans).take(SHOWN) {
            writeln!(f, "  {failure}")?;
        }
        if self.failures.len() > SHOWN {
            writeln!(f, "  … and {} more", self.failures.len() - SHOWN)?;
        }
        Ok(())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.file.as_os_str().is_empty() {
            write!(f, "(kept)")?;
        } else {
            write!(f, "{}", self.file.display())?;
        }
        if let Some(line) = self.line {
            write!(f, " line {line}")?;
        }
        if let Some(entry) = self.entry {
            write!(f, " entry {entry}")?;
        }
        if let Some(kind) = &self.resource_type {
            write!(f, " {kind}/{}", self.id.as_deref().unwrap_or_default())?;
        }
        write!(f, ": {}", self.reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_counts_and_names_each_failure() {
        let mut report = Report {
            files: 1,
            elapsed: Duration::from_secs(2),
            ..Report::default()
        };
        report.types.insert(
            "Patient".into(),
            Tally {
                read: 10,
                created: 9,
                failed: 1,
                ..Tally::default()
            },
        );
        report.failures.push(Failure {
            file: "a/b.ndjson".into(),
            line: Some(3),
            entry: None,
            resource_type: Some("Patient".into()),
            id: Some("p1".into()),
            reason: "has no birthDate".into(),
            kept: false,
            remark: false,
        });
        let text = report.to_string();
        assert!(text.contains("5 resources a second"), "{text}");
        assert!(
            text.contains("a/b.ndjson line 3 Patient/p1: has no birthDate"),
            "{text}"
        );
        let path =
            std::env::temp_dir().join(format!("chartwell-report-{}.jsonl", std::process::id()));
        report.write_failures(&path).expect("written");
        let lines = std::fs::read(&path).expect("a file");
        std::fs::remove_file(&path).expect("removed");
        let line: serde_json::Value = serde_json::from_slice(&lines).expect("one JSON object");
        assert_eq!(line["line"], 3);
        assert!(line.get("entry").is_none());
    }
}

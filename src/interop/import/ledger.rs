//! The books of a run: what was read, what became of it, what failed, what still waits.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::batch::{Fate, Outcome};
use super::index::Superseded;
use super::progress::Progress;
use super::report::{Failure, Fault, Notice, Place, REMARKS, Report, Tally};

/// A resource of which not even the type could be read counts under this name.
const UNREADABLE: &str = "(unreadable)";

/// Shared by the lanes.
pub(super) struct Ledger {
    progress: Arc<Progress>,
    files: Arc<[PathBuf]>,
    books: Mutex<Books>,
}

#[derive(Default)]
struct Books {
    types: BTreeMap<String, Tally>,
    faults: Vec<Fault>,
    waiting: BTreeSet<Place>,
    incomplete: u64,
    superseded: u64,
    remarks: Vec<Fault>,
    entered: BTreeMap<&'static str, u64>,
    reasons: BTreeMap<(String, String), u64>,
    notices: Vec<Notice>,
}

impl Ledger {
    pub(super) fn new(progress: Arc<Progress>, files: Arc<[PathBuf]>) -> Self {
        Self {
            progress,
            files,
            books: Mutex::default(),
        }
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the first pass found.
    pub(super) fn open(
        &self,
        read: &BTreeMap<String, u64>,
        superseded: Superseded,
        faults: Vec<Fault>,
    ) {
        let mut books = self.books();
        for (name, count) in read {
            books.types.entry(name.clone()).or_default().read = *count;
        }
        for (name, count) in &superseded.counts {
            books.types.entry(name.clone()).or_default().skipped = *count;
        }
        let unnamed = faults.iter().filter(|fault| fault.name.is_none()).count() as u64;
        if unnamed > 0 {
            books.types.entry(UNREADABLE.to_owned()).or_default().read = unnamed;
        }
        drop(books);
        let passed_over = superseded.counts.values().sum();
        self.progress.advance(passed_over);
        self.note(Outcome {
            faults,
            superseded: passed_over,
            remarks: superseded.remarks,
            ..Outcome::default()
        });
    }

    pub(super) fn note(&self, outcome: Outcome) {
        let mut books = self.books();
        self.progress
            .advance((outcome.fates.len() + outcome.faults.len()) as u64);
        for (name, fate) in outcome.fates {
            let tally = books.types.entry(name).or_default();
            match fate {
                Fate::Created => tally.created += 1,
                Fate::Updated => tally.updated += 1,
                Fate::Skipped => tally.skipped += 1,
            }
        }
        for fault in outcome.faults {
            let name = fault
                .name
                .as_ref()
                .map_or(UNREADABLE, |name| &name.resource_type);
            books.types.entry(name.to_owned()).or_default().failed += 1;
            books.faults.push(fault);
        }
        books.waiting.extend(outcome.waiting);
        books.incomplete += outcome.incomplete;
        books.superseded += outcome.superseded;
        let room = REMARKS.saturating_sub(books.remarks.len());
        books.remarks.extend(outcome.remarks.into_iter().take(room));
        for (kind, count) in outcome.entered {
            *books.entered.entry(kind).or_default() += count;
        }
        for notice in outcome.notices {
            let key = (notice.name.resource_type.clone(), notice.reason.clone());
            *books.reasons.entry(key).or_default() += 1;
            if notice.listed {
                books.notices.push(notice);
            }
        }
        self.progress.failed(books.faults.len());
    }

    pub(super) fn take_waiting(&self) -> BTreeSet<Place> {
        std::mem::take(&mut self.books().waiting)
    }

    pub(super) fn close(&self, elapsed: Duration) -> Report {
        let mut books = std::mem::take(&mut *self.books());
        books.faults.sort_by_key(|fault| fault.place);
        books.notices.sort_by_key(|notice| notice.place);
        books.remarks.sort_by_key(|remark| remark.place);
        let remarks = books.remarks.into_iter().map(|remark| Failure {
            remark: true,
            ..self.failure(remark)
        });
        let remarks = remarks.collect();
        let kept = books
            .notices
            .into_iter()
            .map(|notice| {
                let fault = Fault {
                    place: notice.place,
                    name: Some(notice.name),
                    reason: notice.reason.into(),
                };
                Failure {
                    kept: true,
                    ..self.failure(fault)
                }
            })
            .collect();
        let failures = books
            .faults
            .into_iter()
            .map(|fault| self.failure(fault))
            .collect();
        Report {
            types: books.types,
            failures,
            incomplete: books.incomplete,
            superseded: books.superseded,
            remarks,
            entered: books.entered,
            reasons: books.reasons,
            kept,
            files: self.files.len(),
            elapsed,
            ..Report::default()
        }
    }

    fn failure(&self, fault: Fault) -> Failure {
        let Fault {
            place,
            name,
            reason,
        } = fault;
        let (resource_type, id) = name.map(|name| (name.resource_type, name.id)).unzip();
        Failure {
            file: self
                .files
                .get(place.file as usize)
                .cloned()
                .unwrap_or_default(),
            line: (place.line > 0).then_some(place.line),
            entry: (place.entry > 0).then_some(place.entry),
            resource_type,
            id,
            reason,
            kept: false,
            remark: false,
        }
    }
}

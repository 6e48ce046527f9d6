//! The first pass: what is in the files, how much of it, and which state of a resource counts.
//!
//! Organisations and practitioners are read in full here, because everything else refers to them and they are few. Of all
//! others only a 16-byte mark of the name is held, until it is clear which resources occur more than once: the last one
//! counts, or the one last updated; under `ifNoneExist` the first.
//!
//! The files are cut into [`Unit`]s, each small enough for one worker, ordered so that patients come before encounters
//! and encounters before the rest wherever that can be known from the types alone.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::Datelike;
use chrono_tz::Tz;
use kernel::clock::Instant;

use super::claim::{Claim, mark};
use super::dates;
use super::files::{self, Position};
use super::outline::{Outline, outlines};
use super::reference::Name;
use super::report::{Fault, Place, REMARKS, SUPERSEDED};
use super::resource::{Resource, Stage};

/// Lines of NDJSON in one unit.
const LINES: u32 = 2_000;

/// A piece of work: a whole document, or some lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    pub file: u32,
    pub span: Span,
    /// The earliest kind of resource in it.
    pub stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    Document,
    Lines { from: Position, until: u32 },
}

impl Unit {
    /// The places that lie in it, as a range: from, and before.
    pub(super) fn places(&self) -> std::ops::Range<Place> {
        let at = |line| Place {
            file: self.file,
            line,
            entry: 0,
        };
        match self.span {
            Span::Document => Place::file(self.file)..Place::file(self.file + 1),
            Span::Lines { from, until } => at(from.lines + 1)..at(until + 1),
        }
    }
}

/// Year and month.
pub(super) type Month = (i32, u32);

/// What the first pass found.
#[derive(Default)]
pub(super) struct Index {
    pub units: Vec<Unit>,
    pub foundation: Vec<Resource>,
    /// For the names that occur more than once: where the state that counts stands.
    pub winners: HashMap<u128, Place>,
    pub read: BTreeMap<String, u64>,
    /// When encounters began and vital signs were measured, an instant of each month: the months are made before anything is
    /// written.
    pub encounters: BTreeMap<Month, Instant>,
    pub vitals: BTreeMap<Month, Instant>,
    /// Other states of organisations and practitioners.
    pub superseded: Superseded,
    pub faults: Vec<Fault>,
}

/// States that do not count: how many by type, and, of the first, which.
#[derive(Default)]
pub(super) struct Superseded {
    pub counts: BTreeMap<String, u64>,
    pub remarks: Vec<Fault>,
}

impl Superseded {
    fn add(&mut self, resource: &Resource) {
        let kind = resource.name.resource_type.clone();
        *self.counts.entry(kind).or_default() += 1;
        if self.remarks.len() < REMARKS {
            self.remarks.push(Fault {
                place: resource.place,
                name: Some(resource.name.clone()),
                reason: SUPERSEDED.into(),
            });
        }
    }
}

impl Index {
    pub(super) fn total(&self) -> u64 {
        self.read.values().sum::<u64>()
            + self
                .faults
                .iter()
                .filter(|fault| fault.name.is_none())
                .count() as u64
    }
}

#[derive(Default)]
struct Builder {
    index: Index,
    claims: HashMap<u128, Claim>,
    foundation: HashMap<u128, (Claim, Resource)>,
}

/// Where the files come from, and on whose wall a time without an offset is read.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub source: Option<&'a str>,
    pub zone: Tz,
}

/// Reads every file once, `threads` at a time. Blocks: not for an async thread.
pub(super) fn build(
    files: &[PathBuf],
    origin: Origin<'_>,
    threads: usize,
    progress: &(impl Fn(u64) + Sync),
) -> Index {
    let builder = Mutex::new(Builder::default());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                while let Some((number, path)) = {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    files.get(number).map(|path| (number, path))
                } {
                    let file = u32::try_from(number).unwrap_or(u32::MAX);
                    if files::is_lines(path) {
                        index_lines(file, path, origin, &builder);
                    } else {
                        index_document(file, path, origin, &builder);
                    }
                    progress(1);
                }
            });
        }
    });
    builder
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
        .finish()
}

fn index_document(file: u32, path: &std::path::Path, origin: Origin<'_>, builder: &Mutex<Builder>) {
    let place = Place::file(file);
    let text = match files::text(path) {
        Ok(text) => text,
        Err(reason) => {
            return add_fault(
                builder,
                Fault {
                    place,
                    name: None,
                    reason: reason.into(),
                },
            );
        }
    };
    let found = outlines(&text, place, origin.source);
    let read: Vec<_> = found
        .into_iter()
        .map(|found| sight(found, origin.zone))
        .collect();
    let mut builder = builder.lock().unwrap_or_else(PoisonError::into_inner);
    let stage = builder.take(read);
    if let Some(stage) = stage {
        builder.index.units.push(Unit {
            file,
            span: Span::Document,
            stage,
        });
    }
}

fn index_lines(file: u32, path: &std::path::Path, origin: Origin<'_>, builder: &Mutex<Builder>) {
    let mut from = Position::default();
    let mut stage: Option<Stage> = None;
    let close = |from, after, stage| add_unit(builder, file, (from, after), stage);
    let end = files::lines(path, from, |line, text, after| {
        let place = Place {
            file,
            line,
            entry: 0,
        };
        let found = match text {
            Ok(text) => outlines(text, place, origin.source),
            Err(reason) => vec![Err(Fault {
                place,
                name: None,
                reason: reason.into(),
            })],
        };
        let read: Vec<_> = found
            .into_iter()
            .map(|found| sight(found, origin.zone))
            .collect();
        let earliest = builder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(read);
        stage = stage.into_iter().chain(earliest).min();
        if after.lines - from.lines >= LINES {
            close(from, after, stage.take());
            from = after;
        }
        true
    });
    match end {
        Ok(after) => close(from, after, stage),
        Err(broken) => {
            // What stands before the break is imported all the same.
            close(from, broken.at, stage);
            add_fault(
                builder,
                Fault {
                    place: Place {
                        file,
                        line: broken.at.lines + 1,
                        entry: 0,
                    },
                    name: None,
                    reason: files::unreadable_because(&broken.cause).into(),
                },
            );
        }
    }
}

/// A piece of NDJSON: the lines after a position, up to another.
fn add_unit(
    builder: &Mutex<Builder>,
    file: u32,
    (from, after): (Position, Position),
    stage: Option<Stage>,
) {
    let Some(stage) = stage else {
        return;
    };
    let span = Span::Lines {
        from,
        until: after.lines,
    };
    let mut builder = builder.lock().unwrap_or_else(PoisonError::into_inner);
    builder.index.units.push(Unit { file, span, stage });
}

fn add_fault(builder: &Mutex<Builder>, fault: Fault) {
    builder
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .index
        .faults
        .push(fault);
}

struct Sighting {
    name: Name,
    identity: u128,
    claim: Claim,
    stage: Stage,
    /// Of what is written into a month.
    when: Option<Instant>,
    /// Of an organisation, practitioner or role: the whole.
    resource: Option<Result<Resource, Fault>>,
}

fn sight(found: Result<Outline<'_>, Fault>, zone: Tz) -> Result<Sighting, Fault> {
    let outline = found?;
    Ok(Sighting {
        when: outline
            .when
            .as_deref()
            .and_then(|text| dates::instant(text, zone)),
        identity: mark(&outline.identity()),
        claim: Claim::of(&outline),
        stage: outline.stage(),
        resource: outline.stage().is_foundation().then(|| outline.read()),
        name: outline.name,
    })
}

impl Builder {
    /// Counts what one document holds. Returns the earliest stage of what is left for the second pass.
    fn take(&mut self, found: Vec<Result<Sighting, Fault>>) -> Option<Stage> {
        let mut earliest = None;
        for sighting in found {
            match sighting {
                Ok(sighting) => {
                    *self
                        .index
                        .read
                        .entry(sighting.name.resource_type.clone())
                        .or_default() += 1;
                    let stage = sighting.stage;
                    if let Some(at) = sighting.when {
                        let months = if stage == Stage::Encounter {
                            &mut self.index.encounters
                        } else {
                            &mut self.index.vitals
                        };
                        months.entry((at.year(), at.month())).or_insert(at);
                    }
                    match sighting.resource {
                        Some(Ok(resource)) => {
                            self.take_foundation(sighting.identity, sighting.claim, resource);
                        }
                        Some(Err(fault)) => self.index.faults.push(fault),
                        None => {
                            self.claim(sighting.identity, sighting.claim);
                            earliest = earliest.into_iter().chain([stage]).min();
                        }
                    }
                }
                Err(fault) => self.index.faults.push(fault),
            }
        }
        earliest
    }

    fn claim(&mut self, mark: u128, claim: Claim) {
        self.claims
            .entry(mark)
            .and_modify(|held| {
                if held.yields_to(&claim) {
                    *held = claim.clone();
                }
                held.again = true;
            })
            .or_insert(claim);
    }

    fn take_foundation(&mut self, mark: u128, claim: Claim, resource: Resource) {
        let Some((held, winner)) = self.foundation.get_mut(&mark) else {
            self.foundation.insert(mark, (claim, resource));
            return;
        };
        // Whoever refers to the other state means this one too.
        let loser = if held.yields_to(&claim) {
            *held = claim;
            std::mem::replace(winner, resource)
        } else {
            resource
        };
        self.index.superseded.add(&loser);
        let names = loser.aliases.into_iter().chain([loser.name.id]);
        let own = winner.name.id.clone();
        winner.aliases.extend(names.filter(|name| *name != own));
        winner.aliases.sort();
        winner.aliases.dedup();
    }

    fn finish(self) -> Index {
        let Self {
            mut index,
            claims,
            foundation,
        } = self;
        index.winners = claims
            .into_iter()
            .filter(|(_, claim)| claim.again)
            .map(|(mark, claim)| (mark, claim.place))
            .collect();
        index.foundation = foundation
            .into_values()
            .map(|(_, resource)| resource)
            .collect();
        index
            .foundation
            .sort_by_key(|resource| (resource.stage(), resource.place));
        index
            .units
            .sort_by_key(|unit| (unit.stage, unit.places().start));
        index.faults.sort_by_key(|fault| fault.place);
        index
    }
}

#[cfg(test)]
#[path = "index_tests.rs"]
mod tests;

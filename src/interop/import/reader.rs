//! The second pass: units of files in, chunks of resources out, on a thread of its own for each lane.
//!
//! A chunk is what one transaction takes. It may hold resources of many small files or a part of a large one; within a
//! chunk patients come first and encounters next, and chunks of one file stay in the order in which they were read.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::claim::mark;
use super::files;
use super::index::{Span, Unit};
use super::outline::{Outline, outlines};
use super::report::{Fault, Place, SUPERSEDED};
use super::resource::{Resource, Stage};

/// Resources in one chunk.
const RESOURCES: usize = 400;
/// Text in one chunk.
const BYTES: usize = 4 << 20;

/// What goes to one transaction, and what was settled on the way.
#[derive(Default)]
pub(super) struct Chunk {
    pub resources: Vec<Resource>,
    pub faults: Vec<Fault>,
    /// Resources passed over, because another state of them counts.
    pub superseded: Vec<Fault>,
    /// Resources that must wait for another state of them, which says whether they are here already.
    pub waiting: Vec<Place>,
    bytes: usize,
}

impl Chunk {
    fn push(&mut self, resource: Resource) {
        self.bytes += resource.content.len();
        self.resources.push(resource);
    }

    fn is_full(&self) -> bool {
        self.resources.len() >= RESOURCES || self.bytes >= BYTES
    }

    fn in_order(mut self) -> Self {
        self.resources.sort_by_key(Resource::stage);
        self
    }

    fn is_empty(&self) -> bool {
        self.resources.is_empty()
            && self.faults.is_empty()
            && self.superseded.is_empty()
            && self.waiting.is_empty()
    }
}

/// One walk over some units, shared by the lanes that take part in it.
pub(super) struct Walk {
    pub files: Arc<[PathBuf]>,
    pub units: Vec<Unit>,
    pub winners: Arc<HashMap<u128, Place>>,
    /// Only these places: what had to wait.
    pub only: Option<BTreeSet<Place>>,
    pub source: Option<String>,
    pub next: AtomicUsize,
}

/// Takes units until none is left or nobody listens. Blocks: not for an async thread.
pub(super) fn read(walk: &Walk, to: &mpsc::Sender<Chunk>) {
    let mut chunk = Chunk::default();
    while let Some(unit) = walk.units.get(walk.next.fetch_add(1, Ordering::Relaxed)) {
        let path = &walk.files[unit.file as usize];
        let mut lane = Lane {
            walk,
            chunk: &mut chunk,
            to,
            closed: false,
        };
        match unit.span {
            // What can't be read was reported by the first pass; a file that has changed since then is reported here.
            Span::Document => match files::text(path) {
                Ok(text) => lane.take(&text, Place::file(unit.file)),
                Err(reason) => lane.chunk.faults.push(Fault {
                    place: Place::file(unit.file),
                    name: None,
                    reason: reason.into(),
                }),
            },
            Span::Lines { from, until } => {
                let read = files::lines(path, from, |line, text, _| {
                    if let (Ok(text), true) = (text, line <= until) {
                        lane.take(
                            text,
                            Place {
                                file: unit.file,
                                line,
                                entry: 0,
                            },
                        );
                    }
                    line < until && !lane.closed
                });
                // A break after the unit was reported by the first pass, and so was one that was there then.
                if let Err(broken) = read
                    && broken.at.lines < until
                {
                    lane.chunk.faults.push(Fault {
                        place: Place {
                            file: unit.file,
                            line: broken.at.lines + 1,
                            entry: 0,
                        },
                        name: None,
                        reason: files::unreadable_because(&broken.cause).into(),
                    });
                }
            }
        }
        if lane.closed {
            return;
        }
    }
    if !chunk.is_empty() {
        let _ = to.blocking_send(chunk.in_order());
    }
}

struct Lane<'a> {
    walk: &'a Walk,
    chunk: &'a mut Chunk,
    to: &'a mpsc::Sender<Chunk>,
    closed: bool,
}

impl Lane<'_> {
    fn take(&mut self, text: &str, place: Place) {
        let found = outlines(text, place, self.walk.source.as_deref());
        let mut found: Vec<Outline<'_>> = found
            .into_iter()
            .flatten()
            .filter(|outline| !outline.stage().is_foundation())
            .collect();
        found.sort_by_key(Outline::stage);
        for outline in found {
            self.pass_on(&outline);
            if self.closed {
                return;
            }
        }
    }

    fn pass_on(&mut self, outline: &Outline<'_>) {
        if let Some(only) = &self.walk.only {
            if !only.contains(&outline.place) {
                return;
            }
        } else if self.is_another_state(outline) {
            return;
        }
        match outline.read() {
            Ok(resource) => self.chunk.push(resource),
            Err(fault) => self.chunk.faults.push(fault),
        }
        if self.chunk.is_full() {
            let full = std::mem::take(self.chunk);
            self.closed = self.to.blocking_send(full.in_order()).is_err();
        }
    }

    /// Whether another state of the same resource counts; notes what is to become of this one.
    fn is_another_state(&mut self, outline: &Outline<'_>) -> bool {
        let Some(winner) = self.walk.winners.get(&mark(&outline.identity())) else {
            return false;
        };
        if *winner == outline.place {
            return false;
        }
        // It has an id of its own, by which others may refer to it.
        if outline.condition.is_some() && outline.stage() < Stage::Other {
            self.chunk.waiting.push(outline.place);
        } else {
            self.chunk.superseded.push(Fault {
                place: outline.place,
                name: Some(outline.name.clone()),
                reason: SUPERSEDED.into(),
            });
        }
        true
    }
}

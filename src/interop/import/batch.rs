//! One transaction's worth of resources: looked up together, told apart into new, changed and known, written together.
//!
//! What fails alone (a rule, a reference to nobody) is noted and left out. What the database refuses takes its transaction
//! with it; the [`Importer`](super::importer::Importer) then tries halves, until the one at fault stands alone.
//!
//! Traps: a name may be an SSN (`Patient?identifier=…/us-ssn|…`): it is stored and looked up through a keyed blind index,
//! never as it is. So is the hash of a mapped resource, which would otherwise betray an SSN to whoever tries them all.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use clinical::encounters::{self, EncounterRecord};
use clinical::patients::Patient;
use clinical::vitals;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use platform::crypto::TenantCipher;
use platform::db::SystemTx;
use serde::Serialize;
use uuid::Uuid;

use super::access::Touched;
use super::entries::{self, Entered, Pending};
use super::importer::Importer;
use super::naming::{HASH_KIND, blind, is_mapped, names, other_names, own_names, references};
use super::organization;
use super::reference::Name;
use super::rekeying;
use super::report::{Fault, INCOMPLETE, Notice, Place};
use super::resource::{Resource, Stage, digest, hex};
use super::store::{self, Before, Judged, Kept, Known};

/// What became of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Created,
    Updated,
    Skipped,
}

/// What one transaction did.
#[derive(Default)]
pub(super) struct Outcome {
    pub fates: Vec<(String, Fate)>,
    /// Could not be told yet: something they refer to may still come.
    pub waiting: Vec<Place>,
    pub faults: Vec<Fault>,
    /// Imported without a link they name.
    pub incomplete: u64,
    /// Passed over, because another state of them counts.
    pub superseded: u64,
    /// These and those.
    pub remarks: Vec<Fault>,
    /// How many were entered into the chart, by what they became.
    pub entered: BTreeMap<&'static str, u64>,
    /// What was kept as it came, or entered in part, and why.
    pub notices: Vec<Notice>,
}

impl Outcome {
    pub(super) fn add(&mut self, other: Outcome) {
        self.fates.extend(other.fates);
        self.waiting.extend(other.waiting);
        self.faults.extend(other.faults);
        self.incomplete += other.incomplete;
        self.superseded += other.superseded;
        self.remarks.extend(other.remarks);
        for (kind, count) in other.entered {
            *self.entered.entry(kind).or_default() += count;
        }
        self.notices.extend(other.notices);
    }
}

/// What is to be done with one resource, or why nothing is.
pub(super) enum Verdict {
    Done(Fate),
    Wait,
    Fault(String),
}

impl From<Fate> for Verdict {
    fn from(fate: Fate) -> Self {
        Verdict::Done(fate)
    }
}

/// A transaction in the making.
pub(super) struct Batch<'a> {
    pub(super) importer: &'a Importer,
    pub(super) tx: SystemTx,
    pub(super) now: Instant,
    /// Whether anything may still come that is not there now.
    pub(super) last: bool,
    pub(super) cipher: Arc<TenantCipher>,
    known: HashMap<Name, Known>,
    pub(super) kept: HashMap<Name, Before>,
    pub(super) patients_of: HashMap<Uuid, Uuid>,
    /// Of registrations that were merged: the one that has everything now.
    survivors: HashMap<Uuid, Uuid>,
    pub(super) active_providers: HashSet<Uuid>,
    pub(super) people: HashMap<PatientId, Arc<Patient>>,
    pub(super) vitals: Pending,
    pub(super) judged: Vec<Judged>,
    /// Why nothing of this batch may be entered: it was tried, and the database refused.
    pub(super) only_keep: Option<String>,
    /// The entry that the resource at hand is to change, because its source has.
    pub(super) revises: Option<Uuid>,
    /// The entry of the resource at hand, when its source had taken that back and stands by it again.
    pub(super) returns: Option<Uuid>,
    /// Whether the resource at hand has not changed: it is read anew, by rules that have.
    pub(super) rereads: bool,
    /// The memberships that the care team at hand has opened.
    pub(super) joined: Option<Vec<Uuid>>,
    links: BTreeMap<Name, Known>,
    pub(super) encounters: Vec<EncounterRecord>,
    pub(super) keep: Vec<Kept>,
    /// Those of them that are known by other names, too.
    named: HashSet<Uuid>,
    pub(super) touched: Touched,
    incomplete: Vec<Fault>,
    entered: BTreeMap<&'static str, u64>,
    notices: Vec<Notice>,
}

impl<'a> Batch<'a> {
    /// Begins the transaction and looks up every name its resources have and use.
    #[expect(
        clippy::too_many_lines,
        reason = "every lookup of a batch, one after the other"
    )]
    pub(super) async fn begin(
        importer: &'a Importer,
        resources: &[Resource],
        last: bool,
    ) -> Result<Batch<'a>> {
        let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
        let cipher = importer.app.tenant_keys.cipher(&mut tx).await?;
        let mut names = HashSet::new();
        let mut raw = HashSet::new();
        for resource in resources {
            if is_mapped(resource) {
                names.extend(own_names(resource));
            } else {
                raw.insert(resource.identity());
                raw.extend(entries::after(resource));
                names.extend(other_names(resource));
            }
            names.extend(references(resource));
        }
        let (names, raw) = (Vec::from_iter(names), Vec::from_iter(raw));
        rekeying::adopt(&mut tx, &cipher, &names, &raw).await?;
        let stored = |names: &[Name]| -> Vec<Name> {
            let stored: HashSet<Name> = names.iter().map(|name| blind(&cipher, name)).collect();
            stored.into_iter().collect()
        };
        let mut known = store::known(&mut tx, &stored(&names)).await?;
        rekeying::rehash_all(&cipher, &mut known);
        let kept = store::kept(&mut tx, &stored(&raw)).await?;
        let targets = |kind: &str| -> Vec<Uuid> {
            known
                .iter()
                .filter(|(name, _)| name.resource_type == kind)
                .map(|(_, known)| known.target)
                .collect()
        };
        let survivors = store::survivors(&mut tx, &targets("Patient")).await?;
        let active_providers = store::active_providers(&mut tx, &targets("Practitioner")).await?;
        let encounters: Vec<Uuid> = known
            .iter()
            .filter(|(name, _)| name.resource_type == "Encounter")
            .map(|(_, known)| known.target)
            .collect();
        let patients_of = store::patients_of(&mut tx, &encounters).await?;
        let now = importer.app.clock.now();
        Ok(Self {
            importer,
            tx,
            now,
            last,
            cipher,
            known,
            kept,
            patients_of,
            survivors,
            active_providers,
            people: HashMap::new(),
            vitals: Pending::default(),
            judged: Vec::new(),
            only_keep: None,
            revises: None,
            returns: None,
            rereads: false,
            joined: None,
            links: BTreeMap::new(),
            encounters: Vec::new(),
            keep: Vec::new(),
            named: HashSet::new(),
            touched: Touched::default(),
            incomplete: Vec::new(),
            entered: BTreeMap::new(),
            notices: Vec::new(),
        })
    }

    pub(super) async fn take(&mut self, resource: &Resource) -> Result<Verdict> {
        match resource.stage() {
            Stage::Place if organization::is_facility(resource) => self.facility(resource).await,
            Stage::Provider => self.provider(resource).await,
            Stage::Role => self.role(resource).await,
            Stage::Patient => self.patient(resource).await,
            Stage::Encounter => self.encounter(resource).await,
            Stage::Place | Stage::Other => self.other(resource).await,
        }
    }

    /// Writes the encounters gathered so far: what happened in one is entered after it.
    pub(super) async fn write_encounters(&mut self) -> Result<()> {
        let gathered = std::mem::take(&mut self.encounters);
        if !gathered.is_empty() {
            encounters::record_in_tx(&mut self.tx, &gathered, None, self.now).await?;
        }
        Ok(())
    }

    /// Writes what was gathered, and the access records, and commits.
    pub(super) async fn commit(mut self) -> Result<Outcome> {
        self.write_encounters().await?;
        vitals::record_in_tx(&mut self.tx, &self.vitals.rows).await?;
        store::keep(&mut self.tx, &self.keep, self.now).await?;
        let named: Vec<Uuid> = self.named.iter().copied().collect();
        store::require_kept(&mut self.tx, &named).await?;
        store::judge(&mut self.tx, &self.judged, self.now).await?;
        store::remember(&mut self.tx, &self.links, self.now).await?;
        let Importer {
            app, tenant, run, ..
        } = self.importer;
        let records = self.touched.records(app, *tenant, *run, self.now);
        self.tx.record(&records).await?;
        self.tx.commit().await?;
        Ok(Outcome {
            incomplete: self.incomplete.len() as u64,
            remarks: self.incomplete,
            entered: self.entered,
            notices: self.notices,
            ..Outcome::default()
        })
    }

    /// What the resource led to when it was last imported, by its condition or by its name.
    pub(super) fn present(&self, resource: &Resource) -> Option<Known> {
        self.find(&resource.identity())
            .or_else(|| self.find(&resource.name))
            .cloned()
    }

    /// The name as it is stored.
    pub(super) fn stored(&self, name: &Name) -> Name {
        blind(&self.cipher, name)
    }

    /// Whether a resource that is kept as it comes is here already.
    pub(super) fn is_kept(&self, name: &Name) -> bool {
        self.kept.contains_key(&self.stored(name))
    }

    fn find(&self, name: &Name) -> Option<&Known> {
        self.known.get(&self.stored(name))
    }

    /// Where a reference leads. A registration that was merged leads to the one that has everything now.
    pub(super) fn follow(&self, name: Option<&Name>) -> Option<Uuid> {
        let target = self.led(name)?;
        Some(self.survivors.get(&target).copied().unwrap_or(target))
    }

    /// Where a reference led when what it names was imported.
    pub(super) fn led(&self, name: Option<&Name>) -> Option<Uuid> {
        self.find(name?).map(|known| known.target)
    }

    /// Counts an entry, or says why there is none.
    pub(super) fn note_entered(&mut self, resource: &Resource, entered: &Entered) {
        let (why, listed) = match entered {
            Entered::As {
                kind,
                lacks,
                unread,
                ..
            } => {
                *self.entered.entry(kind).or_default() += 1;
                match (lacks, unread) {
                    (Some(lacks), _) => (format!("entered without a part of it: {lacks}"), true),
                    // They stay in the resource, and every resource of a source has the same: counted, not listed.
                    (None, Some(unread)) => (format!("entered without {unread}"), false),
                    (None, None) => return,
                }
            }
            Entered::Refused(why) | Entered::There(why) => (why.clone(), true),
            Entered::Left(why) => ((*why).to_owned(), false),
        };
        self.notices.push(Notice {
            place: resource.place,
            name: resource.name.clone(),
            reason: why,
            listed,
        });
    }

    /// Notes what of a resource was not written.
    pub(super) fn note_kept(&mut self, resource: &Resource, reason: Option<String>) {
        self.notices.extend(reason.map(|reason| Notice {
            place: resource.place,
            name: resource.name.clone(),
            reason,
            listed: true,
        }));
    }

    /// Notes which elements of a registration or a visit were not taken. Every one of a source has the same: counted, not listed.
    pub(super) fn note_unread(&mut self, resource: &Resource) {
        let reason = entries::unread_of_mapped(&resource.value);
        self.notices.extend(reason.map(|reason| Notice {
            place: resource.place,
            name: resource.name.clone(),
            reason,
            listed: false,
        }));
    }

    /// The registration that has everything of this one now: another, where it was merged.
    pub(super) fn survivor(&self, patient: PatientId) -> PatientId {
        let survivor = self.survivors.get(&patient.0);
        survivor.copied().map_or(patient, PatientId)
    }

    /// Notes a resource that was written although something it names is nowhere.
    pub(super) fn note_incomplete(&mut self, resource: &Resource, lacks: bool) {
        if lacks {
            self.incomplete.push(Fault {
                place: resource.place,
                name: Some(resource.name.clone()),
                reason: INCOMPLETE.into(),
            });
        }
    }

    /// Whether a resource that is here is to be left as it is: unchanged, or under `ifNoneExist`.
    pub(super) fn is_settled(&mut self, resource: &Resource, present: &Known, hash: &[u8]) -> bool {
        let untouchable = resource
            .condition
            .as_ref()
            .is_some_and(|condition| !condition.updates);
        if !untouchable && present.hash != hash {
            return false;
        }
        // Another id for the same: whoever uses it shall find it.
        let known = present.clone();
        let new: Vec<Name> = names(resource)
            .filter(|name| self.find(name).is_none())
            .collect();
        for name in new {
            self.learn(&name, &known);
        }
        true
    }

    /// Remembers every name of the resource.
    pub(super) fn remember(&mut self, resource: &Resource, target: Uuid, hash: Vec<u8>) {
        let known = Known { target, hash };
        for name in own_names(resource) {
            self.learn(&name, &known);
        }
    }

    /// Remembers under which other names a resource that is kept may be asked for, as far as these are new.
    pub(super) fn remember_kept(&mut self, resource: &Resource, id: Uuid) {
        let new: Vec<Name> = other_names(resource)
            .into_iter()
            .filter(|name| self.find(name).is_none())
            .collect();
        if new.is_empty() {
            return;
        }
        // It has no state of its own to compare: the row has.
        let known = Known {
            target: id,
            hash: Vec::new(),
        };
        for name in new {
            self.learn(&name, &known);
        }
        self.named.insert(id);
    }

    fn learn(&mut self, name: &Name, known: &Known) {
        let name = self.stored(name);
        match self.known.get(&name) {
            Some(other) if other.target != known.target => {}
            _ => {
                self.links.insert(name.clone(), known.clone());
                self.known.insert(name, known.clone());
            }
        }
    }

    /// A keyed hash of what a resource was mapped to.
    pub(super) fn hash(&self, mapped: &impl Serialize) -> Result<Vec<u8>> {
        let text = serde_json::to_vec(mapped).map_err(kernel::Error::internal)?;
        Ok(self
            .cipher
            .lasting_index(HASH_KIND, &hex(&digest(&[&text])))
            .into_bytes())
    }
}

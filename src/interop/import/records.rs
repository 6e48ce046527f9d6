//! The part of a batch that deals with what happened: encounters, and whatever is kept as it came.

use clinical::encounters::{self, EncounterRecord};
use kernel::Result;
use kernel::ids::{EncounterId, FacilityId, PatientId, ProviderId};
use uuid::Uuid;

use super::batch::{Batch, Fate, Verdict};
use super::entries::{Entered, Whose};
use super::here::Here;
use super::importer::reason;
use super::papers::Papers;
use super::report::ORPHAN;
use super::resource::Resource;
use super::store::{Before, Judged, Waiting};
use super::{encounter, entries, kept};

impl Batch<'_> {
    #[expect(
        clippy::too_many_lines,
        reason = "the steps of one resource, in their order"
    )]
    pub(super) async fn other(&mut self, resource: &Resource) -> Result<Verdict> {
        let links = kept::links(resource);
        let mut encounter = self.follow(links.encounter.as_ref());
        let mut patient = self.follow(links.patient.as_ref());
        let mut led = self.led(links.patient.as_ref());
        let mut lacks = links.encounter.is_some() && encounter.is_none();
        let early = !self.last
            && entries::after(resource)
                .iter()
                .any(|name| !self.is_kept(name));
        if early {
            return Ok(Verdict::Wait);
        }
        let is_orphan = links.patient.is_some() && patient.is_none();
        if !self.last && (lacks || is_orphan) {
            return Ok(Verdict::Wait);
        }
        if is_orphan {
            return Ok(Verdict::Fault(ORPHAN.to_owned()));
        }
        if let Some(visited) = encounter.and_then(|id| self.patients_of.get(&id)).copied() {
            patient = patient.or(Some(visited));
            led = led.or(Some(visited));
            if patient != Some(visited) {
                // Another patient's encounter is no place for it; the patient is the better witness.
                encounter = None;
                lacks = true;
            }
        }
        let (patient, encounter) = (patient.map(PatientId), encounter.map(EncounterId));
        let name = self.stored(&resource.identity());
        let mut row = kept::row(
            resource,
            name.clone(),
            patient,
            encounter,
            self.importer.zone,
        );
        // As it was led: that registrations were merged here changes nothing at the source.
        row.hash = kept::hash(resource, led.map(PatientId), encounter);
        let untouchable = resource
            .condition
            .as_ref()
            .is_some_and(|condition| !condition.updates);
        let enters = entries::is_entered(&resource.name.resource_type);
        let before = self.kept.get(&name).cloned();
        if let Some(before) = &before {
            row.id = before.id;
        }
        self.remember_kept(resource, row.id);
        let fate = match &before {
            Some(before) if untouchable || before.hash == row.hash => {
                if !enters || before.is_looked_at() {
                    return Ok(Fate::Skipped.into());
                }
                Fate::Updated
            }
            Some(_) => Fate::Updated,
            None => Fate::Created,
        };
        self.note_incomplete(resource, lacks);
        let before = match before {
            Some(before) if enters => Some(self.parted(resource, before, patient).await?),
            before => before,
        };
        if enters {
            row.judgement = self
                .judged(resource, before.as_ref(), (patient, encounter))
                .await?;
        }
        let (entry_before, joined_before) = before
            .map(|before| (before.entry, before.joined))
            .unwrap_or_default();
        row.joined = self.joined.take().unwrap_or(joined_before);
        self.kept.insert(
            name,
            Before {
                id: row.id,
                hash: row.hash.clone(),
                patient,
                encounter,
                entry: row
                    .judgement
                    .as_ref()
                    .and_then(Entered::entry)
                    .or(entry_before),
                joined: row.joined.clone(),
                reading: row.judgement.as_ref().map(|_| entries::READING),
            },
        );
        if let Some(patient) = patient {
            self.touched.update(patient);
        }
        self.keep.push(row);
        Ok(fate.into())
    }

    /// What is known of the resource, without the entry it has made for a patient it no longer names.
    async fn parted(
        &mut self,
        resource: &Resource,
        before: Before,
        patient: Option<PatientId>,
    ) -> Result<Before> {
        let (Some(named), Some(_), None) = (before.patient, patient, &self.only_keep) else {
            return Ok(before);
        };
        // That they were merged here meanwhile makes nobody another.
        if patient == Some(named) || patient == Some(self.survivor(named)) {
            return Ok(before);
        }
        let whose = Whose {
            patient: named,
            encounter: before.encounter,
        };
        self.leave_patient(resource, &before, whose).await?;
        self.touched.update(named);
        Ok(Before {
            entry: None,
            joined: Vec::new(),
            ..before
        })
    }

    /// What becomes of a resource of a kind that is entered; `None` where that is still to come.
    async fn judged(
        &mut self,
        resource: &Resource,
        before: Option<&Before>,
        (patient, encounter): (Option<PatientId>, Option<EncounterId>),
    ) -> Result<Option<Entered>> {
        let entry = before.and_then(|before| Some((before.entry.clone()?, &before.joined)));
        if entries::is_half(&resource.value) && patient.is_some() {
            // The other may still come.
            return Ok(None);
        }
        let judgement = if entries::document::is_paper(resource) {
            // It is filed when everything has been read: its content is stored before the transaction that files it.
            let Some(why) = entries::document::refusal(resource, entry.is_some()) else {
                return Ok(None);
            };
            match (entry, patient) {
                (Some(((_, id), joined)), Some(patient)) => {
                    let whose = Whose { patient, encounter };
                    self.close_paper(resource, whose, (id, joined), why).await?
                }
                _ => why,
            }
        } else {
            match entry {
                Some((entry, _)) => {
                    self.follow_source(resource, (patient, encounter), entry)
                        .await?
                }
                None => self.entered(resource, patient, encounter).await?,
            }
        };
        self.note_entered(resource, &judgement);
        Ok(Some(judgement))
    }

    pub(super) async fn entered(
        &mut self,
        resource: &Resource,
        patient: Option<PatientId>,
        encounter: Option<EncounterId>,
    ) -> Result<Entered> {
        if let Some(why) = &self.only_keep {
            return Ok(Entered::Refused(why.clone()));
        }
        match patient {
            Some(patient) => {
                self.write_encounters().await?;
                let whose = Whose { patient, encounter };
                self.enter(resource, whose).await
            }
            None => Ok(Entered::Refused("names no patient".to_owned())),
        }
    }

    /// Looks once more at a resource that is kept.
    pub(super) async fn look_again(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        papers: &Papers,
    ) -> Result<()> {
        if entries::is_half(&resource.value) {
            return self.half(waiting, resource).await;
        }
        let whose = waiting.whose();
        if waiting.is_entered() {
            let judgement = self.read_anew(waiting, resource, papers).await?;
            if judgement.is_some() {
                self.touched.update(whose.patient);
            }
            self.judged.push(Judged {
                id: waiting.id,
                judgement,
                joined: self.joined.take().unwrap_or_else(|| waiting.joined.clone()),
            });
            return Ok(());
        }
        let entered = if entries::document::is_paper(resource) {
            self.paper(waiting, resource, papers).await?
        } else {
            self.entered(resource, Some(whose.patient), whose.encounter)
                .await?
        };
        self.note_entered(resource, &entered);
        if matches!(entered, Entered::As { .. }) {
            self.touched.update(whose.patient);
        }
        self.judged.push(Judged {
            id: waiting.id,
            judgement: Some(entered),
            joined: self.joined.take().unwrap_or_else(|| waiting.joined.clone()),
        });
        Ok(())
    }

    pub(super) async fn encounter(&mut self, resource: &Resource) -> Result<Verdict> {
        let links = encounter::links(resource);
        let Some(name) = links.patient else {
            return Ok(Verdict::Fault("names no patient".to_owned()));
        };
        let Some(patient) = self.follow(Some(&name)).map(PatientId) else {
            let nobody = Verdict::Fault(ORPHAN.to_owned());
            return Ok(if self.last { nobody } else { Verdict::Wait });
        };
        let found = encounter::Found {
            patient,
            facility: self.follow(links.facility.as_ref()).map(FacilityId),
            provider: self.follow(links.provider.as_ref()).map(ProviderId),
        };
        let present = self.present(resource);
        let id = present
            .as_ref()
            .map_or_else(EncounterId::new, |known| EncounterId(known.target));
        let record = match encounter::map(resource, id, found, self.importer.zone, self.now) {
            Ok(record) => record,
            Err(reason) => return Ok(Verdict::Fault(reason.to_owned())),
        };
        if let Err(error) = encounter::check(&record, self.now) {
            return Ok(Verdict::Fault(reason(&error)));
        }
        // The id is ours: a new one each time must not look like a change.
        let hash = self.hash(&EncounterRecord {
            id: EncounterId(Uuid::nil()),
            ..record.clone()
        })?;
        let fate = match present {
            Some(present) if self.is_settled(resource, &present, &hash) => {
                return Ok(Fate::Skipped.into());
            }
            Some(_) => {
                if !self.amend_encounter(resource, patient, record).await? {
                    return Ok(Verdict::Fault(
                        "names another patient than when it was imported before".to_owned(),
                    ));
                }
                Fate::Updated
            }
            None => {
                self.patients_of.insert(id.0, patient.0);
                self.encounters.push(record);
                Fate::Created
            }
        };
        let lacks_place = links.facility.is_some() && found.facility.is_none();
        self.note_incomplete(
            resource,
            lacks_place || links.provider.is_some() && found.provider.is_none(),
        );
        self.note_unread(resource);
        self.remember(resource, id.0, hash);
        self.touched.update(patient);
        Ok(fate.into())
    }

    /// Changes an encounter that is there to what its source says now, but for what was changed here. False: it is another
    /// patient's.
    async fn amend_encounter(
        &mut self,
        resource: &Resource,
        patient: PatientId,
        record: EncounterRecord,
    ) -> Result<bool> {
        let id = record.id;
        let Some(before) = encounters::find_in_tx(&mut self.tx, Some(patient), id).await? else {
            return Ok(false);
        };
        let mut here = Here::of(&mut self.tx, "encounters", id.0).await?;
        let wanted = encounter::amend(before.record.clone(), record);
        let record = here.encounter(&before.record, wanted);
        encounters::update_in_tx(&mut self.tx, &record, self.now).await?;
        self.note_kept(resource, here.remark());
        Ok(true)
    }
}

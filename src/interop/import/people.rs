//! The part of a batch that deals with places and people: each a row of its own feature, written by its own functions.

use clinical::patients::{self, PatientStatus};
use identity::facilities::{add_facility, amend_facility};
use identity::staff::{find_provider_by_npi, insert_provider, read_provider, update_provider};
use kernel::ids::{FacilityId, PatientId, ProviderId};
use kernel::{Checks, Error, Result, Validate};

use super::batch::{Batch, Fate, Verdict};
use super::here::{self, Here};
use super::importer::reason;
use super::resource::Resource;
use super::{organization, patient, practitioner, store_here};

/// What a change of a merged registration is said to come to.
const MERGED: &str = "was merged here into another registration, which takes a death, addresses and ways of reaching the patient from it and nothing else";

/// Somebody who is dead here by more than the word of the source.
const LIVES: &str = "does not say that the patient has died; that was said or changed here, or came from a registration that was merged into this one, and stays";

/// Two sources may count their patients alike.
const ANOTHER: &str = "is somebody else than the patient of this id who was imported before (name, birth date and identifiers): give \
                       what comes from another system a name of its own (--source)";

impl Batch<'_> {
    fn check(&self, model: &impl Validate) -> Option<Verdict> {
        let mut checks = Checks::at(self.now);
        model.check(&mut checks);
        checks
            .finish()
            .err()
            .map(|error| Verdict::Fault(reason(&error)))
    }

    pub(super) async fn patient(&mut self, resource: &Resource) -> Result<Verdict> {
        let links = patient::links(resource);
        let found = patient::Found {
            facility: self.follow(links.facility.as_ref()).map(FacilityId),
            provider: self.follow(links.provider.as_ref()).map(ProviderId),
        };
        let source = match patient::map(resource, found, self.importer.zone, self.now) {
            Ok(source) => source,
            Err(reason) => return Ok(Verdict::Fault(reason.to_owned())),
        };
        if let Err(error) = patient::check(&source.data, self.now) {
            return Ok(Verdict::Fault(reason(&error)));
        }
        let hash = self.hash(&source)?;
        let (id, fate) = match self.present(resource) {
            Some(present) if self.is_settled(resource, &present, &hash) => {
                return Ok(Fate::Skipped.into());
            }
            Some(present) => (PatientId(present.target), Fate::Updated),
            None => (PatientId::new(), Fate::Created),
        };
        if fate == Fate::Updated {
            let present = patients::find(&mut self.tx, id).await?;
            if present.is_some_and(|present| patient::is_another(&present.data, &source.data)) {
                return Ok(Verdict::Fault(ANOTHER.to_owned()));
            }
            let survivor = self.survivor(id);
            if survivor == id {
                self.amend_patient(resource, id, source).await?;
            } else {
                self.tell_survivor(resource, (id, survivor), source).await?;
            }
            self.touched.update(survivor);
        } else {
            patients::register_in_tx(&mut self.tx, &self.cipher, id, &source.data, None, self.now)
                .await?;
            self.restate(id, source.status, PatientStatus::Active)
                .await?;
            self.touched.create(id);
        }
        let lacks_place = links.facility.is_some() && found.facility.is_none();
        self.note_incomplete(
            resource,
            lacks_place || links.provider.is_some() && found.provider.is_none(),
        );
        self.note_unread(resource);
        self.remember(resource, id.0, hash);
        Ok(fate.into())
    }

    async fn amend_patient(
        &mut self,
        resource: &Resource,
        id: PatientId,
        source: patient::Source,
    ) -> Result<()> {
        let present = patients::find(&mut self.tx, id)
            .await?
            .ok_or_else(Error::not_found)?;
        let mut here = Here::of_patient(&mut self.tx, id.0).await?;
        let mut wanted = patient::amend(&present.data, source.data.clone(), self.now);
        let mut status = present.status;
        if status == PatientStatus::Deceased && !source.is_dead() {
            if here.says_he_died() || store_here::has_taken_in(&mut self.tx, id).await? {
                self.note_kept(resource, Some(LIVES.to_owned()));
            } else {
                // Only its source has ever said so.
                wanted.deceased_on = None;
                status = PatientStatus::Active;
            }
        }
        let amended = here.patient(&present.data, wanted, &source.data);
        patients::amend_in_tx(&mut self.tx, &self.cipher, id, &amended, self.now).await?;
        if status != present.status {
            patients::restate_in_tx(&mut self.tx, id, status, None, self.now).await?;
        }
        let wakes = status == PatientStatus::Active && source.status.is_some();
        if !(wakes && here.keeps_status()) {
            self.restate(id, source.status, status).await?;
        }
        self.note_kept(resource, here.remark());
        Ok(())
    }

    /// Takes to a survivor what fits there of what the source says anew of a registration that was merged; the report says that
    /// the rest is left.
    async fn tell_survivor(
        &mut self,
        resource: &Resource,
        (merged, survivor): (PatientId, PatientId),
        source: patient::Source,
    ) -> Result<()> {
        let before = patients::find(&mut self.tx, merged)
            .await?
            .ok_or_else(Error::not_found)?;
        let present = patients::find(&mut self.tx, survivor)
            .await?
            .ok_or_else(Error::not_found)?;
        let data = here::news(&before.data, &present.data, &source.data);
        patients::amend_in_tx(&mut self.tx, &self.cipher, survivor, &data, self.now).await?;
        let died = source
            .status
            .filter(|status| *status == PatientStatus::Deceased);
        self.restate(survivor, died, present.status).await?;
        self.note_kept(resource, Some(MERGED.to_owned()));
        Ok(())
    }

    /// A source that calls somebody inactive does not wake whom the tenant has transferred or buried.
    async fn restate(
        &mut self,
        id: PatientId,
        wanted: Option<PatientStatus>,
        present: PatientStatus,
    ) -> Result<()> {
        let applies = present == PatientStatus::Active || wanted == Some(PatientStatus::Deceased);
        if let (Some(status), true) = (wanted, applies) {
            patients::restate_in_tx(&mut self.tx, id, status, None, self.now).await?;
        }
        Ok(())
    }

    pub(super) async fn facility(&mut self, resource: &Resource) -> Result<Verdict> {
        let new = match organization::map(resource, self.importer.zone.name()) {
            Ok(new) => new,
            Err(reason) => return Ok(Verdict::Fault(reason.to_owned())),
        };
        if let Some(verdict) = self.check(&new) {
            return Ok(verdict);
        }
        let hash = self.hash(&new)?;
        let (id, fate) = match self.present(resource) {
            Some(present) if self.is_settled(resource, &present, &hash) => {
                return Ok(Fate::Skipped.into());
            }
            Some(present) => {
                let id = FacilityId(present.target);
                amend_facility(
                    &mut self.tx,
                    id,
                    |present| organization::amend(present, new),
                    self.now,
                )
                .await?;
                (id, Fate::Updated)
            }
            None => (
                add_facility(&mut self.tx, &new, self.now).await?,
                Fate::Created,
            ),
        };
        self.remember(resource, id.0, hash);
        Ok(fate.into())
    }

    pub(super) async fn provider(&mut self, resource: &Resource) -> Result<Verdict> {
        let new = match practitioner::map(resource) {
            Ok(new) => new,
            Err(reason) => return Ok(Verdict::Fault(reason.to_owned())),
        };
        if let Some(verdict) = self.check(&new) {
            return Ok(verdict);
        }
        let hash = self.hash(&new)?;
        let known = match self.present(resource) {
            Some(present) if self.is_settled(resource, &present, &hash) => {
                return Ok(Fate::Skipped.into());
            }
            Some(present) => Some(ProviderId(present.target)),
            // Known by his NPI, from elsewhere or from before: the same person.
            None => match &new.npi {
                Some(npi) => find_provider_by_npi(&mut self.tx, npi)
                    .await?
                    .map(|provider| provider.id),
                None => None,
            },
        };
        let (id, fate) = if let Some(id) = known {
            let present = read_provider(&mut self.tx, id)
                .await?
                .ok_or_else(Error::not_found)?;
            let amended = practitioner::amend(&present.data, new);
            if amended != present.data {
                update_provider(&mut self.tx, id, &amended, self.now).await?;
            }
            (id, Fate::Updated)
        } else {
            let id = ProviderId::new();
            insert_provider(&mut self.tx, id, &new, self.now).await?;
            (id, Fate::Created)
        };
        self.remember(resource, id.0, hash);
        Ok(fate.into())
    }

    /// A role is kept as it came, and its specialties are noted at its holder.
    pub(super) async fn role(&mut self, resource: &Resource) -> Result<Verdict> {
        let name = practitioner::holder(resource);
        let holder = self.follow(name.as_ref()).map(ProviderId);
        let verdict = self.other(resource).await?;
        let changed = matches!(verdict, Verdict::Done(Fate::Created | Fate::Updated));
        self.note_incomplete(resource, changed && name.is_some() && holder.is_none());
        let specialties = practitioner::specialties(resource);
        if let (true, Some(id), false) = (changed, holder, specialties.is_empty()) {
            let present = read_provider(&mut self.tx, id)
                .await?
                .ok_or_else(Error::not_found)?;
            let mut amended = present.data.clone();
            amended.specialties = specialties;
            if amended != present.data && self.check(&amended).is_none() {
                update_provider(&mut self.tx, id, &amended, self.now).await?;
            }
        }
        Ok(verdict)
    }
}

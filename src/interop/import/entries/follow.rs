//! Entries that follow their source when that has changed.
//!
//! What a table versions is versioned: problems, allergies, procedures, doses, plans, goals, social history. What is never changed
//! is taken back and stated anew, each naming the other where the table can: a reading of a vital sign, a statement that there are
//! no allergies, a membership. The resource then leads to what took the place. What its source takes back is marked as entered in
//! error (`withdraw.rs`); what it stands by again after that is entered anew, and the resource leads there.
//!
//! Invariant: what somebody here has gone on with is left alone, and the report says so. Trap: a set of vital signs may hold readings
//! of several resources; only the one this resource brought is taken back.

use std::collections::HashSet;

use clinical::care_teams;
use clinical::vitals::{self, VitalRecord};
use kernel::Result;
use kernel::ids::{
    AllergyStatementId, CareTeamMemberId, EncounterId, PatientId, VitalId, VitalSetId,
};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::resource::Resource;
use super::super::store_entries as store;
use super::withdraw::is_in_error;
use super::{Entered, Whose, codes, panel, table_that_follows};

/// Why a resource has changed and its entry has not.
const CHANGED: &str =
    "has changed at its source since it was entered; the entry in the chart stays as it is";
pub(in super::super) const CHANGED_HERE: &str = "has changed at its source since it was entered, and its entry was changed here: the entry stays as it is";

/// Why an entry was taken back.
pub(super) const CORRECTED: &str = "Corrected at its source.";
pub(in super::super) const WITHDRAWN: &str = "Withdrawn at its source.";
/// Of a resource that is as it was.
const READ_ANEW: &str = "Its source was read anew, and says more.";

impl Batch<'_> {
    /// Takes an entry to the new state of its source, unless somebody here has changed it.
    pub(in super::super) async fn follow_source(
        &mut self,
        resource: &Resource,
        (patient, encounter): (Option<PatientId>, Option<EncounterId>),
        (kind, id): (String, Uuid),
    ) -> Result<Entered> {
        let (Some(patient), None) = (patient, &self.only_keep) else {
            return self.entered(resource, patient, encounter).await;
        };
        if let Some(unknown) = codes::modified(&resource.value) {
            return Ok(unknown);
        }
        let whose = Whose { patient, encounter };
        match kind.as_str() {
            "vitals" => return self.follow_vital(resource, whose, VitalSetId(id)).await,
            "care_team" => return self.follow_team(resource, whose, id).await,
            _ => {}
        }
        let Some((kind, table)) = table_that_follows(&kind) else {
            return Ok(Entered::refused(CHANGED));
        };
        if !store::is_untouched(&mut self.tx, table, id).await? {
            return Ok(Entered::refused(CHANGED_HERE));
        }
        if kind == "allergy_statement" {
            let id = AllergyStatementId(id);
            return self.follow_statement(resource, whose, id).await;
        }
        if is_in_error(&resource.value) || kind == "social_history" && is_taken_back(resource) {
            return self.take_back(resource, whose, (kind, id), WITHDRAWN).await;
        }
        if store::is_taken_back(&mut self.tx, id).await? {
            return self.enter_anew(resource, whose, id).await;
        }
        if kind == "diagnosis" {
            return Ok(Entered::refused(CHANGED));
        }
        self.revises = Some(id);
        let entered = self.entered(resource, Some(patient), encounter).await;
        self.revises = None;
        entered
    }

    /// Enters what its source has taken back and stands by again: what was taken back stays as it is, and the resource leads to what
    /// has taken its place.
    async fn enter_anew(
        &mut self,
        resource: &Resource,
        whose: Whose,
        before: Uuid,
    ) -> Result<Entered> {
        self.returns = Some(before);
        let entered = self
            .entered(resource, Some(whose.patient), whose.encounter)
            .await;
        self.returns = None;
        let entered = entered?;
        self.lead_to(resource, before, &entered).await?;
        Ok(entered)
    }

    /// Lets the resource lead to what took the place of its entry.
    pub(super) async fn lead_to(
        &mut self,
        resource: &Resource,
        before: Uuid,
        entered: &Entered,
    ) -> Result<()> {
        match entered {
            Entered::As { kind, id, .. } if *id != before => {
                let name = self.stored(&resource.identity());
                store::move_entry(&mut self.tx, &name, before, (kind, *id)).await
            }
            _ => Ok(()),
        }
    }

    /// Takes the reading back that the resource brought, and records what it says now.
    pub(super) async fn follow_vital(
        &mut self,
        resource: &Resource,
        whose: Whose,
        set: VitalSetId,
    ) -> Result<Entered> {
        let name = self.stored(&resource.identity());
        let before = store::content_of(&mut self.tx, &name).await?;
        let Some(kind) = before.as_ref().and_then(panel::kind_of) else {
            return Ok(Entered::refused(CHANGED));
        };
        let newest = vitals::newest_in_tx(&mut self.tx, whose.patient, set, kind);
        let Some(present) = newest.await? else {
            return Ok(Entered::refused(CHANGED_HERE));
        };
        let kept = self.kept.get(&name);
        let joined = kept.map_or_else(Vec::new, |before| before.joined.clone());
        let Some(beside) = self.beside(whose.patient, set, &joined).await? else {
            return Ok(Entered::refused(CHANGED_HERE));
        };
        if !store::is_untouched(&mut self.tx, "vitals", present.id.into()).await? {
            return Ok(Entered::refused(CHANGED_HERE));
        }
        let all = || std::iter::once(&present).chain(&beside);
        if is_taken_back(resource) {
            self.withdraw_readings(all(), (WITHDRAWN, None)).await?;
            return Ok(Entered::whole("vitals", set));
        }
        let why = if self.rereads { READ_ANEW } else { CORRECTED };
        if let Some(Entered::Refused(another)) = codes::of_another(&resource.value) {
            self.withdraw_readings(all(), (why, None)).await?;
            return Ok(Entered::whole("vitals", set).lacking(Some(another)));
        }
        if let Some(unfinished) = codes::unfinished(&resource.value) {
            return Ok(unfinished);
        }
        if !super::is_vital(&resource.value) {
            return Ok(Entered::refused(CHANGED));
        }
        let Some(person) = self.person(whose.patient).await? else {
            return Ok(Entered::refused(super::super::report::ORPHAN));
        };
        let (of, mut rows, lacks) = match self.readings(resource, &person, whose) {
            Ok(read) => read,
            Err(why) => return Ok(why),
        };
        let same =
            |(row, there): (&VitalRecord, &VitalRecord)| there.stands() && row.says_the_same(there);
        if rows.len() == 1 + beside.len() && rows.iter().zip(all()).all(same) {
            return Ok(Entered::whole("vitals", set).lacking(lacks));
        }
        if self.rereads && !present.stands() {
            return Ok(Entered::refused(CHANGED_HERE));
        }
        let new = self.vitals.set(&of, &rows);
        for row in &mut rows {
            row.take_the_place_of(set, new);
        }
        // What its source had taken back, and stands by again, stays taken back.
        self.withdraw_readings(all(), (why, Some(new))).await?;
        self.write_readings(rows);
        let entered = Entered::whole("vitals", new).lacking(lacks);
        self.lead_to(resource, set.into(), &entered).await?;
        Ok(entered)
    }

    /// The readings that a resource has made in a set beside its own, in their order; `None` where somebody here has changed one.
    pub(super) async fn beside(
        &mut self,
        patient: PatientId,
        set: VitalSetId,
        joined: &[Uuid],
    ) -> Result<Option<Vec<VitalRecord>>> {
        let ids: Vec<VitalId> = joined.iter().copied().map(VitalId).collect();
        let beside = vitals::readings_in_tx(&mut self.tx, patient, set, &ids).await?;
        for reading in &beside {
            if !store::is_untouched(&mut self.tx, "vitals", reading.id.into()).await? {
                return Ok(None);
            }
        }
        Ok(Some(beside))
    }

    /// Takes back those of these readings that stand.
    pub(super) async fn withdraw_readings(
        &mut self,
        readings: impl Iterator<Item = &VitalRecord>,
        why: (&str, Option<VitalSetId>),
    ) -> Result<()> {
        for reading in readings.filter(|reading| reading.stands()) {
            vitals::withdraw_in_tx(&mut self.tx, reading, why, self.now).await?;
        }
        Ok(())
    }

    /// Ends the memberships that the team has opened and no longer has, and opens those that are new.
    async fn follow_team(
        &mut self,
        resource: &Resource,
        whose: Whose,
        entry: Uuid,
    ) -> Result<Entered> {
        let name = self.stored(&resource.identity());
        let opened = self.kept.get(&name).map(|before| before.joined.clone());
        let wanted = self.wanted_members(resource).await?.unwrap_or_default();
        let (mut joined, mut settled, mut lacks) = (Vec::new(), HashSet::new(), None);
        for id in opened.unwrap_or_default() {
            let of = (whose.patient, CareTeamMemberId(id));
            let Some(member) = care_teams::find_in_tx(&mut self.tx, of.0, of.1).await? else {
                continue;
            };
            if member.valid_until.is_some_and(|until| until <= self.now) {
                continue;
            }
            let stays = wanted.iter().any(|new| {
                new.user_id == member.user_id
                    && new.role == member.role
                    && new.valid_until == member.valid_until
                    && new.valid_from.is_none_or(|from| from == member.valid_from)
            });
            if stays || !store::is_untouched(&mut self.tx, "care_team_members", id).await? {
                lacks = lacks.or((!stays).then(|| CHANGED_HERE.to_owned()));
                settled.insert(member.user_id);
                joined.push(id);
            } else {
                let until = self.now.max(member.valid_from);
                care_teams::end_in_tx(&mut self.tx, of.1, until, self.now).await?;
            }
        }
        let new = wanted
            .into_iter()
            .filter(|new| !settled.contains(&new.user_id));
        let (_, opened) = match self.join(whose.patient, new.collect()).await? {
            Ok(done) => done,
            Err(why) => return Ok(why),
        };
        joined.extend(opened);
        self.joined = Some(joined);
        Ok(Entered::whole("care_team", entry).lacking(lacks))
    }
}

/// Whether the source no longer stands by it.
fn is_taken_back(resource: &Resource) -> bool {
    matches!(codes::unfinished(&resource.value), Some(Entered::Left(_)))
}

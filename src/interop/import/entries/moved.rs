//! Its source has found that a resource is another patient's: what was entered is taken back where it stands, and the resource is
//! entered anew where it belongs.
//!
//! Invariants: what somebody here has gone on with, or another resource says too, stays where it is, and the report names it; from then on the resource no longer
//! leads there, so that nothing of the one patient is ever changed for the sake of the other.

use clinical::care_teams;
use clinical::vitals;
use clinical::{allergies, patients};
use kernel::Result;
use kernel::ids::{AllergyStatementId, CareTeamMemberId, VitalSetId};
use uuid::Uuid;

use super::super::batch::Batch;
use super::super::resource::Resource;
use super::super::store::Before;
use super::super::store_entries as store;
use super::{Entered, Whose, panel, table_that_follows};

/// Why an entry was taken back.
const MOVED: &str = "Its source has found that it is another patient's.";
const STAYS: &str = "names another patient than when it was entered, and what was entered was changed here, or is said by another resource too: \
                     it stays with the patient it was entered for, and has to be looked at there";

impl Batch<'_> {
    /// Takes back what the resource has entered for a patient it no longer names.
    pub(in super::super) async fn leave_patient(
        &mut self,
        resource: &Resource,
        before: &Before,
        whose: Whose,
    ) -> Result<()> {
        let Some((kind, id)) = &before.entry else {
            return Ok(());
        };
        let is_gone = match kind.as_str() {
            "vitals" => {
                let of = (VitalSetId(*id), before.joined.as_slice());
                self.leave_reading(resource, whose, of).await?
            }
            "care_team" => self.leave_team(whose, &before.joined).await?,
            "allergy_statement" => self.leave_statement(whose, AllergyStatementId(*id)).await?,
            "document" => {
                let mut all = true;
                for id in std::iter::once(id).chain(&before.joined) {
                    all &= self.leave_entry(resource, whose, ("document", *id)).await?;
                }
                all
            }
            kind => match table_that_follows(kind) {
                Some((kind, table)) if store::is_untouched(&mut self.tx, table, *id).await? => {
                    store::is_taken_back(&mut self.tx, *id).await?
                        || self.leave_entry(resource, whose, (kind, *id)).await?
                }
                _ => false,
            },
        };
        self.note_kept(resource, (!is_gone).then(|| STAYS.to_owned()));
        let name = self.stored(&resource.identity());
        store::part_from_entry(&mut self.tx, &name, *id).await
    }

    async fn leave_entry(
        &mut self,
        resource: &Resource,
        whose: Whose,
        entry: (&'static str, Uuid),
    ) -> Result<bool> {
        let done = self.take_back(resource, whose, entry, MOVED).await?;
        Ok(matches!(done, Entered::As { lacks: None, .. }))
    }

    async fn leave_reading(
        &mut self,
        resource: &Resource,
        whose: Whose,
        (set, joined): (VitalSetId, &[Uuid]),
    ) -> Result<bool> {
        let name = self.stored(&resource.identity());
        let before = store::content_of(&mut self.tx, &name).await?;
        let Some(kind) = before.as_ref().and_then(panel::kind_of) else {
            return Ok(false);
        };
        let present = vitals::newest_in_tx(&mut self.tx, whose.patient, set, kind).await?;
        let Some(present) = present else {
            return Ok(false);
        };
        if !store::is_untouched(&mut self.tx, "vitals", present.id.into()).await? {
            return Ok(false);
        }
        let Some(beside) = self.beside(whose.patient, set, joined).await? else {
            return Ok(false);
        };
        let all = std::iter::once(&present).chain(&beside);
        self.withdraw_readings(all, (MOVED, None)).await?;
        Ok(true)
    }

    async fn leave_team(&mut self, whose: Whose, opened: &[Uuid]) -> Result<bool> {
        let mut all = true;
        for id in opened {
            let of = (whose.patient, CareTeamMemberId(*id));
            let Some(member) = care_teams::find_in_tx(&mut self.tx, of.0, of.1).await? else {
                continue;
            };
            if member.valid_until.is_some_and(|until| until <= self.now) {
                continue;
            }
            if store::is_untouched(&mut self.tx, "care_team_members", *id).await? {
                let until = self.now.max(member.valid_from);
                care_teams::end_in_tx(&mut self.tx, of.1, until, self.now).await?;
            } else {
                all = false;
            }
        }
        Ok(all)
    }

    async fn leave_statement(&mut self, whose: Whose, id: AllergyStatementId) -> Result<bool> {
        if !store::is_untouched(&mut self.tx, "allergy_statements", id.into()).await? {
            return Ok(false);
        }
        patients::hold(&mut self.tx, whose.patient).await?;
        let present = allergies::statement_in_tx(&mut self.tx, whose.patient, id).await?;
        if present.withdrawn_at.is_none() {
            allergies::withdraw_in_tx(&mut self.tx, id, MOVED, self.now).await?;
        }
        Ok(true)
    }
}

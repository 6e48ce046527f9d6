//! What an older edition of the rules has entered, read anew by these: the source says what it said, and the entry may say more.
//!
//! Invariant: an entry that somebody here has gone on with, one that was taken back, one that several resources brought, and one that
//! these rules would not make stay as they are, and nothing is said of them. So does a membership in a care team, which opens a chart; a diagnosis, which no source
//! revises; and the statement that there are no allergies, which says all there is to say.

use kernel::Result;
use kernel::ids::{DocumentId, VitalSetId};
use uuid::Uuid;

use clinical::documents::DocumentStatus;

use super::super::batch::Batch;
use super::super::papers::{Paper, Papers};
use super::super::resource::Resource;
use super::super::store::Waiting;
use super::super::store_entries as store;
use super::withdraw::is_in_error;
use super::{Entered, codes, table_that_follows};

/// What the entry of a problem lacks although nothing of that is read here.
const DIAGNOSIS: &str = "as a diagnosis of its encounter";

impl Batch<'_> {
    /// Reads a resource anew that has an entry. `None`: that stays as it is.
    pub(in super::super) async fn read_anew(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        papers: &Papers,
    ) -> Result<Option<Entered>> {
        let (Some(kind), Some(id), None) = (&waiting.kind, waiting.entry, &self.only_keep) else {
            return Ok(None);
        };
        let value = &resource.value;
        let is_unfinished =
            resource.name.resource_type == "Observation" && codes::unfinished(value).is_some();
        if is_in_error(value) || is_unfinished {
            return Ok(None);
        }
        let entered = match kind.as_str() {
            "document" => self.paper_anew(waiting, resource, papers, id).await?,
            "vitals" => {
                self.rereads = true;
                let set = VitalSetId(id);
                let entered = self.follow_vital(resource, waiting.whose(), set).await;
                self.rereads = false;
                Some(entered?)
            }
            kind => self.entry_anew(waiting, resource, (kind, id)).await?,
        };
        let unread = super::unread(value);
        Ok(entered
            .filter(|entered| matches!(entered, Entered::As { .. }))
            .map(|entered| entered.without(unread).lacking(still_lacks(waiting))))
    }

    async fn entry_anew(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        (kind, id): (&str, Uuid),
    ) -> Result<Option<Entered>> {
        if waiting.is_shared || matches!(kind, "diagnosis" | "allergy_statement") {
            return Ok(None);
        }
        let Some((_, table)) = table_that_follows(kind) else {
            return Ok(None);
        };
        if !store::is_untouched(&mut self.tx, table, id).await?
            || store::is_taken_back(&mut self.tx, id).await?
        {
            return Ok(None);
        }
        let whose = waiting.whose();
        self.revises = Some(id);
        let entered = self
            .entered(resource, Some(whose.patient), whose.encounter)
            .await;
        self.revises = None;
        // Rules that would make something else of it now have nothing to say of this entry.
        let same = |entered: &Entered| {
            entered
                .entry()
                .is_some_and(|(made, at)| (made.as_str(), at) == (kind, id))
        };
        Ok(Some(entered?).filter(same))
    }

    /// Files what an older edition has not filed, such as a conclusion beside an attachment.
    async fn paper_anew(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        papers: &Papers,
        id: Uuid,
    ) -> Result<Option<Entered>> {
        let documents: Vec<Uuid> = std::iter::once(id).chain(waiting.joined.clone()).collect();
        let Some(Paper::Parts(parts, ..)) = papers.get(&waiting.id) else {
            return Ok(None);
        };
        if parts.len() < documents.len() {
            return Ok(None);
        }
        for id in documents.into_iter().map(DocumentId) {
            let status = store::document_status(&mut self.tx, id).await?;
            if status != Some(DocumentStatus::Current)
                || !store::is_document_untouched(&mut self.tx, id).await?
            {
                return Ok(None);
            }
        }
        self.paper(waiting, resource, papers).await.map(Some)
    }
}

fn still_lacks(waiting: &Waiting) -> Option<String> {
    let said = waiting.reason.as_deref()?;
    let said = said.split("; without /").next().unwrap_or(said);
    said.starts_with(DIAGNOSIS).then(|| said.to_owned())
}

//! Papers of a page of kept resources: their contents stored before the transaction that files them, and what was stored in vain
//! removed after it.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use chrono_tz::Tz;
use clinical::documents::{self, DocumentStatus, NewDocument, Stored};
use kernel::ids::DocumentId;
use kernel::{Error, Kind, Result};
use platform::db::SystemTx;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::batch::Batch;
use super::entries::{CHANGED_HERE, Entered, WITHDRAWN, Whose, document, is_in_error, unread};
use super::importer::{Importer, reason};
use super::resource::Resource;
use super::store::Waiting;
use super::store_entries as store;

/// One content of a resource, ready to be filed.
pub(super) enum Part {
    /// No document of the patient that means the same has these bytes yet.
    New(Stored),
    /// One has them.
    There([u8; 32]),
}

impl Part {
    fn hash(&self) -> &[u8; 32] {
        match self {
            Self::New(stored) => stored.sha256(),
            Self::There(hash) => hash,
        }
    }
}

/// The contents of a resource.
pub(super) enum Paper {
    /// In their order, what they are called, and what could not be stored.
    Parts(Vec<Part>, Box<NewDocument>, Option<String>),
    /// Why there is none.
    None(Entered),
}

/// By the id of what is kept.
pub(super) type Papers = HashMap<Uuid, Paper>;

/// Stores what has to be stored of a page.
pub(super) async fn store_page(
    importer: &Importer,
    page: &[(Waiting, Resource)],
) -> Result<Papers> {
    let mut papers = Papers::new();
    let letters = page
        .iter()
        .filter(|(_, resource)| document::is_paper(resource));
    let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
    let ids: Vec<Uuid> = letters.clone().map(|(waiting, _)| waiting.id).collect();
    let replaced = store::replaced(&mut tx, &ids).await?;
    drop(tx);
    for (waiting, resource) in letters {
        let resource = with_contents(importer, waiting, resource).await?;
        let mut paper = whole(importer, waiting, &resource).await?;
        if let Paper::Parts(_, label, _) = &mut paper
            && replaced.contains(&waiting.id)
        {
            **label = document::replaced((**label).clone());
        }
        papers.insert(waiting.id, paper);
    }
    Ok(papers)
}

/// The resource with the contents that came beside it.
async fn with_contents<'r>(
    importer: &Importer,
    waiting: &Waiting,
    resource: &'r Resource,
) -> Result<Cow<'r, Resource>> {
    let mut whole = Cow::Borrowed(resource);
    for name in document::contents_elsewhere(resource) {
        let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
        if let Some(content) = store::binary(&mut tx, waiting.patient, &name).await? {
            whole = Cow::Owned(document::with_content(&whole, &name, &content));
        }
    }
    Ok(whole)
}

async fn whole(importer: &Importer, waiting: &Waiting, resource: &Resource) -> Result<Paper> {
    if let Some(why) = document::refusal(resource, waiting.entry.is_some()) {
        return Ok(Paper::None(why));
    }
    let label = document::label(&resource.value, waiting.whose(), importer.zone);
    let (label, (contents, mut lacks)) = match (label, document::contents(&resource.value)) {
        (Ok(label), Ok(found)) => (label, found),
        (Err(why), _) | (_, Err(why)) => return Ok(Paper::None(why)),
    };
    let mut parts = Vec::new();
    for content in contents {
        match one(importer, waiting, &label, content).await? {
            Ok(part) => parts.push(part),
            Err(why) => lacks = lacks.or(Some(why)),
        }
    }
    Ok(match lacks {
        Some(why) if parts.is_empty() => Paper::None(Entered::Refused(why)),
        lacks => Paper::Parts(parts, Box::new(label), lacks),
    })
}

/// Stores a content, unless it is there; or says why it can't be.
async fn one(
    importer: &Importer,
    waiting: &Waiting,
    label: &NewDocument,
    found: document::Attachment,
) -> Result<std::result::Result<Part, String>> {
    let hash: [u8; 32] = Sha256::digest(&found.bytes).into();
    let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
    let there = store::document_with(&mut tx, waiting.patient, label, &hash).await?;
    if there.is_some() {
        return Ok(Ok(Part::There(hash)));
    }
    // Noted for removal before it is stored: whoever dies between storing and filing leaves nothing behind.
    let names = documents::reserve_in_tx(&mut tx, 1, importer.app.clock.now()).await?;
    tx.commit().await?;
    let Some(name) = names.into_iter().next() else {
        return Err(Error::internal("one name was reserved"));
    };
    let files = &importer.app.files;
    let file = (found.filename.as_str(), found.content_type.as_str());
    let content = Bytes::from(found.bytes);
    match documents::store_content(files, (importer.tenant, name), file, content).await {
        Ok(stored) => Ok(Ok(Part::New(stored))),
        Err(error) if matches!(error.kind(), Kind::Internal | Kind::Unavailable) => Err(error),
        Err(error) => Ok(Err(reason(&error))),
    }
}

/// Removes what was stored and is filed nowhere.
pub(super) async fn discard(importer: &Importer, papers: &Papers) -> Result<()> {
    let parts = papers.values().flat_map(|paper| match paper {
        Paper::Parts(parts, ..) => parts.as_slice(),
        Paper::None(_) => &[],
    });
    for part in parts {
        if let Part::New(stored) = part {
            let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
            let filed = store::is_filed(&mut tx, stored.version()).await?;
            drop(tx);
            if !filed {
                documents::discard(&importer.app.files, importer.tenant, stored).await?;
            }
        }
    }
    Ok(())
}

impl Batch<'_> {
    /// Files the contents of a resource, or renews the documents that were made of them when their source has changed.
    pub(super) async fn paper(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        papers: &Papers,
    ) -> Result<Entered> {
        if let Some(why) = &self.only_keep {
            return Ok(Entered::Refused(why.clone()));
        }
        let (parts, label, lacks) = match papers.get(&waiting.id) {
            Some(Paper::Parts(parts, label, lacks)) => (parts, label, lacks.clone()),
            Some(Paper::None(why)) => return Ok(why.clone()),
            None => return Ok(Entered::refused("its content was not read")),
        };
        if let Some(broken) = self.broken(label.as_ref()) {
            return Ok(broken);
        }
        self.write_encounters().await?;
        let (before, gone) = self.paired(waiting, parts).await?;
        let (mut filed, mut refused) = (Vec::new(), None);
        for (part, before) in parts.iter().zip(before) {
            match self.part(waiting, part, label, before).await? {
                Ok(id) => filed.push(id.into()),
                Err(why) => {
                    filed.extend(before.map(Uuid::from));
                    refused = refused.or(Some(why.to_owned()));
                }
            }
        }
        let mut stays = None;
        for gone in gone {
            // Its source has it no longer; or it is the one that could not be read this time.
            if lacks.is_none() {
                let whose = (waiting.whose(), ("document", gone.into()));
                let taken = self
                    .take_back(resource, whose.0, whose.1, WITHDRAWN)
                    .await?;
                let Entered::Refused(why) = taken else {
                    continue;
                };
                stays = Some(why);
            }
            filed.push(gone.into());
        }
        match (filed.split_first(), refused) {
            (_, Some(why)) if parts.len() == 1 => Ok(Entered::Refused(why)),
            (Some((first, others)), refused) => {
                self.joined = Some(others.to_vec());
                let entered =
                    Entered::whole("document", *first).lacking(refused.or(lacks).or(stays));
                Ok(entered.without(unread(&resource.value)))
            }
            (None, refused) => Ok(Entered::Refused(refused.unwrap_or_default())),
        }
    }

    /// Which document was made of each content before, and which of them none is left for: by what they hold, and what has
    /// changed, in turn.
    async fn paired(
        &mut self,
        waiting: &Waiting,
        parts: &[Part],
    ) -> Result<(Vec<Option<DocumentId>>, Vec<DocumentId>)> {
        let before = waiting.entry.iter().chain(&waiting.joined);
        let mut before: Vec<DocumentId> = before.copied().map(DocumentId).collect();
        if before.is_empty() {
            return Ok((vec![None; parts.len()], before));
        }
        let held = store::hashes_of(&mut self.tx, &before).await?;
        let mut pairs = vec![None; parts.len()];
        for (part, pair) in parts.iter().zip(&mut pairs) {
            let hash = part.hash().as_slice();
            let same = |id: &DocumentId| held.get(id).is_some_and(|held| held == hash);
            *pair = before.iter().position(same).map(|at| before.remove(at));
        }
        for pair in pairs.iter_mut().filter(|pair| pair.is_none()) {
            *pair = (!before.is_empty()).then(|| before.remove(0));
        }
        Ok((pairs, before))
    }

    /// Files one content, or renews the document that was made of it; or says why not.
    async fn part(
        &mut self,
        waiting: &Waiting,
        part: &Part,
        label: &NewDocument,
        before: Option<DocumentId>,
    ) -> Result<std::result::Result<DocumentId, &'static str>> {
        let hash = part.hash();
        let new = match part {
            Part::New(stored) => Some(stored),
            Part::There(_) => None,
        };
        // Another resource of the page may have brought the same by now.
        let there = store::document_with(&mut self.tx, waiting.patient, label, hash).await?;
        let app = &self.importer.app;
        let (with, now) = ((&app.files, &app.tenant_keys), self.now);
        let (before, is_untouched) = match self.renewable(before).await? {
            Ok(renewable) => renewable,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(id) = before {
            match self.others_say(waiting, id, label, hash).await? {
                None | Some(true) if !is_untouched => return Ok(Err(CHANGED_HERE)),
                // It is this resource's alone.
                None => {
                    let newer = new.filter(|_| there != Some(id));
                    documents::renew_in_tx(&mut self.tx, with, id, label, newer, now).await?;
                    return Ok(Ok(id));
                }
                // Others have changed with it: they go on sharing it, under the words it has.
                Some(true) => {
                    let words = store::document_words(&mut self.tx, id).await?;
                    let label = NewDocument {
                        title: words.0,
                        description: words.1,
                        ..label.clone()
                    };
                    let newer = new.filter(|_| there != Some(id));
                    documents::renew_in_tx(&mut self.tx, with, id, &label, newer, now).await?;
                    return Ok(Ok(id));
                }
                // Others stand by it as it is: this one has a document of its own from now on.
                Some(false) => {}
            }
        }
        match (there, new) {
            (Some(id), _) => Ok(Ok(id)),
            (None, Some(stored)) => {
                let origin = documents::Origin {
                    imported: true,
                    released_at: None,
                };
                let (tx, patient) = (&mut self.tx, waiting.patient);
                let filed = documents::file_in_tx(tx, with, patient, label, origin, stored, now);
                Ok(Ok(filed.await?))
            }
            (None, None) => Ok(Err("the document that had its content is gone")),
        }
    }

    /// The document that is to be renewed, and whether nobody here has changed it; none where it was taken back with its source, which
    /// stands by it again: it is filed anew. Or why it can't be.
    async fn renewable(
        &mut self,
        before: Option<DocumentId>,
    ) -> Result<std::result::Result<(Option<DocumentId>, bool), &'static str>> {
        let Some(id) = before else {
            return Ok(Ok((None, true)));
        };
        let is_untouched = store::is_document_untouched(&mut self.tx, id).await?;
        let status = store::document_status(&mut self.tx, id).await?;
        Ok(match status {
            Some(DocumentStatus::Current) => Ok((Some(id), is_untouched)),
            Some(DocumentStatus::EnteredInError) if is_untouched => Ok((None, true)),
            _ => Err("has changed at its source since its document was closed here"),
        })
    }

    /// Whether other resources that lead to the document say the same as this one says now; `None` where there are none.
    async fn others_say(
        &mut self,
        waiting: &Waiting,
        id: DocumentId,
        label: &NewDocument,
        hash: &[u8; 32],
    ) -> Result<Option<bool>> {
        let others = store::others_of_document(&mut self.tx, waiting, id).await?;
        let others = others.iter().filter(|(value, _)| !is_in_error(value));
        let zone = self.importer.zone;
        let same = others.map(|(value, encounter)| {
            let whose = Whose {
                patient: waiting.patient,
                encounter: *encounter,
            };
            says((value, whose, zone), label, hash)
        });
        Ok(same.reduce(|all, one| all && one))
    }
}

/// Whether a resource brings these bytes, of the same day, kind and encounter.
fn says(
    (value, whose, zone): (&serde_json::Value, Whose, Tz),
    label: &NewDocument,
    hash: &[u8; 32],
) -> bool {
    let agrees = document::label(value, whose, zone).is_ok_and(|other| {
        (other.document_date, other.loinc_code, other.encounter_id)
            == (
                label.document_date,
                label.loinc_code.clone(),
                label.encounter_id,
            )
    });
    agrees
        && document::contents(value).is_ok_and(|(found, _)| {
            found
                .iter()
                .any(|one| <[u8; 32]>::from(Sha256::digest(&one.bytes)) == *hash)
        })
}

impl Batch<'_> {
    /// What becomes of the documents of a resource that brings none any more: those that its source has taken back are taken
    /// back, all others stay, and the report says so.
    pub(super) async fn close_paper(
        &mut self,
        resource: &Resource,
        whose: Whose,
        (id, others): (Uuid, &[Uuid]),
        why: Entered,
    ) -> Result<Entered> {
        if !is_in_error(&resource.value) {
            return Ok(match why {
                Entered::Left(why) => {
                    Entered::Refused(format!("{why}; the document made of it before stays"))
                }
                why => why,
            });
        }
        let of = ("document", id);
        let mut entered = self.take_back(resource, whose, of, WITHDRAWN).await?;
        for other in others {
            let of = ("document", *other);
            if let Entered::Refused(why) = self.take_back(resource, whose, of, WITHDRAWN).await? {
                entered = entered.lacking(Some(why));
            }
        }
        Ok(entered)
    }
}

//! Papers of a page of kept resources: their contents stored before the transaction that files them, and what was stored in vain
//! removed after it.

use std::collections::HashMap;

use bytes::Bytes;
use clinical::documents::{self, DocumentStatus, NewDocument, Stored};
use kernel::ids::DocumentId;
use kernel::{Error, Kind, Result};
use platform::db::SystemTx;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::batch::Batch;
use super::entries::{Entered, Whose, document};
use super::importer::{Importer, reason};
use super::resource::Resource;
use super::store::Waiting;
use super::store_entries as store;

/// The content of a resource, ready to be filed.
pub(super) enum Paper {
    /// Nothing has these bytes yet.
    New(Stored),
    /// A document of the patient has them.
    There(DocumentId),
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
    for (waiting, resource) in page {
        if document::is_paper(resource) {
            papers.insert(waiting.id, one(importer, waiting, resource).await?);
        }
    }
    Ok(papers)
}

async fn one(importer: &Importer, waiting: &Waiting, resource: &Resource) -> Result<Paper> {
    if let Some(why) = document::refusal(&resource.value) {
        return Ok(Paper::None(why));
    }
    let found = match document::attachment(&resource.value) {
        Ok(found) => found,
        Err(why) => return Ok(Paper::None(why)),
    };
    let hash: [u8; 32] = Sha256::digest(&found.bytes).into();
    let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
    if let Some(document) = store::document_with(&mut tx, waiting.patient, &hash).await? {
        return Ok(Paper::There(document));
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
        Ok(stored) => Ok(Paper::New(stored)),
        Err(error) if matches!(error.kind(), Kind::Internal | Kind::Unavailable) => Err(error),
        Err(error) => Ok(Paper::None(Entered::Refused(reason(&error)))),
    }
}

/// Removes what was stored and is filed nowhere.
pub(super) async fn discard(importer: &Importer, papers: &Papers) -> Result<()> {
    for paper in papers.values() {
        if let Paper::New(stored) = paper {
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
    /// Files a paper, or renews the document that was made of it when its source has changed.
    pub(super) async fn paper(
        &mut self,
        waiting: &Waiting,
        resource: &Resource,
        papers: &Papers,
    ) -> Result<Entered> {
        if let Some(why) = &self.only_keep {
            return Ok(Entered::Refused(why.clone()));
        }
        let (there, new) = match papers.get(&waiting.id) {
            Some(Paper::New(stored)) => (None, Some(stored)),
            Some(Paper::There(document)) => (Some(*document), None),
            Some(Paper::None(why)) => return Ok(why.clone()),
            None => return Ok(Entered::refused("its content was not read")),
        };
        let whose = Whose {
            patient: waiting.patient,
            encounter: waiting.encounter,
        };
        let label: NewDocument = match document::label(&resource.value, whose) {
            Ok(label) => label,
            Err(why) => return Ok(why),
        };
        if let Some(broken) = self.broken(&label) {
            return Ok(broken);
        }
        self.write_encounters().await?;
        // Two resources of one page may bring the same bytes.
        let there = match (there, new) {
            (None, Some(stored)) => {
                store::document_with(&mut self.tx, waiting.patient, stored.sha256()).await?
            }
            (there, _) => there,
        };
        let app = &self.importer.app;
        let with = (&app.files, &app.tenant_keys);
        match (waiting.entry.map(DocumentId), there, new) {
            // It has changed at its source, and what was made of it is renewed; unless somebody here has closed it.
            (Some(id), there, new) => {
                if store::document_status(&mut self.tx, id).await? != Some(DocumentStatus::Current)
                {
                    return Ok(Entered::refused(
                        "has changed at its source since its document was closed here",
                    ));
                }
                let newer = new.filter(|_| there != Some(id));
                documents::renew_in_tx(&mut self.tx, with, id, &label, newer, self.now).await?;
                Ok(Entered::whole("document", id))
            }
            (None, Some(id), _) => Ok(Entered::whole("document", id)),
            (None, None, Some(stored)) => {
                let origin = documents::Origin {
                    imported: true,
                    released_at: None,
                };
                let (patient, now) = (waiting.patient, self.now);
                let filed =
                    documents::file_in_tx(&mut self.tx, with, patient, &label, origin, stored, now);
                Ok(Entered::whole("document", filed.await?))
            }
            (None, None, None) => Ok(Entered::refused("its content was not read")),
        }
    }
}

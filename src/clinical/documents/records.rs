//! Documents without a request: filed by an import, by a demonstration.
//!
//! The content is stored first, outside any transaction, because none waits for a store; then it is filed in one. Before it is
//! stored its name is noted for removal ([`reserve_in_tx`]), and filing it takes the note back: so what was stored by somebody who
//! then died is swept up a day later, and what is filed never is. Who files too late, when the sweeper has it in hand, is refused.

use bytes::Bytes;
use chrono::TimeDelta;
use futures_util::StreamExt;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, DocumentVersionId, PatientId, TenantId};
use kernel::{Checks, Error, Result, Validate};
use platform::crypto::TenantKeys;
use platform::db::TenantTx;
use platform::files::Files;

use super::model::{DocumentSource, DocumentStatus, NewDocument};
use super::owner::Owner;
use super::receive::{self, Declared, Received};
use super::{service, store, work_store};

/// How long content may lie in the store before it is filed.
const KEPT: TimeDelta = TimeDelta::hours(24);

/// A name for content that is about to be stored.
#[derive(Debug)]
pub struct Reserved(DocumentVersionId);

/// Names for so many contents, noted for removal in a day. The transaction must be committed before anything is stored.
pub async fn reserve_in_tx(tx: &mut TenantTx, count: usize, now: Instant) -> Result<Vec<Reserved>> {
    let names: Vec<DocumentVersionId> = (0..count).map(|_| DocumentVersionId::new()).collect();
    work_store::note_removals(tx, &names, now + KEPT).await?;
    Ok(names.into_iter().map(Reserved).collect())
}

/// Content in the store that no document names yet.
pub struct Stored(Received);

impl Stored {
    /// The version it is to be.
    pub fn version(&self) -> DocumentVersionId {
        self.0.id
    }

    /// SHA-256 of the content.
    pub fn sha256(&self) -> &[u8; 32] {
        &self.0.sha256
    }
}

/// Stores content of a declared type under a name that was reserved.
///
/// # Errors
/// Field errors of the type.
pub async fn store_content(
    files: &Files,
    (tenant, name): (TenantId, Reserved),
    (filename, content_type): (&str, &str),
    content: Bytes,
) -> Result<Stored> {
    let declared = Declared {
        filename: receive::clean_name(filename),
        content_type: content_type.to_owned(),
    };
    let whole = futures_util::stream::once(async { Ok(content) }).boxed();
    receive::store_in(files, tenant, name.0, declared, whole)
        .await
        .map(Stored)
}

/// Removes content that was not filed. Its note stays, and the sweeper finds nothing.
pub async fn discard(files: &Files, tenant: TenantId, stored: &Stored) -> Result<()> {
    files
        .objects
        .remove(receive::name(tenant, stored.0.id))
        .await
}

/// Where a document comes from, and whether the patient may read it.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub imported: bool,
    pub released_at: Option<Instant>,
}

/// Files a patient's document.
///
/// # Errors
/// Field errors of its label.
pub async fn file_in_tx(
    tx: &mut TenantTx,
    (files, keys): (&Files, &TenantKeys),
    patient: PatientId,
    data: &NewDocument,
    origin: Origin,
    stored: &Stored,
    now: Instant,
) -> Result<DocumentId> {
    let mut checks = Checks::at(now);
    data.check(&mut checks);
    checks.finish()?;
    let id = DocumentId::new();
    let filed = store::Filed {
        id,
        owner: Owner::Patient(patient),
        provider_user: None,
        data,
        source: if origin.imported {
            DocumentSource::Import
        } else {
            DocumentSource::Staff
        },
        released_at: origin.released_at,
    };
    store::insert(tx, &filed, now).await?;
    let of = Version {
        id,
        number: 1,
        patient,
        data,
        released_at: origin.released_at,
    };
    insert(tx, (files, keys), &of, &stored.0, now).await?;
    Ok(id)
}

/// Gives a patient's document, which the caller knows to be there and current, another label and a newer version. The
/// versions before stay.
///
/// # Errors
/// Field errors of the label.
pub async fn renew_in_tx(
    tx: &mut TenantTx,
    (files, keys): (&Files, &TenantKeys),
    id: DocumentId,
    data: &NewDocument,
    stored: Option<&Stored>,
    now: Instant,
) -> Result<()> {
    let mut checks = Checks::at(now);
    data.check(&mut checks);
    checks.finish()?;
    store::lock(tx, id).await?;
    let present = store::get(tx, id).await?;
    let patient = present
        .patient_id
        .ok_or_else(|| Error::internal("a document of a provider was to be renewed"))?;
    if present.data != *data {
        store::relabel(tx, id, data, now).await?;
    }
    if let Some(stored) = stored {
        let of = Version {
            id,
            number: store::next_number(tx, id, now).await?,
            patient,
            data,
            released_at: None,
        };
        insert(tx, (files, keys), &of, &stored.0, now).await?;
    }
    Ok(())
}

/// Marks a document as entered in error. One that is closed already stays as it is.
///
/// # Errors
/// `not_found`.
pub async fn take_back_in_tx(
    tx: &mut TenantTx,
    id: DocumentId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    store::lock(tx, id).await?;
    let present = store::get(tx, id).await?;
    if present.status != DocumentStatus::Current {
        return Ok(());
    }
    if present.released_at.is_some() {
        store::set_release(tx, id, None, now).await?;
    }
    store::set_status(tx, id, DocumentStatus::EnteredInError, reason, now).await
}

struct Version<'a> {
    id: DocumentId,
    number: i32,
    patient: PatientId,
    data: &'a NewDocument,
    released_at: Option<Instant>,
}

async fn insert(
    tx: &mut TenantTx,
    (files, keys): (&Files, &TenantKeys),
    of: &Version<'_>,
    received: &Received,
    now: Instant,
) -> Result<()> {
    let (scan, text) = receive::first_states(files, received.content_type, true);
    let label = store::Label {
        document: of.id,
        number: of.number,
        patient: Some(of.patient),
        provider_user: None,
        category: of.data.category,
        scan,
        text,
        released_at: of.released_at,
    };
    let cipher = keys.cipher(tx).await?;
    let sealed_key = cipher.seal(
        &service::key_place(tx, received.id),
        &received.key.to_bytes(),
    );
    if !work_store::keep(tx, received.id).await? {
        return Err(Error::unavailable(
            "content that was stored a day ago and never filed is being removed",
        ));
    }
    store::insert_version(tx, &label, received, &sealed_key, now).await
}

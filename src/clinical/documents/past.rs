//! Documents as they stood: the label from its history, beside the newest version that was there.
//!
//! A version never changes, so its content of then is its content of today, unless it was destroyed: that is refused as it is
//! today. What a scanner said of it is what it had said then.

use kernel::clock::Instant;
use kernel::ids::{
    AppointmentId, DocumentId, DocumentVersionId, EncounterId, PatientId, ProviderId, UserId,
};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::model::{
    Category, Document, DocumentKind, DocumentSource, DocumentStatus, DocumentVersion,
    ListDocuments, NewDocument, Scan, TextState,
};
use super::owner::Owner;
use super::{service, store, store_past};
use crate::entries::{self, Amended, Remembered, Then, amended_page_then};
use crate::patients::AsOf;

/// The image of a label.
#[derive(Deserialize)]
struct Label {
    id: DocumentId,
    patient_id: Option<PatientId>,
    provider_id: Option<ProviderId>,
    encounter_id: Option<EncounterId>,
    appointment_id: Option<AppointmentId>,
    category: Category,
    kind: DocumentKind,
    loinc_code: Option<String>,
    title: String,
    description: Option<String>,
    document_date: chrono::NaiveDate,
    source: DocumentSource,
    status: DocumentStatus,
    status_reason: Option<String>,
    released_at: Option<Instant>,
    version: i64,
    created_by: Option<UserId>,
    created_at: Instant,
    updated_at: Instant,
}

impl Remembered for Label {
    const TABLE: &'static str = "documents";
    const RESOURCE: &'static str = service::RESOURCE;
    const ORDER: &'static str = "document_date";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// The image of a version.
#[derive(Deserialize)]
struct Version {
    id: DocumentVersionId,
    document_id: DocumentId,
    number: i32,
    filename: String,
    content_type: String,
    size: i64,
    /// As the database writes bytes: `\x`, and the hex.
    sha256: String,
    scan: Scan,
    scan_detail: Option<String>,
    text_state: TextState,
    released_at: Option<Instant>,
    uploaded_by: Option<UserId>,
    created_at: Instant,
}

impl From<Version> for DocumentVersion {
    fn from(then: Version) -> Self {
        Self {
            id: then.id,
            number: then.number,
            filename: then.filename,
            content_type: then.content_type,
            size: then.size,
            sha256: then.sha256.trim_start_matches("\\x").to_owned(),
            scan: then.scan,
            scan_detail: then.scan_detail,
            text: then.text_state,
            released_at: then.released_at,
            uploaded_by: then.uploaded_by,
            uploaded_at: then.created_at,
        }
    }
}

impl Label {
    fn with(self, current: DocumentVersion) -> Document {
        Document {
            id: self.id,
            patient_id: self.patient_id,
            provider_id: self.provider_id,
            data: NewDocument {
                category: self.category,
                kind: self.kind,
                title: self.title,
                description: self.description,
                document_date: self.document_date,
                loinc_code: self.loinc_code,
                encounter_id: self.encounter_id,
                appointment_id: self.appointment_id,
            },
            source: self.source,
            status: self.status,
            status_reason: self.status_reason,
            current,
            released_at: self.released_at,
            version: self.version,
            created_by: self.created_by,
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

pub(super) async fn read(
    ctx: &Ctx,
    id: DocumentId,
    then: AsOf,
) -> Result<Answer<Amended<Document>>> {
    let then = then.instant(ctx);
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) = entries::read_row_as_of(&mut tx, Label::TABLE, id.0, then).await?;
    let label = Label::of_image(&image).map_err(Error::internal)?;
    let mut documents = with_versions(&mut tx, vec![label], then).await?;
    let document = documents.pop().ok_or_else(Error::not_found)?;
    let owner = service::owner_of(&document)?;
    let one = Page::last(vec![document]);
    let mut one = match owner.patient() {
        Some(patient) => amended_page_then(&mut tx, patient, then, one, |row| row.id.0).await?,
        None => one.map(Amended::never),
    };
    let document = one.items.pop().ok_or_else(Error::not_found)?;
    tx.finish(service::read_with_requests(owner, document))
        .await
}

/// A patient's documents; those of providers are not told of as they stood.
pub(super) async fn list(
    ctx: &Ctx,
    owner: Owner,
    at: AsOf,
    query: ListDocuments,
) -> Result<Answer<Page<Amended<Document>>>> {
    let Some(patient) = owner.patient() else {
        let rule = "is told of patients' documents only";
        return Err(Error::new(kernel::Code::InvalidParameter)
            .with_fields(vec![kernel::FieldError::new("?as_of", "no_history", rule)]));
    };
    let then = Then {
        patient,
        at,
        limit: query.limit,
        cursor: query.cursor.clone(),
    };
    let filters = ListDocuments {
        limit: None,
        cursor: None,
        ..query.clone()
    };
    let status = query.status.unwrap_or(DocumentStatus::Current);
    let (mut tx, page) = entries::page_as_of(ctx, then, &filters, |label: &Label| {
        label.status == status
            && query.category.is_none_or(|wanted| wanted == label.category)
            && query.kind.is_none_or(|wanted| wanted == label.kind)
            && (query.encounter_id.is_none() || query.encounter_id == label.encounter_id)
            && (query.appointment_id.is_none() || query.appointment_id == label.appointment_id)
            && query.from.is_none_or(|from| label.document_date >= from)
            && query.to.is_none_or(|to| label.document_date <= to)
    })
    .await?;
    let at = at.instant(ctx);
    let items = with_versions(&mut tx, page.items, at).await?;
    let page = Page {
        items,
        next_cursor: page.next_cursor,
    };
    let page = amended_page_then(&mut tx, patient, at, page, |row| row.id.0).await?;
    let subject = owner.subject(patient);
    tx.finish(Disclosure::list(service::RESOURCE, [subject], page))
        .await
}

/// Begins to read what belongs to a document, of today, or of a time at which there was the document. Whose it is, or was.
pub(super) async fn begin_read(
    ctx: &Ctx,
    id: DocumentId,
    then: Option<Instant>,
) -> Result<(CallerTx, Owner)> {
    let Some(then) = then else {
        let mut tx = ctx.begin(Permission::DocumentRead).await?;
        let document = store::get(&mut tx, id).await?;
        return Ok((tx, service::owner_of(&document)?));
    };
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) = entries::read_row_as_of(&mut tx, Label::TABLE, id.0, then).await?;
    let label = Label::of_image(&image).map_err(Error::internal)?;
    Ok((tx, Owner::of(label.patient_id, label.provider_id)?))
}

/// The versions there were then, as they stood, the newest first.
pub(super) async fn page_of_versions(
    tx: &mut TenantTx,
    id: DocumentId,
    then: Instant,
    (before, fetch): (Option<i32>, i64),
) -> Result<Vec<DocumentVersion>> {
    let mut versions = versions(tx, &[id], then).await?;
    versions.retain(|version| before.is_none_or(|before| version.number < before));
    versions.sort_by_key(|version| std::cmp::Reverse(version.number));
    versions.truncate(usize::try_from(fetch).unwrap_or(usize::MAX));
    Ok(versions.into_iter().map(Into::into).collect())
}

/// The number of the version that was the newest then.
pub(super) async fn number_then(tx: &mut TenantTx, id: DocumentId, then: Instant) -> Result<i32> {
    versions(tx, &[id], then)
        .await?
        .into_iter()
        .map(|version| version.number)
        .max()
        .ok_or_else(Error::not_found)
}

async fn with_versions(
    tx: &mut TenantTx,
    labels: Vec<Label>,
    at: Instant,
) -> Result<Vec<Document>> {
    let ids: Vec<DocumentId> = labels.iter().map(|label| label.id).collect();
    let mut versions = versions(tx, &ids, at).await?;
    versions.sort_by_key(|version| version.number);
    let documents = labels.into_iter().filter_map(|label| {
        let newest = versions
            .iter()
            .rposition(|version| version.document_id == label.id)?;
        Some(label.with(versions.remove(newest).into()))
    });
    Ok(documents.collect())
}

async fn versions(tx: &mut TenantTx, ids: &[DocumentId], at: Instant) -> Result<Vec<Version>> {
    store_past::versions(tx, ids, at)
        .await?
        .into_iter()
        .map(|image| serde_json::from_value(image).map_err(Error::internal))
        .collect()
}

//! Adding versions, and giving their content out.

use kernel::ids::{DocumentId, DocumentVersionId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::files::{Content, ObjectKey};
use platform::http::{Answer, Download, FileContent, Paging, RangeHeader, Streamed};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::store;
use crate::documents::model::{Document, DocumentVersion, PagesAsOf, Scan};
use crate::documents::owner::Owner;
use crate::documents::receive::{self, Received};
use crate::documents::service::{self, RESOURCE};
use crate::documents::{past, store as documents, uploads};
use crate::patients::AsOf;

/// What the caller wants with the content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Disposition {
    #[default]
    Attachment,
    Inline,
}

#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Presentation {
    /// `inline` shows what can hold no script: PDF, images, plain text. HTML and SVG are attachments all the same.
    #[serde(default)]
    #[param(inline)]
    pub disposition: Disposition,
    /// A day (its local end) or an instant: the version that was the newest then. Needs the permission `entry.history`. What
    /// was destroyed since is refused with `document_closed`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

pub(super) async fn list(
    ctx: &Ctx,
    id: DocumentId,
    query: PagesAsOf,
) -> Result<Answer<Page<DocumentVersion>>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    let paging = Paging::new(ctx, &(id, then), query.limit, query.cursor)?;
    let (after, fetch) = (paging.after()?, paging.fetch());
    let (mut tx, owner) = past::begin_read(ctx, id, then).await?;
    let rows = match then {
        None => store::page(&mut tx, id, after, fetch).await?,
        Some(then) => past::page_of_versions(&mut tx, id, then, (after, fetch)).await?,
    };
    let page = paging.page(rows, |row| row.number)?;
    let subject = owner.subject(id);
    tx.finish(Disclosure::shown(RESOURCE, Action::Read, [subject], page))
        .await
}

/// Adds a version that comes in one piece.
pub(super) async fn add(ctx: &Ctx, id: DocumentId, body: Streamed) -> Result<Answer<Document>> {
    let mut look = ctx.look(Permission::DocumentUpdate).await?;
    let document = documents::get(&mut look, id).await?;
    drop(look);
    let owner = service::owner_of(&document)?;
    ctx.concerning(owner.subject(id));
    ctx.require(document.data.category.permission())?;
    let counted = uploads::size_of(ctx, &body);
    let mut form = body.form(ctx.app().files.options.largest)?;
    let part = form.expect("file").await?;
    let declared = receive::declared(&part)?;
    let version = DocumentVersionId::new();
    uploads::note(ctx, version, owner, Some(id), counted.bytes).await?;
    let coming = uploads::Coming::new(ctx, counted);
    let content = coming.seen(receive::pieces(part));
    let received = receive::store(ctx, version, declared, content).await?;
    form.end().await?;
    coming.end(received.size).await?;
    let ctx = &ctx.having_received(&[&received.sha256]);
    let tx = ctx.begin(Permission::DocumentUpdate).await?;
    add_received(ctx, tx, id, &received).await
}

/// Gives content that was received its place as the newest version.
pub(in crate::documents) async fn add_received(
    ctx: &Ctx,
    mut tx: platform::db::CallerTx,
    id: DocumentId,
    received: &Received,
) -> Result<Answer<Document>> {
    let document = service::open(ctx, &mut tx, id).await?;
    let owner = service::owner_of(&document)?;
    let provider_user = match owner {
        Owner::Provider(_) => owner.require(&mut tx).await?,
        Owner::Patient(_) => None,
    };
    let now = ctx.now();
    let number = documents::next_number(&mut tx, id, now).await?;
    let (scan, text) = receive::first_states(
        &ctx.app().files,
        received.content_type,
        owner.patient().is_some(),
    );
    let label = documents::Label {
        document: id,
        number,
        patient: owner.patient(),
        provider_user,
        category: document.data.category,
        scan,
        text,
        released_at: None,
    };
    service::insert_version(ctx, &mut tx, &label, received, now).await?;
    uploads::settle(&mut tx, received, id, now).await?;
    let document = documents::get(&mut tx, id).await?;
    let version = document.version;
    let disclosure = service::shown(Action::Update, owner, document)
        .created_at(format!("/api/v1/documents/{id}"))
        .version(version);
    let answer = tx.commit(disclosure).await?;
    ctx.app().files.note_arrival();
    Ok(answer)
}

pub(super) async fn download(
    ctx: &Ctx,
    id: DocumentId,
    number: Option<i32>,
    presentation: &Presentation,
    range: &RangeHeader,
) -> Result<Download> {
    let mut tx = ctx.begin(Permission::DocumentRead).await?;
    let document = documents::get(&mut tx, id).await?;
    let owner = service::owner_of(&document)?;
    ctx.concerning(owner.subject(id));
    let number = match presentation.as_of {
        Some(then) => {
            ctx.require(Permission::EntryHistory)?;
            let newest = past::number_then(&mut tx, id, then.instant(ctx)).await?;
            // One that was asked for by its number must have been there.
            match number {
                Some(later) if later > newest => return Err(Error::not_found()),
                asked => asked.or(Some(newest)),
            }
        }
        None => number,
    };
    let row = store::content(&mut tx, id, number)
        .await?
        .ok_or_else(Error::not_found)?;
    require_given_out(row.scan, ctx.app().files.options.require_scan)?;
    let content = opened(ctx, &mut tx, &row).await?;
    let (name, size, sha256) = (content.name, content.size, content.sha256);
    let range = range.within(size, &sha256)?;
    let objects = &ctx.app().files.objects;
    let pieces = match range.clone() {
        Some(range) => objects.read_range(content, range),
        None => objects.read(content),
    };
    let content = FileContent {
        filename: row.filename,
        content_type: row.content_type,
        size,
        sha256,
        range,
        inline: presentation.disposition == Disposition::Inline,
        pieces,
    };
    let subject = owner.subject(row.id);
    let disclosure = Disclosure::shown("document_content", Action::Read, [subject], ());
    let download = tx.finish_file(disclosure, content).await?;
    // Asked only now, because no transaction waits for a store; the record says more than was seen, never less.
    if objects.exists(name).await? {
        Ok(download)
    } else {
        Err(Error::internal(
            "the object of a version is gone from the file store",
        ))
    }
}

/// What it takes to read the content of a version.
async fn opened(ctx: &Ctx, tx: &mut TenantTx, row: &store::ContentRow) -> Result<Content> {
    let sealed_key = row
        .sealed_key
        .as_deref()
        .ok_or_else(|| Error::new(Code::DocumentClosed))?;
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    let key = cipher.open(&service::key_place(tx, row.id), sealed_key)?;
    let key = ObjectKey::from_bytes(&key)
        .ok_or_else(|| Error::internal("a sealed key of another form"))?;
    Ok(Content {
        name: receive::name(ctx.tenant(), row.id),
        key,
        size: u64::try_from(row.size).map_err(Error::internal)?,
        sha256: row.sha256.as_slice().try_into().map_err(Error::internal)?,
    })
}

/// A file of a patient, for an export.
pub(crate) struct PatientFile {
    pub document: DocumentId,
    pub number: i32,
    pub filename: String,
    /// Why it is not given out: quarantined, infected, destroyed.
    pub content: Result<Content>,
}

/// Every file of a patient that the caller may read, and what it takes to read it.
pub(crate) async fn files_of_patient(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<Vec<PatientFile>> {
    let mut files = Vec::new();
    for version in store::of_patient(tx, patient).await? {
        let row = version.content;
        let content = match require_given_out(row.scan, ctx.app().files.options.require_scan) {
            Ok(()) => opened(ctx, tx, &row).await,
            Err(withheld) => Err(withheld),
        };
        files.push(PatientFile {
            document: version.document,
            number: version.number,
            filename: row.filename,
            content,
        });
    }
    Ok(files)
}

/// Only what a scanner found clean leaves, or what none had to look at.
fn require_given_out(scan: Scan, required: bool) -> Result<()> {
    match scan {
        Scan::Clean => Ok(()),
        Scan::NotScanned if !required => Ok(()),
        Scan::NotScanned | Scan::Pending | Scan::Failed => {
            Err(Error::new(Code::DocumentQuarantined))
        }
        Scan::Infected => Err(Error::new(Code::DocumentInfected)),
    }
}

//! Filing, reading and relabelling documents.

use chrono::{NaiveDate, NaiveTime};
use kernel::clock::Instant;
use kernel::ids::{DocumentId, DocumentVersionId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::crypto::FieldRef;
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging, Streamed, require_order};

use super::model::{Document, DocumentSource, DocumentStatus, ListDocuments, NewDocument, Reason};
use super::owner::Owner;
use super::receive::{self, Received};
use super::{past, store, uploads};
use crate::entries::{Amended, amended, amended_page};

pub(super) const RESOURCE: &str = "document";

/// Files a document that comes in one piece.
pub(super) async fn file(ctx: &Ctx, owner: Owner, body: Streamed) -> Result<Answer<Document>> {
    let mut look = ctx.look(Permission::DocumentCreate).await?;
    owner.require(&mut look).await?;
    drop(look);
    let counted = uploads::size_of(ctx, &body);
    let mut form = body.form(ctx.app().files.options.largest)?;
    let new: NewDocument = form.json("document").await?;
    ctx.require(new.category.permission())?;
    let part = form.expect("file").await?;
    let declared = receive::declared(&part)?;
    let id = DocumentVersionId::new();
    uploads::note(ctx, id, owner, None, counted.bytes).await?;
    let coming = uploads::Coming::new(ctx, counted);
    let content = coming.seen(receive::pieces(part));
    let received = receive::store(ctx, id, declared, content).await?;
    form.end().await?;
    coming.end(received.size).await?;
    let label = serde_json::to_vec(&new).map_err(Error::internal)?;
    let ctx = &ctx.having_received(&[&label, &received.sha256]);
    let tx = ctx.begin(Permission::DocumentCreate).await?;
    file_received(ctx, tx, owner, &new, &received).await
}

/// Gives content that was received its document.
pub(super) async fn file_received(
    ctx: &Ctx,
    mut tx: platform::db::CallerTx,
    owner: Owner,
    new: &NewDocument,
    received: &Received,
) -> Result<Answer<Document>> {
    let provider_user = owner.require(&mut tx).await?;
    owner.require_fit(&mut tx, new).await?;
    let own = ctx.acts_for_himself();
    let now = ctx.now();
    // What a patient brings he may read.
    let released_at = own.then_some(now);
    let source = if own {
        DocumentSource::Patient
    } else {
        DocumentSource::Staff
    };
    let id = DocumentId::new();
    let filed = store::Filed {
        id,
        owner,
        provider_user,
        data: new,
        source,
        released_at,
    };
    store::insert(&mut tx, &filed, now).await?;
    let (scan, text) = receive::first_states(
        &ctx.app().files,
        received.content_type,
        owner.patient().is_some(),
    );
    let label = store::Label {
        document: id,
        number: 1,
        patient: owner.patient(),
        provider_user,
        category: new.category,
        scan,
        text,
        released_at,
    };
    insert_version(ctx, &mut tx, &label, received, now).await?;
    uploads::settle(&mut tx, received, id, now).await?;
    let document = store::get(&mut tx, id).await?;
    let version = document.version;
    let answer = tx
        .commit(
            shown(Action::Create, owner, document)
                .created_at(format!("/api/v1/documents/{id}"))
                .version(version),
        )
        .await?;
    ctx.app().files.note_arrival();
    Ok(answer)
}

pub(super) async fn insert_version(
    ctx: &Ctx,
    tx: &mut TenantTx,
    label: &store::Label,
    received: &Received,
    now: Instant,
) -> Result<()> {
    let cipher = ctx.app().tenant_keys.cipher(tx).await?;
    let sealed_key = cipher.seal(&key_place(tx, received.id), &received.key.to_bytes());
    store::insert_version(tx, label, received, &sealed_key, now).await
}

/// Where the key of a version lies.
pub(super) fn key_place(tx: &TenantTx, id: DocumentVersionId) -> FieldRef {
    FieldRef {
        tenant: tx.tenant(),
        table: "document_versions",
        column: "sealed_key",
        row: id.0,
    }
}

/// A disclosure of one document.
pub(super) fn shown(action: Action, owner: Owner, document: Document) -> Disclosure<Document> {
    let subject = owner.subject(document.id);
    Disclosure::shown(RESOURCE, action, [subject], document)
}

/// A disclosure of one document with what was asked about it.
pub(super) fn read_with_requests(
    owner: Owner,
    document: Amended<Document>,
) -> Disclosure<Amended<Document>> {
    let (subject, version) = (owner.subject(document.entry.id), document.entry.version);
    Disclosure::shown(RESOURCE, Action::Read, [subject], document).version(version)
}

pub(super) fn owner_of(document: &Document) -> Result<Owner> {
    Owner::of(document.patient_id, document.provider_id)
}

pub(super) async fn list(
    ctx: &Ctx,
    owner: Owner,
    query: ListDocuments,
) -> Result<Answer<Page<Amended<Document>>>> {
    let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN).and_utc();
    require_order(query.from.map(midnight), query.to.map(midnight))?;
    if let Some(at) = query.as_of {
        return past::list(ctx, owner, at, query).await;
    }
    let scope = (
        owner.patient(),
        owner.provider(),
        ListDocuments {
            cursor: None,
            limit: None,
            ..query.clone()
        },
    );
    let paging = Paging::new(ctx, &scope, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::DocumentRead).await?;
    owner.require(&mut tx).await?;
    let rows = store::page(&mut tx, owner, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.data.document_date, row.id))?;
    let (page, subject) = match owner {
        Owner::Patient(patient) => (
            amended_page(&mut tx, patient, page, |row| row.id.0).await?,
            owner.subject(patient),
        ),
        Owner::Provider(provider) => (page.map(Amended::never), owner.subject(provider)),
    };
    tx.finish(Disclosure::list(RESOURCE, [subject], page)).await
}

pub(super) async fn read(ctx: &Ctx, id: DocumentId) -> Result<Answer<Amended<Document>>> {
    let mut tx = ctx.begin(Permission::DocumentRead).await?;
    let document = store::get(&mut tx, id).await?;
    let owner = owner_of(&document)?;
    let document = match owner.patient() {
        Some(patient) => amended(&mut tx, patient, id.0, document).await?,
        None => Amended::never(document),
    };
    tx.finish(read_with_requests(owner, document)).await
}

/// The document, locked, if the caller may change it and it is not closed.
pub(super) async fn open(ctx: &Ctx, tx: &mut TenantTx, id: DocumentId) -> Result<Document> {
    let document = store::get(tx, id).await?;
    ctx.concerning(owner_of(&document)?.subject(id));
    ctx.require(document.data.category.permission())?;
    store::lock(tx, id).await?;
    let document = store::get(tx, id).await?;
    if document.status == DocumentStatus::Current {
        Ok(document)
    } else {
        Err(Error::new(Code::DocumentClosed))
    }
}

pub(super) async fn relabel(
    ctx: &Ctx,
    id: DocumentId,
    if_match: IfMatch,
    patch: MergePatch,
) -> Result<Answer<Document>> {
    let mut tx = ctx.begin(Permission::DocumentUpdate).await?;
    let document = open(ctx, &mut tx, id).await?;
    if_match.require(document.version)?;
    let data = patch.apply(&document.data)?;
    if data.category != document.data.category {
        let rule = "can't be changed: mark the document as entered in error and file it anew";
        return Err(Error::field("/category", "unchangeable", rule));
    }
    let owner = owner_of(&document)?;
    owner.require_fit(&mut tx, &data).await?;
    store::relabel(&mut tx, id, &data, ctx.now()).await?;
    answer(tx, Action::Update, owner, id).await
}

pub(super) async fn release(ctx: &Ctx, id: DocumentId) -> Result<Answer<Document>> {
    let mut tx = ctx.begin(Permission::DocumentUpdate).await?;
    let document = open(ctx, &mut tx, id).await?;
    let owner = of_patient(&document)?;
    if document.current.released_at.is_none() {
        store::set_release(&mut tx, id, Some(ctx.now()), ctx.now()).await?;
    }
    answer(tx, Action::Update, owner, id).await
}

pub(super) async fn withdraw(ctx: &Ctx, id: DocumentId) -> Result<Answer<Document>> {
    let mut tx = ctx.begin(Permission::DocumentUpdate).await?;
    let document = open(ctx, &mut tx, id).await?;
    let owner = of_patient(&document)?;
    if document.source == DocumentSource::Patient {
        let rule = "A patient goes on reading what he brought himself.";
        return Err(Error::new(Code::IllegalTransition).detail(rule));
    }
    if document.released_at.is_some() {
        store::set_release(&mut tx, id, None, ctx.now()).await?;
    }
    answer(tx, Action::Update, owner, id).await
}

fn of_patient(document: &Document) -> Result<Owner> {
    match owner_of(document)? {
        Owner::Provider(_) => {
            let rule = "Only a patient's document can be released to him.";
            Err(Error::new(Code::IllegalTransition).detail(rule))
        }
        owner @ Owner::Patient(_) => Ok(owner),
    }
}

pub(super) async fn mark_in_error(
    ctx: &Ctx,
    id: DocumentId,
    why: &Reason,
) -> Result<Answer<Document>> {
    let mut tx = ctx.begin(Permission::DocumentUpdate).await?;
    let document = open(ctx, &mut tx, id).await?;
    let owner = owner_of(&document)?;
    if document.released_at.is_some() {
        store::set_release(&mut tx, id, None, ctx.now()).await?;
    }
    store::set_status(
        &mut tx,
        id,
        DocumentStatus::EnteredInError,
        &why.reason,
        ctx.now(),
    )
    .await?;
    answer(tx, Action::Update, owner, id).await
}

pub(super) async fn answer(
    mut tx: platform::db::CallerTx,
    action: Action,
    owner: Owner,
    id: DocumentId,
) -> Result<Answer<Document>> {
    let document = store::get(&mut tx, id).await?;
    let version = document.version;
    tx.commit(shown(action, owner, document).version(version))
        .await
}

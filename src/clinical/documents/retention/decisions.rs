//! The review list, and what a person decides of it.

use kernel::ids::{DestructionCertificateId, DocumentVersionId, RetentionReviewId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{
    DestructionCertificate, KeepLonger, ListReviews, RetentionReview, RetentionReviewState,
};
use super::{store, store_lists};
use crate::documents::model::{DocumentStatus, Pages, Reason};
use crate::documents::{service, store as documents};

const RESOURCE: &str = "retention_review";
const METHOD: &str = "The key of each version was destroyed and its object removed from the file store; imported resources it came in \
                      are kept without it.";

fn subject(review: &RetentionReview) -> Subject {
    Subject {
        patient: review.patient_id,
        resource: Some(review.document_id.0),
    }
}

pub(super) async fn list(ctx: &Ctx, query: ListReviews) -> Result<Answer<Page<RetentionReview>>> {
    let state = query.state.unwrap_or(RetentionReviewState::Open);
    let paging = Paging::new(ctx, &state, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::RetentionRead).await?;
    let rows = store_lists::reviews(&mut tx, state, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.expired_on, row.id))?;
    let subjects: Vec<Subject> = page.items.iter().map(subject).collect();
    tx.finish(Disclosure::list(RESOURCE, subjects, page)).await
}

pub(super) async fn certificates(
    ctx: &Ctx,
    query: Pages,
) -> Result<Answer<Page<DestructionCertificate>>> {
    let paging = Paging::new(ctx, &(), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::RetentionRead).await?;
    let rows = store_lists::certificates(&mut tx, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|row| Subject {
            patient: row.patient_id,
            resource: Some(row.document_id.0),
        })
        .collect();
    tx.finish(Disclosure::list("destruction_certificate", subjects, page))
        .await
}

/// The review, locked with its document, if it is open and no hold covers it.
async fn open(tx: &mut TenantTx, id: RetentionReviewId) -> Result<RetentionReview> {
    let review = store_lists::review(tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    // The owner first, as who places a hold does.
    let document = documents::get(tx, review.document_id).await?;
    service::owner_of(&document)?.hold(tx).await?;
    documents::lock(tx, review.document_id).await?;
    let review = store_lists::review(tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if review.state != RetentionReviewState::Open {
        return Err(Error::new(Code::RetentionNotOver));
    }
    Ok(review)
}

pub(super) async fn keep(
    ctx: &Ctx,
    id: RetentionReviewId,
    keep: &KeepLonger,
) -> Result<Answer<RetentionReview>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    let review = open(&mut tx, id).await?;
    store::keep_until(&mut tx, review.document_id, keep.until, ctx.now()).await?;
    store::decide(
        &mut tx,
        id,
        RetentionReviewState::Kept,
        &keep.reason,
        ctx.now(),
    )
    .await?;
    let review = store_lists::review(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let (about, version) = (subject(&review), review.version);
    tx.commit(Disclosure::shown(RESOURCE, Action::Update, [about], review).version(version))
        .await
}

/// Destroys the document: its key in this transaction, its objects right after it.
pub(super) async fn destroy(
    ctx: &Ctx,
    id: RetentionReviewId,
    why: &Reason,
) -> Result<Answer<DestructionCertificate>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    let review = open(&mut tx, id).await?;
    let document = documents::get(&mut tx, review.document_id).await?;
    if store::is_held(&mut tx, review.document_id).await? {
        return Err(Error::new(Code::LegalHoldInForce));
    }
    // A policy may have become longer since the review was opened.
    let due = super::review::expired_on(&mut tx, review.document_id).await?;
    let today = ctx.today();
    if due.is_none_or(|due| due > today) {
        return Err(Error::new(Code::RetentionNotOver));
    }
    let certificate = DestructionCertificateId::new();
    let destroyed = store::Destroyed {
        certificate,
        review: &review,
        method: METHOD,
        reason: &why.reason,
    };
    store::certify(&mut tx, &destroyed, ctx.now()).await?;
    let versions: Vec<DocumentVersionId> = store::shred(&mut tx, document.id, ctx.now()).await?;
    documents::set_status(
        &mut tx,
        document.id,
        DocumentStatus::Destroyed,
        &why.reason,
        ctx.now(),
    )
    .await?;
    store::forget_papers(&mut tx, document.id, ctx.now()).await?;
    store::decide(
        &mut tx,
        id,
        RetentionReviewState::Destroyed,
        &why.reason,
        ctx.now(),
    )
    .await?;
    let certificate = store_lists::certificate(&mut tx, certificate)
        .await?
        .ok_or_else(Error::not_found)?;
    let about = Subject {
        patient: certificate.patient_id,
        resource: Some(certificate.document_id.0),
    };
    let disclosure = Disclosure::shown(
        "destruction_certificate",
        Action::Delete,
        [about],
        certificate,
    )
    .version(1);
    let answer = tx.commit(disclosure).await?;
    tracing::info!(tenant = %ctx.tenant(), versions = versions.len(), "a document was destroyed");
    Ok(answer)
}

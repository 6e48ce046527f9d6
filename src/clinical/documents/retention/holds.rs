//! Legal holds: placed, lifted, never deleted.

use kernel::ids::{LegalHoldId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging};

use super::model::{LegalHold, NewLegalHold};
use super::store_lists as store;
use crate::documents::model::{Pages, Reason};
use crate::documents::store as documents;
use crate::patients;

const RESOURCE: &str = "legal_hold";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: Pages,
) -> Result<Answer<Page<LegalHold>>> {
    let paging = Paging::new(ctx, &patient, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::RetentionRead).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::holds(&mut tx, patient, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn place(
    ctx: &Ctx,
    patient: PatientId,
    new: &NewLegalHold,
) -> Result<Answer<LegalHold>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    patients::require(&mut tx, patient).await?;
    if let Some(id) = new.document_id {
        let document = documents::find(&mut tx, id).await?;
        if document.is_none_or(|document| document.patient_id != Some(patient)) {
            return Err(Error::field(
                "/document_id",
                "no_such_document",
                "must name a document of the patient",
            ));
        }
        // A destruction under way is waited for, and one that comes later sees the hold.
        documents::lock(&mut tx, id).await?;
    }
    let id = LegalHoldId::new();
    store::insert_hold(&mut tx, id, patient, new, ctx.now()).await?;
    let hold = store::hold(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let disclosure = Disclosure::of(RESOURCE, Action::Create, patient, id, hold)
        .created_at(format!("/api/v1/patients/{patient}/legal-holds"))
        .version(1);
    tx.commit(disclosure).await
}

pub(super) async fn lift(
    ctx: &Ctx,
    patient: PatientId,
    id: LegalHoldId,
    why: &Reason,
) -> Result<Answer<LegalHold>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    patients::require(&mut tx, patient).await?;
    store::hold(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if !store::lift_hold(&mut tx, id, &why.reason, ctx.now()).await? {
        return Err(Error::new(Code::IllegalTransition).detail("The hold was lifted before."));
    }
    let hold = store::hold(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = hold.version;
    tx.commit(Disclosure::of(RESOURCE, Action::Update, patient, id, hold).version(version))
        .await
}

//! Legal holds: placed, lifted, never deleted.

use kernel::ids::LegalHoldId;
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging};

use super::model::{LegalHold, NewLegalHold};
use super::store_lists as store;
use crate::documents::model::{PagesAsOf, Reason};
use crate::documents::owner::Owner;
use crate::documents::store as documents;

const RESOURCE: &str = "legal_hold";

/// Those of today, or as they stood: a hold is placed and lifted once, and changes by nothing else.
pub(super) async fn list(
    ctx: &Ctx,
    owner: Owner,
    query: PagesAsOf,
) -> Result<Answer<Page<LegalHold>>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    if then.is_some() {
        ctx.require(Permission::EntryHistory)?;
    }
    let scope = (owner.patient(), owner.provider(), then);
    let paging = Paging::new(ctx, &scope, query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::RetentionRead).await?;
    owner.require(&mut tx).await?;
    let of = (owner, then);
    let rows = store::holds(&mut tx, of, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    let about = owner.subject(owner.id());
    tx.finish(Disclosure::shown(RESOURCE, Action::Read, [about], page))
        .await
}

pub(super) async fn place(
    ctx: &Ctx,
    owner: Owner,
    new: &NewLegalHold,
) -> Result<Answer<LegalHold>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    owner.require(&mut tx).await?;
    // A destruction under way is waited for, and one that comes later sees the hold.
    owner.hold(&mut tx).await?;
    if let Some(id) = new.document_id {
        let document = documents::find(&mut tx, id).await?;
        let is_his = document.is_some_and(|document| {
            (document.patient_id, document.provider_id) == (owner.patient(), owner.provider())
        });
        if !is_his {
            let rule = "must name a document of the patient, or about the provider";
            return Err(Error::field("/document_id", "no_such_document", rule));
        }
    }
    let id = LegalHoldId::new();
    store::insert_hold(&mut tx, id, owner, new, ctx.now()).await?;
    let hold = store::hold(&mut tx, owner, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let place = match owner {
        Owner::Patient(patient) => format!("/api/v1/patients/{patient}/legal-holds"),
        Owner::Provider(provider) => format!("/api/v1/providers/{provider}/legal-holds"),
    };
    let disclosure = Disclosure::shown(RESOURCE, Action::Create, [owner.subject(id)], hold)
        .created_at(place)
        .version(1);
    tx.commit(disclosure).await
}

pub(super) async fn lift(
    ctx: &Ctx,
    owner: Owner,
    id: LegalHoldId,
    why: &Reason,
) -> Result<Answer<LegalHold>> {
    let mut tx = ctx.begin(Permission::RetentionDecide).await?;
    owner.require(&mut tx).await?;
    store::hold(&mut tx, owner, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if !store::lift_hold(&mut tx, id, &why.reason, ctx.now()).await? {
        return Err(Error::new(Code::IllegalTransition).detail("The hold was lifted before."));
    }
    let hold = store::hold(&mut tx, owner, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = hold.version;
    let about = owner.subject(id);
    tx.commit(Disclosure::shown(RESOURCE, Action::Update, [about], hold).version(version))
        .await
}

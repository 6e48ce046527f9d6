//! Reading imported resources, and releasing them to the patient.

use kernel::clock::Instant;
use kernel::ids::{ImportedResourceId, PatientId, UserId};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging};

use super::model::{ImportedResource, ImportedResourceSummary, ListImportedResources};
use super::store;
use crate::entries::require_then;
use crate::patients::{self, AsOf};

const RESOURCE: &str = "imported_resource";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListImportedResources,
) -> Result<Answer<Page<ImportedResourceSummary>>> {
    if query.not_entered && query.as_of.is_some() {
        let field = FieldError::new(
            "?not_entered",
            "not_of_then",
            "must not be given with as_of",
        );
        return Err(Error::new(Code::InvalidParameter).with_fields(vec![field]));
    }
    let filters = (
        patient,
        &query.r#type,
        query.not_entered,
        query.as_of.map(|then| then.instant(ctx)),
    );
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor)?;
    let (kind, after) = (query.r#type.as_deref(), paging.after()?);
    let (tx, rows) = if let Some(then) = query.as_of {
        let mut tx = require_then(ctx, patient, then.instant(ctx)).await?;
        let of = (patient, then.instant(ctx));
        let rows = store::page_then(&mut tx, of, kind, after, paging.fetch()).await?;
        (tx, rows)
    } else {
        let mut tx = ctx.begin(Permission::ImportedRead).await?;
        patients::require(&mut tx, patient).await?;
        let of = (patient, released_only(ctx));
        let kind = (kind, query.not_entered);
        let rows = store::page(&mut tx, of, kind, after, paging.fetch()).await?;
        (tx, rows)
    };
    let page = paging.page(rows, |row| (row.resource_type.clone(), row.id))?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: ImportedResourceId,
    then: Option<AsOf>,
) -> Result<Answer<ImportedResource>> {
    let (tx, resource) = if let Some(then) = then {
        let mut tx = require_then(ctx, patient, then.instant(ctx)).await?;
        let found = store::find_then(&mut tx, (patient, then.instant(ctx)), id).await?;
        (tx, found)
    } else {
        let mut tx = ctx.begin(Permission::ImportedRead).await?;
        patients::require(&mut tx, patient).await?;
        let found = store::find(&mut tx, (patient, released_only(ctx)), id).await?;
        (tx, found)
    };
    let resource = resource.ok_or_else(Error::not_found)?;
    let version = resource.summary.version;
    tx.finish(Disclosure::of(RESOURCE, Action::Read, patient, id, resource).version(version))
        .await
}

/// Whether notes and results are shown only where they were released: to whom no note is shown before.
pub(crate) fn released_only(ctx: &Ctx) -> bool {
    !Permission::NoteRead.allows(ctx.principal().role)
}

pub(super) async fn release(
    ctx: &Ctx,
    patient: PatientId,
    id: ImportedResourceId,
) -> Result<Answer<ImportedResource>> {
    set_release(ctx, patient, id, Some((ctx.now(), ctx.user()))).await
}

pub(super) async fn withhold(
    ctx: &Ctx,
    patient: PatientId,
    id: ImportedResourceId,
) -> Result<Answer<ImportedResource>> {
    set_release(ctx, patient, id, None).await
}

async fn set_release(
    ctx: &Ctx,
    patient: PatientId,
    id: ImportedResourceId,
    release: Option<(Instant, UserId)>,
) -> Result<Answer<ImportedResource>> {
    let mut tx = ctx.begin(Permission::ImportedRelease).await?;
    patients::require(&mut tx, patient).await?;
    let present = store::find(&mut tx, (patient, false), id)
        .await?
        .ok_or_else(Error::not_found)?;
    if !present.summary.needs_release {
        return Err(Error::new(Code::NeedsNoRelease));
    }
    store::set_release(&mut tx, (patient, id), release, ctx.now()).await?;
    let resource = store::find(&mut tx, (patient, false), id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = resource.summary.version;
    tx.commit(Disclosure::of(RESOURCE, Action::Update, patient, id, resource).version(version))
        .await
}

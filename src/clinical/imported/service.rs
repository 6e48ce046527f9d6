//! Reading imported resources.

use kernel::ids::{ImportedResourceId, PatientId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, Paging};

use super::model::{ImportedResource, ImportedResourceSummary, ListImportedResources};
use super::store;
use crate::patients;

const RESOURCE: &str = "imported_resource";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListImportedResources,
) -> Result<Answer<Page<ImportedResourceSummary>>> {
    let paging = Paging::new(ctx, &(patient, &query.r#type), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::ImportedRead).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::page(
        &mut tx,
        patient,
        query.r#type.as_deref(),
        paging.after()?,
        paging.fetch(),
    )
    .await?;
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
) -> Result<Answer<ImportedResource>> {
    let mut tx = ctx.begin(Permission::ImportedRead).await?;
    patients::require(&mut tx, patient).await?;
    let resource = store::find(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = resource.summary.version;
    tx.finish(Disclosure::of(RESOURCE, Action::Read, patient, id, resource).version(version))
        .await
}

//! An entry beside what its patient asked to have amended of it: 45 CFR 164.526(d)(4) lets a request, its denial and a statement of
//! disagreement go with the entry wherever that is disclosed.
//!
//! Trap: a request is no part of the entry. It changes neither its version nor its history.

use std::collections::HashMap;

use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Page, Result};
use platform::access::{Ctx, Disclosure};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::as_of::{Remembered, image_as_of};
use super::lists::{Then, page_as_of};
use crate::notes::{EntryAmendment, amendments_about, amendments_then};
use crate::patients::AsOf;

/// An entry, and what was asked about it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Amended<T> {
    #[serde(flatten)]
    pub entry: T,
    /// What the patient asked to have amended and did not withdraw, and what became of it: the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amendment_requests: Vec<EntryAmendment>,
}

impl<T> Amended<T> {
    /// One that is nobody's record, about which nothing is asked.
    pub(crate) fn never(entry: T) -> Self {
        Self {
            entry,
            amendment_requests: Vec::new(),
        }
    }
}

type Requests = HashMap<Uuid, Vec<EntryAmendment>>;

fn beside<T>(requests: &mut Requests, id: Uuid, entry: T) -> Amended<T> {
    Amended {
        entry,
        amendment_requests: requests.remove(&id).unwrap_or_default(),
    }
}

/// One entry of a patient with what was asked about it.
pub(crate) async fn amended<T>(
    tx: &mut TenantTx,
    patient: PatientId,
    id: Uuid,
    entry: T,
) -> Result<Amended<T>> {
    let mut requests = amendments_about(tx, patient, &[id]).await?;
    Ok(beside(&mut requests, id, entry))
}

/// The entries of a page with what was asked about each.
pub(crate) async fn amended_page<T>(
    tx: &mut TenantTx,
    patient: PatientId,
    page: Page<T>,
    id: impl Fn(&T) -> Uuid,
) -> Result<Page<Amended<T>>> {
    let ids: Vec<Uuid> = page.items.iter().map(&id).collect();
    let mut requests = amendments_about(tx, patient, &ids).await?;
    Ok(page.map(|entry| beside(&mut requests, id(&entry), entry)))
}

/// As [`amended_page`], with what was on record then.
pub(crate) async fn amended_page_then<T>(
    tx: &mut TenantTx,
    patient: PatientId,
    then: Instant,
    page: Page<T>,
    id: impl Fn(&T) -> Uuid,
) -> Result<Page<Amended<T>>> {
    let mut requests = amendments_then(tx, patient, then).await?;
    Ok(page.map(|entry| beside(&mut requests, id(&entry), entry)))
}

/// Shows one entry that was read, with what was asked about it.
pub(crate) async fn show_amended<T: Remembered + Serialize>(
    mut tx: CallerTx,
    patient: PatientId,
    id: impl Into<Uuid>,
    entry: T,
) -> Result<Answer<Amended<T>>> {
    let (id, version) = (id.into(), entry.version());
    let entry = amended(&mut tx, patient, id, entry).await?;
    tx.finish(Disclosure::of(T::RESOURCE, Action::Read, patient, id, entry).version(version))
        .await
}

/// One entry of a patient as it stood, with what had been asked about it; `not_found` where there was none such yet.
pub(crate) async fn read_amended_as_of<T: Remembered + Serialize>(
    ctx: &Ctx,
    patient: PatientId,
    id: Uuid,
    then: AsOf,
) -> Result<Answer<Amended<T>>> {
    let (mut tx, entry) = image_as_of::<T>(ctx, patient, id, then).await?;
    let version = entry.version();
    let mut requests = amendments_then(&mut tx, patient, then.instant(ctx)).await?;
    let entry = beside(&mut requests, id, entry);
    tx.finish(Disclosure::of(T::RESOURCE, Action::Read, patient, id, entry).version(version))
        .await
}

/// As [`list_as_of`](super::list_as_of), each with what had been asked about it.
pub(crate) async fn list_amended_as_of<T: Remembered + Serialize>(
    ctx: &Ctx,
    then: Then,
    filters: &impl Serialize,
    id: impl Fn(&T) -> Uuid,
    keep: impl Fn(&T) -> bool,
) -> Result<Answer<Page<Amended<T>>>> {
    let (patient, at) = (then.patient, then.at.instant(ctx));
    let (mut tx, page) = page_as_of(ctx, then, filters, keep).await?;
    let page = amended_page_then(&mut tx, patient, at, page, id).await?;
    tx.finish(Disclosure::of(
        T::RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

//! Lists of entries: of today, and as they stood.

use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure};
use platform::audit::{Action, Subject};
use platform::db::CallerTx;
use platform::http::{Answer, Paging};
use serde::Serialize;
use uuid::Uuid;

use super::as_of::{Remembered, require_then};
use super::store;
use crate::patients::AsOf;

/// One entry of a patient as it goes out, with its version.
pub(crate) fn disclose_one<T: Remembered + Serialize>(
    action: Action,
    patient: PatientId,
    id: impl Into<Uuid>,
    entry: T,
) -> Disclosure<T> {
    let version = entry.version();
    Disclosure::of(T::RESOURCE, action, patient, id, entry).version(version)
}

/// A list of a patient's entries as it goes out: each that is shown is recorded; of an empty one, the look at the patient.
pub(crate) fn disclose_list<T: Serialize>(
    resource: &'static str,
    patient: PatientId,
    page: Page<T>,
    id: impl Fn(&T) -> Uuid,
) -> Disclosure<Page<T>> {
    let mut subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|row| Subject {
            patient: Some(patient),
            resource: Some(id(row)),
        })
        .collect();
    if subjects.is_empty() {
        subjects.push(Subject {
            patient: Some(patient),
            resource: None,
        });
    }
    Disclosure::list(resource, subjects, page)
}

/// Which page of a list, as of when.
pub(crate) struct Then {
    pub patient: PatientId,
    pub at: AsOf,
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

impl Then {
    pub(crate) fn page(
        patient: PatientId,
        at: AsOf,
        limit: Option<u32>,
        cursor: Option<String>,
    ) -> Self {
        Self {
            patient,
            at,
            limit,
            cursor,
        }
    }
}

/// The entries of a patient that were on record then and that `keep` keeps; the order is that of
/// [`Remembered::ORDER`], the latest first. `filters`: what `keep` goes by, for the cursor.
pub(crate) async fn list_as_of<T: Remembered + Serialize>(
    ctx: &Ctx,
    then: Then,
    filters: &impl Serialize,
    keep: impl Fn(&T) -> bool,
) -> Result<Answer<Page<T>>> {
    let patient = then.patient;
    let (tx, page) = page_as_of(ctx, then, filters, keep).await?;
    tx.finish(Disclosure::of(
        T::RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

/// As [`list_as_of`], for whoever has more to add in the same snapshot.
pub(crate) async fn page_as_of<T: Remembered>(
    ctx: &Ctx,
    then: Then,
    filters: &impl Serialize,
    keep: impl Fn(&T) -> bool,
) -> Result<(CallerTx, Page<T>)> {
    let Then {
        patient,
        at,
        limit,
        cursor,
    } = then;
    let at = at.instant(ctx);
    let paging = Paging::new(ctx, &(patient, at, filters), limit, cursor)?;
    let mut place: Option<(Instant, Uuid)> = paging.after()?;
    let mut tx = require_then(ctx, patient, at).await?;
    let wanted = usize::try_from(paging.fetch()).unwrap_or(usize::MAX);
    let mut kept: Vec<(Instant, Uuid, T)> = Vec::new();
    // What is left out makes room for what comes after it.
    loop {
        let of = (T::TABLE, T::ORDER, patient);
        let images = store::images(&mut tx, of, at, place, paging.fetch()).await?;
        let more = images.len() == wanted;
        place = images.last().map(|image| (image.happened, image.id));
        for image in images {
            let entry = T::of_image(&image.item).map_err(Error::internal)?;
            if keep(&entry) {
                kept.push((image.happened, image.id, entry));
            }
        }
        if !more || kept.len() >= wanted {
            break;
        }
    }
    kept.truncate(wanted);
    let page = paging
        .page(kept, |(happened, id, _)| (*happened, *id))?
        .map(|(_, _, entry)| entry);
    Ok((tx, page))
}

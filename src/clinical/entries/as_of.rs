//! The record as it stood: a row's image in the history, read as the row is.
//!
//! The history keeps every state of a row under the names of its columns. A store's `Row` is decoded from the table and from
//! such an image alike, so whatever implements [`Remembered`] can be shown as of any time, and nothing is kept twice.
//!
//! Traps: an image tells what was on record at an instant, not what was true then; the names of people are not in it. A row
//! that was moved by a merge belonged to the other registration before, and is found there.

use chrono::SecondsFormat;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::{CallerTx, TenantTx};
use platform::http::Answer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::IntoParams;
use uuid::Uuid;

use super::store;
use crate::patients::{self, AsOf};

/// More rows than a list without pages has.
const ALL: i64 = 5_000;

/// Which state to read.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AsOfQuery {
    /// A day (its local end) or an instant: what was on record then. Nothing (404) before it was recorded. Needs the
    /// permission `entry.history`.
    #[param(value_type = Option<String>, example = "2024-05-01T12:00:00Z")]
    pub as_of: Option<AsOf>,
}

/// What the history can show as it stood.
pub(crate) trait Remembered: Sized {
    /// Its table, by which the history names it.
    const TABLE: &'static str;
    /// Its kind in the access log.
    const RESOURCE: &'static str;
    /// The column with the time by which a list of then is ordered.
    const ORDER: &'static str = "created_at";

    /// Reads the image of a row: from its text, so that numbers keep their digits.
    fn of_image(image: &RawValue) -> serde_json::Result<Self>;

    fn version(&self) -> i64;
}

/// One entry of a patient as it stood; `not_found` where there was none such yet.
pub(crate) async fn read_as_of<T: Remembered + Serialize>(
    ctx: &Ctx,
    patient: PatientId,
    id: Uuid,
    then: AsOf,
) -> Result<Answer<T>> {
    let (tx, entry) = image_as_of::<T>(ctx, patient, id, then).await?;
    let version = entry.version();
    tx.finish(Disclosure::of(T::RESOURCE, Action::Read, patient, id, entry).version(version))
        .await
}

/// As [`read_as_of`], for whoever has more to add in the same snapshot.
pub(crate) async fn image_as_of<T: Remembered>(
    ctx: &Ctx,
    patient: PatientId,
    id: Uuid,
    then: AsOf,
) -> Result<(CallerTx, T)> {
    let mut tx = require_then(ctx, patient, then.instant(ctx)).await?;
    let image = store::image(&mut tx, (T::TABLE, patient, id), then.instant(ctx))
        .await?
        .ok_or_else(Error::not_found)?;
    let entry = T::of_image(&image).map_err(Error::internal)?;
    Ok((tx, entry))
}

/// The image of a row as it stood, of whichever patient it was then, for a path that names none; `not_found` where the caller
/// may not see him, or there was none such yet.
pub async fn read_row_as_of(
    tx: &mut TenantTx,
    table: &str,
    id: Uuid,
    then: Instant,
) -> Result<(Box<RawValue>, Option<PatientId>)> {
    store::image_of_row(tx, (table, id), then)
        .await?
        .ok_or_else(Error::not_found)
}

/// All of a patient's rows that were on record then, the latest first: for lists that are short enough to have no pages.
pub(crate) async fn states_as_of<T: Remembered>(
    tx: &mut TenantTx,
    patient: PatientId,
    then: Instant,
) -> Result<Vec<T>> {
    let of = (T::TABLE, T::ORDER, patient);
    let images = store::images(tx, of, then, None, ALL).await?;
    images
        .into_iter()
        .map(|image| T::of_image(&image.item).map_err(Error::internal))
        .collect()
}

/// Where something is read as it stood.
pub(crate) fn as_it_stood(place: &str, then: Instant) -> String {
    let sign = if place.contains('?') { '&' } else { '?' };
    let then = then.to_rfc3339_opts(SecondsFormat::Micros, true);
    format!("{place}{sign}as_of={then}")
}

/// Begins to read how a patient's record stood; `not_found` unless there is such a patient, for this caller, and
/// `patient_merged` where his registration was merged into another by then.
pub(crate) async fn require_then(ctx: &Ctx, patient: PatientId, then: Instant) -> Result<CallerTx> {
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    // Who sees every patient of his organisation may open what is no patient of it.
    if !store::open_chart(&mut tx, patient).await? {
        return Err(Error::not_found());
    }
    patients::require_then(&mut tx, patient, then).await?;
    Ok(tx)
}

//! Procedures as billing reads them: what was coded on an encounter.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, PatientId, ProcedureId};
use kernel::{Page, PartialDate, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Performer, Procedure, ProcedureSystem};
use super::status::ProcedureStatus;
use super::store_codings as store;
use crate::entries;
use crate::patients::AsOf;

/// The coding of a procedure on an encounter.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProcedureCoding {
    /// The procedure's id.
    pub id: ProcedureId,
    pub patient_id: PatientId,
    pub encounter_id: EncounterId,
    pub system: ProcedureSystem,
    #[schema(example = "G0101")]
    pub code: String,
    pub name: String,
    pub modifiers: Vec<String>,
    pub status: ProcedureStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performed_on: Option<PartialDate>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performed_start: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performed_end: Option<DateTime<Utc>>,
    pub performers: Vec<Performer>,
}

/// As it was on record then.
pub(super) async fn list_as_of(
    ctx: &Ctx,
    patient: PatientId,
    encounter: EncounterId,
    then: AsOf,
) -> Result<Answer<Page<ProcedureCoding>>> {
    let mut tx = entries::require_then(ctx, patient, then.instant(ctx)).await?;
    let mut rows: Vec<Procedure> =
        entries::states_as_of(&mut tx, patient, then.instant(ctx)).await?;
    rows.retain(|row| {
        row.data.encounter_id == Some(encounter)
            && row.data.status != ProcedureStatus::EnteredInError
    });
    rows.sort_by_key(|row| row.id.0);
    let rows = rows.into_iter().map(|row| ProcedureCoding {
        id: row.id,
        patient_id: row.patient_id,
        encounter_id: encounter,
        system: row.data.system,
        code: row.data.code,
        name: row.data.name.unwrap_or_default(),
        modifiers: row.data.modifiers,
        status: row.data.status,
        performed_on: row.data.performed_on,
        performed_start: row.data.performed_start,
        performed_end: row.data.performed_end,
        performers: row.data.performers,
    });
    let page = Page::last(rows.collect());
    let disclosure = Disclosure::of("procedure", Action::Read, patient, encounter, page);
    tx.finish(disclosure).await
}

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    encounter: EncounterId,
) -> Result<Answer<Page<ProcedureCoding>>> {
    let mut tx = ctx.begin(Permission::CodingRead).await?;
    entries::require_encounter(&mut tx, patient, encounter).await?;
    let rows = store::of_encounter(&mut tx, patient, encounter).await?;
    tx.finish(Disclosure::of(
        "procedure",
        Action::Read,
        patient,
        encounter,
        Page::last(rows),
    ))
    .await
}

//! Procedures as billing reads them: what was coded on an encounter.

use chrono::{DateTime, Utc};
use kernel::ids::{EncounterId, PatientId, ProcedureId};
use kernel::{Page, PartialDate, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{Performer, ProcedureSystem};
use super::status::ProcedureStatus;
use super::store_codings as store;
use crate::entries;

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

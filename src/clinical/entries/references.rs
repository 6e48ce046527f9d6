//! What an entry refers to. An id of another tenant, or of another patient's encounter, and one that is nobody's are the same
//! field error.

use chrono::NaiveDate;
use kernel::ids::{EncounterId, PatientId, ProviderId};
use kernel::{Error, FieldError, PartialDate, Result};
use platform::db::TenantTx;

use super::store;
use crate::encounters::{self, Encounter};
use crate::patients::{self, Patient};

/// The patient of the path; errors as of [`patients::require`].
pub(crate) async fn require_person(tx: &mut TenantTx, id: PatientId) -> Result<Patient> {
    let person = patients::find(tx, id).await?.ok_or_else(Error::not_found)?;
    person.require_unmerged()?;
    Ok(person)
}

/// The encounter of the path; `not_found` unless it is this patient's.
pub(crate) async fn require_encounter(
    tx: &mut TenantTx,
    patient: PatientId,
    id: EncounterId,
) -> Result<Encounter> {
    encounters::find_in_tx(tx, Some(patient), id)
        .await?
        .ok_or_else(Error::not_found)
}

/// The encounter a body names, where it names another than before.
pub(crate) async fn check_encounter(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<EncounterId>,
    wanted: Option<EncounterId>,
) -> Result<()> {
    if let Some(id) = wanted
        && present != Some(id)
        && !encounters::exists_in_tx(tx, patient, id).await?
    {
        return Err(Error::field(
            "/encounter_id",
            "no_such_encounter",
            "must name an encounter of this patient",
        ));
    }
    Ok(())
}

/// The provider named at `pointer`, where it is another than before, who may have left since.
pub(crate) async fn check_provider(
    tx: &mut TenantTx,
    pointer: &str,
    present: Option<ProviderId>,
    wanted: Option<ProviderId>,
) -> Result<()> {
    if let Some(id) = wanted
        && present != wanted
        && !store::is_active_provider(tx, id).await?
    {
        let rule = "must name an active provider";
        return Err(Error::field(pointer, "no_such_provider", rule));
    }
    Ok(())
}

/// A date of something that happened to the patient.
pub(crate) fn check_not_before_birth(
    birth: NaiveDate,
    pointer: &'static str,
    date: Option<&PartialDate>,
) -> Result<()> {
    if date.is_some_and(|date| date.latest() < birth) {
        let rule = "must not lie before the patient's birth";
        return Err(Error::invalid(vec![FieldError::new(
            pointer,
            "before_birth",
            rule,
        )]));
    }
    Ok(())
}

//! What an entry refers to. An id of another tenant, or of another patient's encounter, and one that is nobody's are the
//! same field error. What it referred to before is not asked again: a provider may have left since, a code set dropped a
//! code.

use chrono::NaiveDate;
use kernel::ids::{EncounterId, PatientId, ProviderId};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::store;
use crate::encounters;
use crate::terminology::{self, Coding};

pub(crate) async fn check_encounter(
    tx: &mut TenantTx,
    patient: PatientId,
    present: Option<EncounterId>,
    wanted: Option<EncounterId>,
) -> Result<()> {
    if let Some(id) = wanted
        && present != wanted
        && encounters::find_in_tx(tx, Some(patient), id)
            .await?
            .is_none()
    {
        let rule = "must name an encounter of this patient";
        return Err(Error::field("/encounter_id", "no_such_encounter", rule));
    }
    Ok(())
}

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

/// Settles a coding that was not there before.
pub(crate) async fn settle_one(
    tx: &mut TenantTx,
    pointer: &str,
    present: &[Coding],
    wanted: &mut Coding,
    on: NaiveDate,
) -> Result<()> {
    if !present.contains(wanted) {
        *wanted = terminology::settle(tx, pointer, wanted, on).await?;
    }
    Ok(())
}

/// Settles those of a list that were not there before.
pub(crate) async fn settle_all(
    tx: &mut TenantTx,
    pointer: &str,
    present: &[Coding],
    wanted: &mut [Coding],
    on: NaiveDate,
) -> Result<()> {
    for (place, coding) in wanted.iter_mut().enumerate() {
        settle_one(tx, &format!("{pointer}/{place}"), present, coding, on).await?;
    }
    Ok(())
}

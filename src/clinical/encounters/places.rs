//! What an encounter may refer to. An id of another tenant and one that is nobody's are the same field error.

use kernel::ids::{FacilityId, ProviderId};
use kernel::{Error, FieldError, Result};
use platform::db::TenantTx;

use super::model::EncounterDetails;
use super::store_places as store;

/// Checks what `wanted` refers to and `present` did not: that a facility was closed since is no reason to refuse a change
/// of something else.
pub(super) async fn check(
    tx: &mut TenantTx,
    present: Option<&EncounterDetails>,
    wanted: &EncounterDetails,
) -> Result<()> {
    let mut broken = Vec::new();
    let moved = present.is_none_or(|present| present.facility_id != wanted.facility_id);
    if let Some(facility) = wanted.facility_id {
        if moved && !facility_is_active(tx, facility).await? {
            broken.push(no_such(
                "/facility_id",
                "no_such_facility",
                "must name an active facility",
            ));
        } else if let Some(department) = wanted.department_id
            && (moved
                || present.is_none_or(|present| present.department_id != wanted.department_id))
            && !store::has_department(tx, facility, department).await?
        {
            broken.push(no_such_department());
        }
    }
    if let Some(provider) = wanted.attending_provider_id
        && present
            .is_none_or(|present| present.attending_provider_id != wanted.attending_provider_id)
        && store::provider_is_active(tx, provider).await? != Some(true)
    {
        broken.push(no_such(
            "/attending_provider_id",
            "no_such_provider",
            "must name an active provider",
        ));
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(broken))
    }
}

/// The zone whose wall clock counts, unless an encounter names one: the facility's, or the organisation's.
pub(super) async fn zone_of(tx: &mut TenantTx, facility: Option<FacilityId>) -> Result<String> {
    if let Some(id) = facility
        && let Some(facility) = store::find_facility(tx, id).await?
    {
        return Ok(facility.time_zone);
    }
    store::tenant_zone(tx).await
}

pub(super) async fn require_provider(tx: &mut TenantTx, provider: ProviderId) -> Result<()> {
    store::provider_is_active(tx, provider)
        .await?
        .map(|_| ())
        .ok_or_else(Error::not_found)
}

async fn facility_is_active(tx: &mut TenantTx, facility: FacilityId) -> Result<bool> {
    Ok(store::find_facility(tx, facility)
        .await?
        .is_some_and(|facility| facility.active))
}

fn no_such_department() -> FieldError {
    no_such(
        "/department_id",
        "no_such_department",
        "must name an active department of the facility",
    )
}

fn no_such(pointer: &str, code: &'static str, message: &'static str) -> FieldError {
    FieldError::new(pointer, code, message)
}

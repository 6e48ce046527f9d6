//! What a registration may refer to. An id of another tenant and one that is nobody's are the same field error.

use kernel::ids::PatientId;
use kernel::{Code, Error, FieldError, Result};
use platform::access::{Ctx, Permission};
use platform::db::TenantTx;

use super::model::NewPatient;
use super::store_references as store;

/// Checks what `wanted` refers to and `present` did not: that a facility was closed since is no reason to refuse a change of
/// something else.
///
/// # Errors
/// Field errors; `forbidden` for a caller who may not link accounts; `already_exists` where the account is another patient's.
pub(super) async fn check(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: PatientId,
    present: Option<&NewPatient>,
    wanted: &NewPatient,
) -> Result<()> {
    let mut broken = Vec::new();
    if let Some(facility) = wanted.facility_id
        && present.and_then(|present| present.facility_id) != Some(facility)
        && !store::is_active_facility(tx, facility).await?
    {
        broken.push(FieldError::new(
            "/facility_id",
            "no_such_facility",
            "must name an active facility",
        ));
    }
    if let Some(provider) = wanted.primary_provider_id
        && present.and_then(|present| present.primary_provider_id) != Some(provider)
        && !store::is_active_provider(tx, provider).await?
    {
        broken.push(FieldError::new(
            "/primary_provider_id",
            "no_such_provider",
            "must name an active provider",
        ));
    }
    let linked = present.and_then(|present| present.portal_user_id);
    if wanted.portal_user_id != linked {
        if !Permission::PatientLinkAccount.allows(ctx.principal().role) {
            return Err(Error::new(Code::Forbidden)
                .detail("Your role does not permit linking a patient's account."));
        }
        if let Some(user) = wanted.portal_user_id {
            if !store::is_patients_account(tx, user).await? {
                let rule = "must name an active account with the role patient";
                broken.push(FieldError::new("/portal_user_id", "no_such_user", rule));
            } else if store::is_linked_elsewhere(tx, user, id).await? {
                return Err(linked_elsewhere());
            }
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(broken))
    }
}

pub(super) fn linked_elsewhere() -> Error {
    Error::new(Code::AlreadyExists).detail("Another patient is linked to this account.")
}

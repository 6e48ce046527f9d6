//! Patients inside a transaction somebody else holds: for the features of this area, for an import, for a demonstration.

use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::{Code, Error, OnConstraint, Result};
use platform::access::{Changed, announce};
use platform::audit::Subject;
use platform::crypto::TenantCipher;
use platform::db::TenantTx;

use super::model::{NewPatient, Patient};
use super::sealing::{self, Sealed};
use super::status::PatientStatus;
use super::{history, keys, references, store, store_keys};
use crate::care_teams;

/// Numbers of ours that an import may have brought before: so many are passed over.
const NUMBERS_TRIED: usize = 1_000;

/// The patient, if the caller may see him and he has not been retired.
pub async fn find(tx: &mut TenantTx, id: PatientId) -> Result<Option<Patient>> {
    store::find(tx, id).await
}

/// Whether there is such a patient, for this caller.
pub async fn exists(tx: &mut TenantTx, id: PatientId) -> Result<bool> {
    Ok(store::status(tx, id).await?.is_some())
}

/// `not_found` unless there is such a patient, for this caller. `patient_merged`, naming the survivor, if his registration
/// was merged into another: what is left there is nobody's record, and an empty list of it would read as "has none".
pub async fn require(tx: &mut TenantTx, id: PatientId) -> Result<()> {
    match store::status(tx, id).await? {
        Some((_, replaced_by)) => refuse_merged(replaced_by),
        None => Err(Error::not_found()),
    }
}

/// `not_found` unless there is such a patient, for this caller, merged or not: for what stays with a registration.
pub async fn require_known(tx: &mut TenantTx, id: PatientId) -> Result<()> {
    if exists(tx, id).await? {
        Ok(())
    } else {
        Err(Error::not_found())
    }
}

/// As [`require`], for his record as it stood: `patient_merged` if the registration was merged already then.
pub async fn require_then(tx: &mut TenantTx, id: PatientId, then: Instant) -> Result<()> {
    require_known(tx, id).await?;
    match history::state_in_tx(tx, id, then).await? {
        Some(then) => then.require_unmerged(),
        None => Ok(()),
    }
}

/// `patient_merged` if there is who replaces him.
pub(crate) fn refuse_merged(replaced_by: Option<PatientId>) -> Result<()> {
    replaced_by.map_or(Ok(()), |survivor| Err(store::merged_into(survivor)))
}

impl Patient {
    /// `patient_merged` unless this is the registration the record is kept under.
    pub(crate) fn require_unmerged(&self) -> Result<()> {
        refuse_merged(self.replaced_by)
    }
}

/// Holds the patient until the transaction ends, for rules that look at more than one of his entries; `not_found` as
/// [`require`]. The caller's role must be one that may change patients.
pub async fn hold(tx: &mut TenantTx, id: PatientId) -> Result<()> {
    store::lock(tx, id).await.map(|_| ())
}

/// `not_found` as [`require`]; `patient_merged` or `patient_not_active` unless his status is active.
pub async fn require_active(tx: &mut TenantTx, id: PatientId) -> Result<()> {
    match store::status(tx, id).await? {
        Some((PatientStatus::Active, _)) => Ok(()),
        Some((_, Some(survivor))) => Err(store::merged_into(survivor)),
        Some(_) => Err(Error::new(Code::PatientNotActive)),
        None => Err(Error::not_found()),
    }
}

/// Whom an access record is about: the patient as a whole.
pub fn subject(patient: PatientId) -> Subject {
    Subject {
        patient: Some(patient),
        resource: Some(patient.0),
    }
}

/// Registers a patient under an id the caller minted. Returns his medical record number: the one given, or the tenant's next.
///
/// The rules of [`NewPatient`] and what it refers to are the caller's to check, and whether the person is known. Who has a
/// day of death is registered as deceased.
///
/// # Errors
/// `mrn_taken`, only for a number that was given; a field error for an SSN without its value.
pub async fn register_in_tx(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    id: PatientId,
    new: &NewPatient,
    mrn: Option<&str>,
    now: Instant,
) -> Result<String> {
    let sealed = sealing::seal(cipher, (tx.tenant(), id), new, None)?;
    register(tx, id, &sealed, mrn, now).await
}

pub(super) async fn register(
    tx: &mut TenantTx,
    id: PatientId,
    sealed: &Sealed,
    mrn: Option<&str>,
    now: Instant,
) -> Result<String> {
    let status = if sealed.data.deceased_on.is_some() {
        PatientStatus::Deceased
    } else {
        PatientStatus::Active
    };
    let mrn = match mrn {
        Some(mrn) if store::insert(tx, id, mrn, status, sealed, now).await? => mrn.to_owned(),
        Some(_) => return Err(Error::new(Code::MrnTaken)),
        None => insert_numbered(tx, id, status, sealed, now).await?,
    };
    let keys = keys::of_patient(&sealed.data, &mrn, &sealed.ssn_indexes);
    store_keys::add(tx, id, &keys).await?;
    care_teams::follow_primary_provider(tx, id, None, sealed.data.primary_provider_id, now).await?;
    announce_link(tx, None, sealed.data.portal_user_id).await?;
    Ok(mrn)
}

async fn insert_numbered(
    tx: &mut TenantTx,
    id: PatientId,
    status: PatientStatus,
    sealed: &Sealed,
    now: Instant,
) -> Result<String> {
    let form = store_keys::mrn_form(tx).await?;
    for _ in 0..NUMBERS_TRIED {
        let mrn = form.number(store_keys::next_serial(tx).await?);
        if store::insert(tx, id, &mrn, status, sealed, now).await? {
            return Ok(mrn);
        }
    }
    Err(Error::new(Code::AlreadyExists))
}

/// Makes a registration read as `data` says. Returns whether it read otherwise before.
///
/// As for [`register_in_tx`]; a day of death makes the status deceased.
///
/// # Errors
/// `not_found`; `already_exists` where the account is another patient's.
pub async fn amend_in_tx(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    id: PatientId,
    data: &NewPatient,
    now: Instant,
) -> Result<bool> {
    let ssn = store::lock(tx, id).await?;
    let present = store::find(tx, id).await?.ok_or_else(Error::not_found)?;
    let sealed = sealing::seal(cipher, (tx.tenant(), id), data, ssn.as_deref())?;
    amend(tx, &present, ssn.as_deref(), &sealed, now).await
}

/// `present` was locked before, and `ssn` is what its row holds.
pub(super) async fn amend(
    tx: &mut TenantTx,
    present: &Patient,
    ssn: Option<&str>,
    sealed: &Sealed,
    now: Instant,
) -> Result<bool> {
    let (id, data) = (present.id, &sealed.data);
    if *data == present.data && sealed.ssn.as_deref() == ssn {
        return Ok(false);
    }
    let status = if data.deceased_on.is_some() {
        PatientStatus::Deceased
    } else {
        present.status
    };
    store::update(tx, id, status, sealed, now)
        .await
        .on_constraint("patients_portal_key", references::linked_elsewhere)?;
    let keys = keys::of_patient(data, &present.mrn, &sealed.ssn_indexes);
    store_keys::replace(tx, id, &keys).await?;
    let (before, after) = (present.data.primary_provider_id, data.primary_provider_id);
    care_teams::follow_primary_provider(tx, id, before, after, now).await?;
    announce_link(tx, present.data.portal_user_id, data.portal_user_id).await?;
    Ok(true)
}

/// Takes the step to a status that a source knows of: dead on a day nobody wrote down, or no longer coming. Returns whether
/// it was another before.
///
/// # Errors
/// `not_found`; `illegal_transition`.
pub async fn restate_in_tx(
    tx: &mut TenantTx,
    id: PatientId,
    status: PatientStatus,
    reason: Option<&str>,
    now: Instant,
) -> Result<bool> {
    store::lock(tx, id).await?;
    let present = store::find(tx, id).await?.ok_or_else(Error::not_found)?;
    if present.status == status {
        return Ok(false);
    }
    let status = present.status.step(status)?;
    store::set_status(tx, id, status, reason, present.data.deceased_on, now).await?;
    Ok(true)
}

/// Says on commit that an account's chart is another one now.
pub(super) async fn announce_link(
    tx: &mut TenantTx,
    before: Option<UserId>,
    after: Option<UserId>,
) -> Result<()> {
    if before != after {
        for user in [before, after].into_iter().flatten() {
            announce(tx, Changed::User(user)).await?;
        }
    }
    Ok(())
}

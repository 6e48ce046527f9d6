//! Whom a document belongs to. An owner the caller may not know of is one that does not exist.

use kernel::ids::{AppointmentId, EncounterId, PatientId, ProviderId, UserId};
use kernel::{Error, Result};
use platform::audit::Subject;
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{Category, NewDocument};
use super::store;
use crate::patients;

/// A patient or a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Patient(PatientId),
    Provider(ProviderId),
}

impl Owner {
    pub fn patient(self) -> Option<PatientId> {
        match self {
            Self::Patient(id) => Some(id),
            Self::Provider(_) => None,
        }
    }

    pub fn provider(self) -> Option<ProviderId> {
        match self {
            Self::Patient(_) => None,
            Self::Provider(id) => Some(id),
        }
    }

    /// Which of the one or the other.
    pub fn id(self) -> Uuid {
        match self {
            Self::Patient(id) => id.0,
            Self::Provider(id) => id.0,
        }
    }

    /// Waits for whoever destroys or holds something of his, and lets such wait until the transaction ends.
    pub async fn hold(self, tx: &mut TenantTx) -> Result<()> {
        match self {
            Self::Patient(patient) => patients::hold(tx, patient).await,
            Self::Provider(provider) => store::hold_provider(tx, provider).await,
        }
    }

    /// Whom an access record is about.
    pub fn subject(self, resource: impl Into<Uuid>) -> Subject {
        Subject {
            patient: self.patient(),
            resource: Some(resource.into()),
        }
    }

    pub fn of(patient: Option<PatientId>, provider: Option<ProviderId>) -> Result<Self> {
        match (patient, provider) {
            (Some(patient), None) => Ok(Self::Patient(patient)),
            (None, Some(provider)) => Ok(Self::Provider(provider)),
            _ => Err(Error::internal("a document without an owner")),
        }
    }

    /// `not_found` unless there is such an owner, for this caller. Returns the account of a provider who has one.
    pub async fn require(self, tx: &mut TenantTx) -> Result<Option<UserId>> {
        match self {
            Self::Patient(patient) => patients::require(tx, patient).await.map(|()| None),
            Self::Provider(provider) => store::provider_account(tx, provider)
                .await?
                .ok_or_else(Error::not_found),
        }
    }

    /// Whether the document can be his: its category, and the encounter and the appointment it names.
    pub async fn require_fit(self, tx: &mut TenantTx, new: &NewDocument) -> Result<()> {
        let credential = new.category == Category::Credential;
        if credential != self.provider().is_some() {
            let rule = "must be credential for a document about a provider, and for no other";
            return Err(Error::field("/category", "wrong_owner", rule));
        }
        if let Some(appointment) = new.appointment_id
            && !self.is_booked(tx, appointment).await?
        {
            let rule = "must name an appointment of the patient";
            return Err(Error::field("/appointment_id", "no_such_appointment", rule));
        }
        if let Some(encounter) = new.encounter_id
            && !self.has(tx, encounter).await?
        {
            let rule = "must name an encounter of the patient";
            return Err(Error::field("/encounter_id", "no_such_encounter", rule));
        }
        Ok(())
    }

    async fn is_booked(self, tx: &mut TenantTx, appointment: AppointmentId) -> Result<bool> {
        match self {
            Self::Patient(patient) => store::has_appointment(tx, patient, appointment).await,
            Self::Provider(_) => Ok(false),
        }
    }

    async fn has(self, tx: &mut TenantTx, encounter: EncounterId) -> Result<bool> {
        match self {
            Self::Patient(patient) => store::has_encounter(tx, patient, encounter).await,
            Self::Provider(_) => Ok(false),
        }
    }
}

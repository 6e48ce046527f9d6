//! One access record: who did what to whose information, when, why, from where.

use std::borrow::Cow;

use kernel::clock::Instant;
use kernel::ids::PatientId;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

/// How information was touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AccessAction)]
pub enum Action {
    Read,
    Search,
    Create,
    Update,
    Delete,
    Export,
    Print,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Search => "search",
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::Export => "export",
            Action::Print => "print",
        }
    }
}

/// Whether it was granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = AccessOutcome)]
pub enum Outcome {
    Success,
    Refused,
}

impl Outcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Refused => "refused",
        }
    }
}

/// Whose information, and which piece of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    pub patient: Option<PatientId>,
    pub resource: Option<Uuid>,
}

/// Patients one record tells of, at most: what the table takes.
const MOST_SHOWN: usize = 50;

/// Whose information one record tells of: a subject, or several patients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects(Vec<Subject>);

impl Subjects {
    /// Together what may stand in one record: patients of whom the same kind of thing is told.
    pub fn gather(
        subjects: impl IntoIterator<Item = (&'static str, Subject)>,
    ) -> Vec<(&'static str, Self)> {
        let mut gathered: Vec<(&'static str, Self)> = Vec::new();
        for (resource, subject) in subjects {
            let open = gathered
                .iter_mut()
                .rfind(|(kind, _)| *kind == resource)
                .filter(|(_, them)| them.takes(subject));
            match open {
                Some((_, them)) => them.0.push(subject),
                None => gathered.push((resource, subject.into())),
            }
        }
        gathered
    }

    fn takes(&self, subject: Subject) -> bool {
        let of_patient = |subject: &Subject| subject.patient.is_some();
        of_patient(&subject) && self.0.iter().all(of_patient) && self.0.len() < MOST_SHOWN
    }

    /// The record that tells of them.
    pub(crate) fn noted_in(&self, mut record: AccessRecord) -> AccessRecord {
        let patients: Vec<Option<Uuid>> =
            self.0.iter().map(|one| one.patient.map(|p| p.0)).collect();
        let resources: Vec<Option<Uuid>> = self.0.iter().map(|one| one.resource).collect();
        if patients.iter().all(|one| *one == patients[0]) {
            record.patient_id = patients[0];
        } else {
            record.shown = Some(patients);
        }
        match resources.as_slice() {
            [one] => record.resource_id = *one,
            _ => record.shown_resources = Some(resources),
        }
        record
    }
}

impl From<Subject> for Subjects {
    fn from(subject: Subject) -> Self {
        Self(vec![subject])
    }
}

/// A row of `app.phi_access_log`, but for the transaction number, which the database adds.
#[derive(Clone, Debug)]
pub struct AccessRecord {
    pub tenant_id: Uuid,
    pub at: Instant,
    pub id: Uuid,
    pub user_id: Option<Uuid>,
    pub session_id: Option<Uuid>,
    pub patient_id: Option<Uuid>,
    pub resource_id: Option<Uuid>,
    pub request_id: Uuid,
    pub break_glass: bool,
    pub role: Cow<'static, str>,
    pub resource: Cow<'static, str>,
    pub action: Cow<'static, str>,
    pub outcome: Cow<'static, str>,
    pub purpose: Cow<'static, str>,
    pub method: Cow<'static, str>,
    pub route: Cow<'static, str>,
    pub address: Cow<'static, str>,
    pub user_agent: Cow<'static, str>,
    /// Of a look at several patients: whose; then `patient_id` is none.
    pub shown: Option<Vec<Option<Uuid>>>,
    /// Of a look at several: which piece of each, in the same order; then `resource_id` is none. As the columns hold them, whatever
    /// somebody made of them: the fingerprint must tell any difference.
    pub shown_resources: Option<Vec<Option<Uuid>>>,
    pub mac: Vec<u8>,
}

impl AccessRecord {
    /// The hash that the record's MAC and its leaf in a seal are made from: every column but `xid` and `mac`, each with
    /// its length, so that no two records read the same.
    pub fn fingerprint(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let absent = Uuid::nil();
        for id in [
            self.tenant_id,
            self.id,
            self.user_id.unwrap_or(absent),
            self.session_id.unwrap_or(absent),
            self.patient_id.unwrap_or(absent),
            self.resource_id.unwrap_or(absent),
            self.request_id,
        ] {
            hash.update(id.as_bytes());
        }
        hash.update(self.at.timestamp_micros().to_be_bytes());
        hash.update([u8::from(self.break_glass)]);
        for text in [
            &self.role,
            &self.resource,
            &self.action,
            &self.outcome,
            &self.purpose,
            &self.method,
            &self.route,
            &self.address,
            &self.user_agent,
        ] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        // The last of all, and absent where there is none: so the records of before it was there read as they did.
        if self.shown.is_some() || self.shown_resources.is_some() {
            for ids in [&self.shown, &self.shown_resources] {
                hash.update([u8::from(ids.is_some())]);
                let ids = ids.as_deref().unwrap_or_default();
                hash.update((ids.len() as u64).to_be_bytes());
                for id in ids {
                    hash.update([u8::from(id.is_some())]);
                    hash.update(id.unwrap_or(absent).as_bytes());
                }
            }
        }
        hash.finalize().into()
    }
}

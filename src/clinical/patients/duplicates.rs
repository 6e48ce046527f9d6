//! Is this person registered already?
//!
//! Candidates share a key with the newcomer and are visible to the caller; the model decides. An answer
//! that names them discloses them, so it leaves only after their access records.

use chrono::NaiveDate;
use kernel::ids::PatientId;
use kernel::{Code, Error, Result};
use platform::audit::Subject;
use platform::db::{CallerTx, TenantTx};
use serde::Serialize;
use utoipa::ToSchema;

use ::matching::{Model, Person};

use super::keys::{self, Key};
use super::matching::{self, Agreement};
use super::model::{NewPatient, PatientName, Sex};
use super::sealing::Sealed;
use super::status::PatientStatus;
use super::store_pairs;
use super::store_search::{self as store, Candidate};

/// Who is compared at most.
pub(super) const COMPARED: i64 = 1_000;
/// Who is shown.
const SHOWN: usize = 10;

/// A registration that is probably the same person's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DuplicateCandidate {
    pub id: PatientId,
    pub mrn: String,
    pub name: String,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    pub status: PatientStatus,
    /// That they are one person, 0 to 1.
    #[schema(example = 0.998)]
    pub probability: f64,
    pub agrees_on: Vec<Agreement>,
}

/// Refuses a newcomer who is probably registered: `possible_duplicate`, with the `candidates`.
pub(super) async fn refuse(mut tx: CallerTx, new: &Sealed) -> Result<CallerTx> {
    let candidates = find(&mut tx, &new.data, &new.ssn_forms).await?;
    if candidates.is_empty() {
        return Ok(tx);
    }
    let subjects: Vec<Subject> = candidates
        .iter()
        .map(|candidate| super::subject(candidate.id))
        .collect();
    let shown = serde_json::to_value(candidates).map_err(Error::internal)?;
    let error = Error::new(Code::PossibleDuplicate).with("candidates", shown);
    Err(tx.refuse_disclosing(error, "patient", &subjects).await)
}

/// The keys by which likely duplicates meet.
pub(super) fn meeting_keys(data: &NewPatient, ssn: &[String]) -> Vec<Key> {
    let telling = |(kind, key): &Key| match *kind {
        "phone" => !::matching::placeholder::is_phone(key),
        kind => matches!(kind, "block" | "name" | "email" | "ssn" | "identifier"),
    };
    let keys = keys::of_patient(data, "", ssn);
    keys.into_iter().filter(telling).collect()
}

async fn find(
    tx: &mut TenantTx,
    data: &NewPatient,
    ssn: &[String],
) -> Result<Vec<DuplicateCandidate>> {
    let newcomer = matching::person(data, ssn.first());
    let settings = store_pairs::settings(tx).await?;
    let (model, from) = (settings.model(), settings.refuse_from());
    let rows = store::candidates(tx, &meeting_keys(data, ssn), None, COMPARED).await?;
    let mut probable: Vec<DuplicateCandidate> = rows
        .into_iter()
        .filter_map(|row| judge(&model, from, (&newcomer, ssn), row))
        .collect();
    probable.sort_by(|a, b| {
        b.probability
            .total_cmp(&a.probability)
            .then(a.id.cmp(&b.id))
    });
    probable.truncate(SHOWN);
    Ok(probable)
}

fn judge(
    model: &Model,
    from: f64,
    (newcomer, ssn): (&Person, &[String]),
    row: Candidate,
) -> Option<DuplicateCandidate> {
    let likeness = matching::compare(
        model,
        newcomer,
        &matching::person(&row.data, matching::beside(ssn, &row.ssn)),
    );
    (likeness.probability >= from && likeness.veto.is_none()).then(|| DuplicateCandidate {
        id: row.id,
        mrn: row.mrn,
        name: PatientName::legal(&row.data.names)
            .map(PatientName::spoken)
            .unwrap_or_default(),
        birth_date: row.data.birth_date,
        sex: row.data.sex,
        status: row.status,
        probability: likeness.probability,
        agrees_on: likeness.agrees,
    })
}

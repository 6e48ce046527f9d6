//! Is this person registered already?
//!
//! Candidates share a key or a day of birth with the newcomer and are visible to the caller; the scorer decides. An answer
//! that names them discloses them, so it leaves only after their access records.

use chrono::NaiveDate;
use kernel::ids::PatientId;
use kernel::{Code, Error, Result};
use platform::audit::Subject;
use platform::db::{CallerTx, TenantTx};
use serde::Serialize;
use utoipa::ToSchema;

use super::keys::{self, Key};
use super::matching::{self, Agreement, Person};
use super::model::{NewPatient, PatientName, Sex};
use super::sealing::Sealed;
use super::status::PatientStatus;
use super::store_search::{self as store, Candidate};

/// Who is compared: more share a day of birth only where somebody entered a placeholder.
const COMPARED: i64 = 1_000;
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
    /// The higher, the likelier; from 55 on.
    pub score: i32,
    pub agrees_on: Vec<Agreement>,
}

/// Refuses a newcomer who is probably registered: `possible_duplicate`, with the `candidates`.
pub(super) async fn refuse(mut tx: CallerTx, new: &Sealed) -> Result<CallerTx> {
    let candidates = find(&mut tx, &new.data, new.ssn_index.as_deref()).await?;
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

async fn find(
    tx: &mut TenantTx,
    data: &NewPatient,
    ssn: Option<&str>,
) -> Result<Vec<DuplicateCandidate>> {
    let telling =
        |(kind, _): &Key| matches!(*kind, "name" | "phone" | "email" | "ssn" | "identifier");
    let keys: Vec<Key> = keys::of_patient(data, "", ssn)
        .into_iter()
        .filter(telling)
        .collect();
    let dates: Vec<NaiveDate> = [Some(data.birth_date), matching::exchanged(data.birth_date)]
        .into_iter()
        .flatten()
        .collect();
    let newcomer = Person::new(data, ssn.map(str::to_owned));
    let rows = store::candidates(tx, &keys, &dates, COMPARED).await?;
    let mut probable: Vec<DuplicateCandidate> = rows
        .into_iter()
        .filter_map(|row| judge(&newcomer, row))
        .collect();
    probable.sort_by_key(|candidate| (-candidate.score, candidate.id));
    probable.truncate(SHOWN);
    Ok(probable)
}

fn judge(newcomer: &Person, row: Candidate) -> Option<DuplicateCandidate> {
    let likeness = matching::compare(newcomer, &Person::new(&row.data, row.ssn));
    (likeness.points >= matching::PROBABLE).then(|| DuplicateCandidate {
        id: row.id,
        mrn: row.mrn,
        name: PatientName::legal(&row.data.names)
            .map(PatientName::spoken)
            .unwrap_or_default(),
        birth_date: row.data.birth_date,
        sex: row.data.sex,
        status: row.status,
        score: likeness.points,
        agrees_on: likeness.agrees,
    })
}

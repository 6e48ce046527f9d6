//! What somebody here has changed of a patient or an encounter that was imported, and how that stays when the source changes.
//!
//! The history of the row says which of its columns were changed by somebody other than an import. Those stay as they are, whatever
//! the source says of them, and the report names them where it says otherwise. Of addresses and ways of reaching a patient, what is
//! new at the source is added all the same: what has stood here before and stands no more was taken out, and stays out.
//!
//! Invariant: no status goes back. What was begun here has begun, and what is over is over.

use std::collections::{BTreeSet, HashSet};

use clinical::encounters::{EncounterRecord, EncounterStatus};
use clinical::patients::{NewPatient, PatientAddress, Telecom};
use kernel::Result;
use platform::db::TenantTx;
use uuid::Uuid;

use super::store_here;

/// Keeps columns that stand for themselves, each by its name.
macro_rules! keep_each {
    ($here:ident, $present:ident, $wanted:ident: $($column:ident),+) => {
        $($here.keep(&[stringify!($column)], &$present.$column, &mut $wanted.$column);)+
    };
}

/// The hand of somebody here in a row.
#[derive(Debug, Default)]
pub(super) struct Here {
    /// The columns changed by hand.
    changed: HashSet<String>,
    /// Addresses and telecoms that have ever stood in the row.
    addresses: Vec<PatientAddress>,
    telecoms: Vec<Telecom>,
    stays: BTreeSet<&'static str>,
}

impl Here {
    /// What was changed by hand of a row of the table.
    pub(super) async fn of(tx: &mut TenantTx, table: &str, id: Uuid) -> Result<Self> {
        Ok(Self {
            changed: store_here::changed_by_hand(tx, table, id).await?,
            ..Self::default()
        })
    }

    /// The same of a patient.
    pub(super) async fn of_patient(tx: &mut TenantTx, id: Uuid) -> Result<Self> {
        let mut here = Self::of(tx, "patients", id).await?;
        if here.changed("addresses") {
            here.addresses = store_here::ever_stood(tx, id, "addresses").await?;
        }
        if here.changed("telecoms") {
            here.telecoms = store_here::ever_stood(tx, id, "telecoms").await?;
        }
        Ok(here)
    }

    fn changed(&self, column: &str) -> bool {
        self.changed.contains(column)
    }

    /// Keeps what is present of columns that hang together, if one of them was changed by hand.
    fn keep<T: PartialEq + Clone>(
        &mut self,
        columns: &[&'static str],
        present: &T,
        wanted: &mut T,
    ) {
        if wanted != present && columns.iter().any(|column| self.changed(column)) {
            self.stays.extend(columns.first());
            wanted.clone_from(present);
        }
    }

    /// Whether somebody here has had a say in whether a patient has died.
    pub(super) fn says_he_died(&self) -> bool {
        self.changed("status") || self.changed("deceased_on")
    }

    /// Whether a change of status is left out, because the status was changed by hand.
    pub(super) fn keeps_status(&mut self) -> bool {
        let keeps = self.changed("status");
        if keeps {
            self.stays.insert("status");
        }
        keeps
    }

    /// What stays although the source says otherwise, as the report says it.
    pub(super) fn remark(&self) -> Option<String> {
        let names: Vec<&str> = self.stays.iter().copied().collect();
        (!names.is_empty()).then(|| {
            let names = names.join(", ");
            format!("says something else of what was changed here, which stays as it is: {names}")
        })
    }

    /// The encounter as it is to be: `wanted`, but for what stays.
    pub(super) fn encounter(
        &mut self,
        present: &EncounterRecord,
        mut wanted: EncounterRecord,
    ) -> EncounterRecord {
        let steps = |one: &EncounterRecord| {
            (
                one.status,
                one.actual_start,
                one.actual_end,
                one.cancel_reason.clone(),
            )
        };
        let mut step = steps(&wanted);
        if rank(step.0) < rank(present.status) {
            self.stays.insert("status");
            step = steps(present);
        }
        let columns = ["status", "actual_start", "actual_end", "cancel_reason"];
        self.keep(&columns, &steps(present), &mut step);
        (
            wanted.status,
            wanted.actual_start,
            wanted.actual_end,
            wanted.cancel_reason,
        ) = step;

        let plans = |one: &EncounterRecord| {
            (
                one.scheduled_start,
                one.scheduled_end,
                one.starts_on.clone(),
                one.ends_on.clone(),
                one.time_zone.clone(),
            )
        };
        let mut plan = plans(&wanted);
        let columns = [
            "scheduled_start",
            "scheduled_end",
            "starts_on",
            "ends_on",
            "time_zone",
        ];
        self.keep(&columns, &plans(present), &mut plan);
        (
            wanted.scheduled_start,
            wanted.scheduled_end,
            wanted.starts_on,
            wanted.ends_on,
            wanted.time_zone,
        ) = plan;

        let mut place = (wanted.facility_id, wanted.department_id);
        let at = (present.facility_id, present.department_id);
        self.keep(&["facility_id", "department_id"], &at, &mut place);
        (wanted.facility_id, wanted.department_id) = place;
        keep_each!(
            self, present, wanted:
            class,
            attending_provider_id,
            chief_complaint,
            reason_codes,
            disposition
        );
        wanted
    }

    /// The patient as he is to be: `wanted`, but for what stays. `source` is what the source itself says.
    pub(super) fn patient(
        &mut self,
        present: &NewPatient,
        mut wanted: NewPatient,
        source: &NewPatient,
    ) -> NewPatient {
        keep_each!(
            self, present, wanted:
            names,
            birth_date,
            sex,
            gender_identity,
            language,
            race,
            ethnicity,
            marital_status,
            deceased_on,
            contacts,
            primary_provider_id,
            facility_id
        );
        if self.changed("identifiers") {
            if shown(&wanted) != shown(present) {
                self.stays.insert("identifiers");
            }
            wanted.identifiers.clone_from(&present.identifiers);
        }
        if self.changed("addresses") {
            wanted.addresses = grown(
                &present.addresses,
                &source.addresses,
                &self.addresses,
                lives,
            );
            if !has_all(&wanted.addresses, &source.addresses, lives) {
                self.stays.insert("addresses");
            }
            wanted.addresses.truncate(50);
        }
        if self.changed("telecoms") {
            wanted.telecoms = grown(&present.telecoms, &source.telecoms, &self.telecoms, reaches);
            if !has_all(&wanted.telecoms, &source.telecoms, reaches) {
                self.stays.insert("telecoms");
            }
            wanted.telecoms.truncate(20);
        }
        wanted
    }
}

/// How far an encounter has come.
fn rank(status: EncounterStatus) -> u8 {
    match status {
        EncounterStatus::Scheduled => 0,
        EncounterStatus::InProgress => 1,
        _ => 2,
    }
}

/// Identifiers as the record shows them: of an SSN the last digits.
fn shown(data: &NewPatient) -> Vec<(String, Option<String>)> {
    let mut shown: Vec<(String, Option<String>)> = data
        .identifiers
        .iter()
        .map(|one| {
            let digits = one.value.clone().or_else(|| one.last4.clone());
            let digits = if one.is_ssn() {
                digits.and_then(|digits| {
                    digits
                        .get(digits.len().saturating_sub(4)..)
                        .map(str::to_owned)
                })
            } else {
                digits
            };
            (format!("{:?} {:?}", one.r#type, one.system), digits)
        })
        .collect();
    shown.sort();
    shown
}

fn lives(a: &PatientAddress, b: &PatientAddress) -> bool {
    (&a.lines, &a.city, &a.state, &a.postal_code) == (&b.lines, &b.city, &b.state, &b.postal_code)
}

fn reaches(a: &Telecom, b: &Telecom) -> bool {
    (a.system, &a.value) == (b.system, &b.value)
}

fn has_all<T>(all: &[T], wanted: &[T], same: fn(&T, &T) -> bool) -> bool {
    wanted
        .iter()
        .all(|one| all.iter().any(|other| same(one, other)))
}

/// What is present, and what the source has that has never stood there.
fn grown<T: Clone>(present: &[T], source: &[T], stood: &[T], same: fn(&T, &T) -> bool) -> Vec<T> {
    let is_new = |one: &&T| {
        let mut known = present.iter().chain(stood);
        !known.any(|other| same(one, other))
    };
    present
        .iter()
        .chain(source.iter().filter(is_new))
        .cloned()
        .collect()
}

/// What a source says anew of somebody whose registration was merged into another, taken to that one: that he has died, where
/// he lives and how to reach him. `merged` is his registration as it was.
pub(super) fn news(merged: &NewPatient, survivor: &NewPatient, source: &NewPatient) -> NewPatient {
    let mut data = survivor.clone();
    data.deceased_on = data.deceased_on.or(source.deceased_on);
    data.addresses = grown(&data.addresses, &source.addresses, &merged.addresses, lives);
    data.addresses.truncate(50);
    data.telecoms = grown(&data.telecoms, &source.telecoms, &merged.telecoms, reaches);
    data.telecoms.truncate(20);
    data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_out_stays_out_and_what_is_new_comes() {
        let same = |a: &u8, b: &u8| a == b;
        assert_eq!(grown(&[1, 3], &[1, 2, 4], &[1, 2], same), [1, 3, 4]);
        assert!(has_all(&[1, 3, 4], &[1, 4], same) && !has_all(&[1], &[2], same));
    }
}

//! Whom a measurement is about: what of a patient must be known to judge one, and whether he can be measured at all.

use std::collections::HashSet;

use chrono::{Days, NaiveDate, TimeDelta};
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Code, Error, FieldError, Result};
use platform::db::TenantTx;

use super::age::Age;
use super::derive::{Background, PREGNANCY_DAYS};
use super::kinds::VitalKind;
use super::records::VitalRecord;
use super::view::VitalStatus;
use super::{growth, store_growth, store_series, store_subjects};
use crate::patients::{self, PatientStatus, Sex};

/// How long before a weight a height may have been measured.
pub(super) const HEIGHT_HOLDS: TimeDelta = TimeDelta::days(3 * 365);

/// A patient, as far as a measurement needs to know him.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject {
    pub id: PatientId,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    pub status: PatientStatus,
    pub replaced_by: Option<PatientId>,
    pub deceased_on: Option<NaiveDate>,
    /// The organisation's.
    pub zone: Tz,
}

/// The patient. `not_found` if the caller may not see him, `patient_merged` if another registration has his readings.
pub(super) async fn require(tx: &mut TenantTx, patient: PatientId) -> Result<Subject> {
    let subject = find(tx, patient).await?;
    patients::refuse_merged(subject.replaced_by)?;
    Ok(subject)
}

/// As [`require`]; of a record as it stood, as it was then.
pub(super) async fn require_of(
    tx: &mut TenantTx,
    patient: PatientId,
    then: Option<Instant>,
) -> Result<Subject> {
    let Some(then) = then else {
        return require(tx, patient).await;
    };
    let subject = find(tx, patient).await?;
    patients::require_then(tx, patient, then).await?;
    Ok(subject)
}

async fn find(tx: &mut TenantTx, patient: PatientId) -> Result<Subject> {
    store_subjects::find(tx, &[patient])
        .await?
        .pop()
        .ok_or_else(Error::not_found)
}

impl Subject {
    /// How old he was. A record that is not active takes none; what was measured before a death may still be written down.
    pub fn measured(&self, at: Instant, pointer: &str) -> Result<Age> {
        let rule = |code: &'static str, message: &'static str| {
            Error::invalid(vec![FieldError::new(pointer, code, message)])
        };
        patients::refuse_merged(self.replaced_by)?;
        match self.status {
            PatientStatus::Active | PatientStatus::Deceased => {}
            PatientStatus::Inactive | PatientStatus::Transferred | PatientStatus::Merged => {
                return Err(Error::new(Code::PatientNotActive));
            }
        }
        let last = self
            .deceased_on
            .and_then(|day| day.checked_add_days(Days::new(1)));
        if last.is_some_and(|last| at.date_naive() > last) {
            return Err(rule(
                "after_death",
                "must not lie after the patient's death",
            ));
        }
        self.age(at)
            .ok_or_else(|| rule("before_birth", "must not lie before the patient's birth"))
    }

    /// How old he was, by the days of the organisation's clocks.
    pub fn age(&self, at: Instant) -> Option<Age> {
        Age::within(self.birth_date, at, self.zone)
    }

    /// Whether a statement about a pregnancy can matter.
    pub fn may_be_pregnant(&self, at: Instant) -> bool {
        self.sex != Sex::Male
            && self
                .age(at)
                .is_some_and(|age| (10..=60).contains(&age.years()))
    }

    /// What of him is needed to show these readings, of today or `then`. Of none, nothing.
    pub async fn background_of(
        self,
        tx: &mut TenantTx,
        rows: &[VitalRecord],
        then: Option<Instant>,
    ) -> Result<Option<Background>> {
        let times = || rows.iter().map(|row| row.measured_at);
        let (Some(from), Some(to)) = (times().min(), times().max()) else {
            return Ok(None);
        };
        let mut background = self.background(tx, (from, to), then).await?;
        let sets = |kind: VitalKind| -> HashSet<_> {
            let rows = rows
                .iter()
                .filter(|row| row.kind() == kind && row.status == VitalStatus::Final);
            rows.map(|row| row.set_id.0).collect()
        };
        if !sets(VitalKind::Weight).is_subset(&sets(VitalKind::Height)) {
            let span = (from - HEIGHT_HOLDS, from, to);
            background.heights = store_series::heights(tx, self.id, span, then).await?;
        }
        Ok(Some(background))
    }

    /// What of him is needed to show readings taken in `from..=to`, but for how tall he was.
    pub async fn background(
        self,
        tx: &mut TenantTx,
        (from, to): (Instant, Instant),
        then: Option<Instant>,
    ) -> Result<Background> {
        let pregnancy = if self.may_be_pregnant(from) || self.may_be_pregnant(to) {
            let earliest = from - TimeDelta::days(PREGNANCY_DAYS);
            store_series::pregnancies(tx, &[self.id], (earliest, to), then)
                .await?
                .into_iter()
                .map(|(_, at, code)| (at, code))
                .collect()
        } else {
            Vec::new()
        };
        let first = Age::at(self.birth_date, from).filter(|age| growth::covers(*age));
        let growth = match (first, self.sex) {
            (Some(first), Sex::Female | Sex::Male) => {
                let last = Age::at(self.birth_date, to).map_or(first.months(), Age::months);
                store_growth::around(tx, self.sex, (first.months(), last)).await?
            }
            _ => Vec::new(),
        };
        Ok(Background {
            subject: self,
            pregnancy,
            growth,
            heights: Vec::new(),
        })
    }
}

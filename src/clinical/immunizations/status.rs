//! Which immunizations a patient is due for.

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;
use serde::Serialize;
use utoipa::ToSchema;

use super::model::{DoseStatus, Immunization};
use super::schedule::{self, Given, InvalidDose, NotGiven, SeriesStatus};
use super::store::{self, Filter};
use crate::encounters;
use crate::entries;
use crate::patients::{self, AsOf, Patient, PatientStatus};

/// More doses than anybody has had.
const READ: i64 = 1_000;

/// Where a patient stands in the schedule.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImmunizationStatus {
    /// Today, or the day that was asked for, where the organisation is.
    pub as_of: NaiveDate,
    /// What the schedule is, and what it is not.
    pub about: String,
    pub series: Vec<SeriesStatus>,
}

pub(super) async fn show(ctx: &Ctx, patient: PatientId) -> Result<Answer<ImmunizationStatus>> {
    let mut tx = ctx.begin(Permission::ImmunizationRead).await?;
    let person = entries::require_person(&mut tx, patient).await?;
    let status = status_in_tx(&mut tx, &person, ctx.now()).await?;
    tx.finish(Disclosure::of(
        "immunization",
        Action::Read,
        patient,
        patient,
        status,
    ))
    .await
}

/// Where the patient stood on a day, by what was on record then.
pub(super) async fn show_as_of(
    ctx: &Ctx,
    patient: PatientId,
    then: AsOf,
) -> Result<Answer<ImmunizationStatus>> {
    let day = then.day(ctx);
    let then = then.instant(ctx);
    let mut tx = entries::require_then(ctx, patient, then).await?;
    let person = patients::state_in_tx(&mut tx, patient, then)
        .await?
        .ok_or_else(Error::not_found)?;
    let doses: Vec<Immunization> = entries::states_as_of(&mut tx, patient, then).await?;
    let status = status_of(&person, &doses, day);
    tx.finish(Disclosure::of(
        "immunization",
        Action::Read,
        patient,
        patient,
        status,
    ))
    .await
}

/// Where the patient stands in every series, on the organisation's calendar.
pub async fn status_in_tx(
    tx: &mut TenantTx,
    person: &Patient,
    now: Instant,
) -> Result<ImmunizationStatus> {
    let zone = encounters::zone(&store::tenant_zone(tx).await?).unwrap_or(Tz::UTC);
    let today = now.with_timezone(&zone).date_naive();
    let doses = store::page(tx, person.id, Filter::default(), None, READ).await?;
    Ok(status_of(person, &doses, today))
}

/// Where somebody with these doses stands on a day.
pub(crate) fn status_of(
    person: &Patient,
    doses: &[Immunization],
    today: NaiveDate,
) -> ImmunizationStatus {
    let (given, not_given) = sort(doses, today);
    let mut series = schedule::evaluate(person.data.birth_date, today, &given, &not_given);
    if person.status == PatientStatus::Deceased || person.data.deceased_on.is_some() {
        schedule::close(&mut series);
    }
    ImmunizationStatus {
        as_of: today,
        about: schedule::about().to_owned(),
        series,
    }
}

/// The last day that may be meant counts, so that a dose is not taken to be older than it may be. Of a lot that has expired the
/// first counts, so that a dose is not lost for what is not known.
fn sort(doses: &[Immunization], today: NaiveDate) -> (Vec<Given>, Vec<NotGiven>) {
    let (mut given, mut not_given) = (Vec::new(), Vec::new());
    for dose in doses {
        let on = dose.data.occurred_on.latest().min(today);
        let cvx = dose.data.cvx.clone();
        match (dose.data.status, dose.data.not_given_reason) {
            (DoseStatus::Completed, _) => given.push(Given {
                on,
                cvx,
                spoilt: if dose.data.is_subpotent {
                    Some(InvalidDose::Subpotent)
                } else {
                    let expires = dose.data.expires_on;
                    expires
                        .is_some_and(|expires| expires < dose.data.occurred_on.earliest())
                        .then_some(InvalidDose::Expired)
                },
            }),
            (DoseStatus::NotGiven, Some(reason)) => not_given.push(NotGiven {
                on,
                cvx,
                exempts: reason.exempts(),
            }),
            _ => {}
        }
    }
    (given, not_given)
}

//! Raising, showing and acknowledging alerts.

use kernel::clock::Instant;
use kernel::ids::{ClinicalAlertId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{
    AlertAcknowledgement, AlertLevel, AlertStatus, ClinicalAlert, NewAlert, OfPatient, Raised,
    WorkList,
};
use super::store;
use crate::entries::{Then, list_as_of};
use crate::patients;

const RESOURCE: &str = "clinical_alert";

/// Raises alerts in one statement. Of a set of vital signs one of each kind stands.
pub async fn raise_in_tx(tx: &mut TenantTx, alerts: &[NewAlert], now: Instant) -> Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    store::insert(tx, alerts, now).await
}

/// Withdraws open alerts.
pub async fn withdraw_in_tx(tx: &mut TenantTx, alerts: &[Raised], now: Instant) -> Result<()> {
    if alerts.is_empty() {
        return Ok(());
    }
    let ids: Vec<ClinicalAlertId> = alerts.iter().map(|alert| alert.id).collect();
    store::withdraw(tx, &ids, now).await
}

/// The alerts of these patients about what was measured in `from..=to`, open or acknowledged.
pub async fn raised_in_tx(
    tx: &mut TenantTx,
    patients: &[PatientId],
    span: (Instant, Instant),
) -> Result<Vec<Raised>> {
    store::raised(tx, patients, span).await
}

pub(super) async fn work_list(ctx: &Ctx, query: WorkList) -> Result<Answer<Page<ClinicalAlert>>> {
    let paging = Paging::new(ctx, &query.level, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::AlertRead).await?;
    let rows = store::open(&mut tx, query.level, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, place_of)?;
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|alert| Subject {
            patient: Some(alert.patient_id),
            resource: Some(alert.id.into()),
        })
        .collect();
    tx.finish(Disclosure::list(RESOURCE, subjects, page)).await
}

fn place_of(alert: &ClinicalAlert) -> store::Place {
    let emergency = alert.level == AlertLevel::Emergency;
    (alert.raised_at, emergency, alert.id)
}

pub(super) async fn of_patient(
    ctx: &Ctx,
    patient: PatientId,
    query: OfPatient,
) -> Result<Answer<Page<ClinicalAlert>>> {
    if let Some(at) = query.as_of {
        let then = Then {
            patient,
            at,
            limit: query.limit,
            cursor: query.cursor,
        };
        return list_as_of(ctx, then, &query.status, |row: &ClinicalAlert| {
            query.status.is_none_or(|status| status == row.status)
        })
        .await;
    }
    let filters = (patient, query.status);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::AlertRead).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::of_patient(
        &mut tx,
        patient,
        query.status,
        paging.after()?,
        paging.fetch(),
    )
    .await?;
    let page = paging.page(rows, place_of)?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn acknowledge(
    ctx: &Ctx,
    patient: PatientId,
    id: ClinicalAlertId,
    how: AlertAcknowledgement,
) -> Result<Answer<ClinicalAlert>> {
    let mut tx = ctx.begin(Permission::AlertAcknowledge).await?;
    let present = store::lock(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if present != AlertStatus::Open {
        return Err(Error::new(Code::AlertClosed));
    }
    store::acknowledge(&mut tx, id, ctx.user(), how.note.as_deref(), ctx.now()).await?;
    let alert = store::get(&mut tx, patient, id).await?;
    let version = alert.version;
    tx.commit(Disclosure::of(RESOURCE, Action::Update, patient, id, alert).version(version))
        .await
}

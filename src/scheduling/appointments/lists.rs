//! Lists of appointments: a patient's, and those that took each other's place.

use kernel::ids::{AppointmentId, PatientId};
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging, require_order};

use super::model::{Appointment, OfPatient};
use super::service::shown;
use super::store_lists as store;

pub(super) async fn of_patient(
    ctx: &Ctx,
    patient: PatientId,
    query: OfPatient,
) -> Result<Answer<Page<Appointment>>> {
    require_order(query.from, query.to)?;
    let filters = (patient, query.from, query.to, query.status);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::AppointmentRead).await?;
    clinical::patients::require(&mut tx, patient).await?;
    let rows = store::of_patient(&mut tx, patient, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.starts_at, row.id))?;
    let page = page.map(|appointment| shown(ctx, appointment));
    let subjects = subjects(&page.items);
    tx.finish(Disclosure::list("appointment", subjects, page))
        .await
}

pub(super) async fn chain(ctx: &Ctx, id: AppointmentId) -> Result<Answer<Page<Appointment>>> {
    let mut tx = ctx.begin(Permission::AppointmentRead).await?;
    let rows = store::chain(&mut tx, id).await?;
    if rows.is_empty() {
        return Err(Error::not_found());
    }
    let items: Vec<Appointment> = rows.into_iter().map(|row| shown(ctx, row)).collect();
    let subjects = subjects(&items);
    tx.finish(Disclosure::list("appointment", subjects, Page::last(items)))
        .await
}

/// Who is shown in a list of appointments.
pub(crate) fn subjects(items: &[Appointment]) -> Vec<Subject> {
    let subject = |appointment: &Appointment| Subject {
        patient: Some(appointment.patient_id),
        resource: Some(appointment.id.into()),
    };
    items.iter().map(subject).collect()
}

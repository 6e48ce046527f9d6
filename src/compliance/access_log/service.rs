//! Reading the access log, which is an access too.

use std::collections::BTreeSet;

use kernel::ids::PatientId;
use kernel::{Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging, require_order};

use super::model::{
    AccessEntry, Filter, ListAccesses, ListChartAccesses, ListOwnAccesses, OwnAccessEntry,
};
use super::store::{self, OwnAccess};

/// What this is called in the log itself.
const RESOURCE: &str = "access_log";

pub(super) async fn of_organization(
    ctx: &Ctx,
    query: ListAccesses,
) -> Result<Answer<Page<AccessEntry>>> {
    let ListAccesses {
        patient_id,
        user_id,
        from,
        to,
        action,
        outcome,
        limit,
        cursor,
    } = query;
    let filter = Filter {
        patient: patient_id,
        user: user_id,
        from,
        to,
        action,
        outcome,
    };
    require_order(from, to)?;
    let paging = Paging::new(ctx, &filter, limit, cursor)?;
    let mut tx = ctx.begin(Permission::AccessLogRead).await?;
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.at, row.id, row.place))?;
    let subjects = subjects(filter.patient, &page);
    tx.finish(Disclosure::list(RESOURCE, subjects, page)).await
}

pub(super) async fn of_chart(
    ctx: &Ctx,
    patient: PatientId,
    query: ListChartAccesses,
) -> Result<Answer<Page<AccessEntry>>> {
    let ListChartAccesses {
        user_id,
        from,
        to,
        action,
        outcome,
        limit,
        cursor,
    } = query;
    let filter = Filter {
        patient: Some(patient),
        user: user_id,
        from,
        to,
        action,
        outcome,
    };
    require_order(from, to)?;
    let paging = Paging::new(ctx, &filter, limit, cursor)?;
    let mut tx = ctx.begin(Permission::AccessLogRead).await?;
    if !store::is_patient(&mut tx, patient).await? {
        return Err(Error::not_found());
    }
    let rows = store::page(&mut tx, &filter, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.at, row.id, row.place))?;
    tx.finish(Disclosure::list(
        RESOURCE,
        subjects(Some(patient), &page),
        page,
    ))
    .await
}

pub(super) async fn of_own_chart(
    ctx: &Ctx,
    query: ListOwnAccesses,
) -> Result<Answer<Page<OwnAccessEntry>>> {
    let ListOwnAccesses {
        from,
        to,
        role,
        limit,
        cursor,
    } = query;
    require_order(from, to)?;
    let paging = Paging::new(ctx, &(from, to, role), limit, cursor)?;
    let mut tx = ctx.begin(Permission::OwnAccessLogRead).await?;
    // An account that is not linked to a chart yet has no log to see.
    let patient = ctx.principal().patient.ok_or_else(Error::not_found)?;
    let rows = store::own_page(
        &mut tx,
        patient,
        (from, to),
        role,
        paging.after()?,
        paging.fetch(),
    )
    .await?;
    let page = paging.page(rows, |row| (row.entry.at, row.entry.id, row.place))?;
    let records = page.items.iter().map(|row| (row.entry.at, row.entry.id));
    let (ats, records): (Vec<_>, Vec<_>) = records.unzip();
    let names = store::names_of_accessors(&mut tx, (&ats, &records)).await?;
    let page = page.map(
        |OwnAccess {
             mut entry, user, ..
         }| {
            entry.user_name = user.and_then(|user| names.get(&user).cloned());
            entry
        },
    );
    let subject = Subject {
        patient: Some(patient),
        resource: None,
    };
    tx.finish(Disclosure::list(RESOURCE, [subject], page)).await
}

/// Every patient the page names, and the one that was asked about even if nothing was found.
fn subjects(asked: Option<PatientId>, page: &Page<AccessEntry>) -> Vec<Subject> {
    let named = page.items.iter().filter_map(|row| row.patient_id);
    let patients: BTreeSet<PatientId> = named.chain(asked).collect();
    patients
        .into_iter()
        .map(|patient| Subject {
            patient: Some(patient),
            resource: None,
        })
        .collect()
}

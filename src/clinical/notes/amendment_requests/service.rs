//! Asking, deciding, disagreeing.

use std::collections::HashMap;

use chrono::{Days, NaiveDate};
use kernel::clock::Instant;
use kernel::ids::{AmendmentRequestId, NoteEntryId, NoteId, PatientId};
use kernel::{Code, Error, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, Paging};
use uuid::Uuid;

use super::model::{
    Acceptance, AmendmentRequest, Denial, Disagreement, EntryAmendment, Extension, ListOfPatient,
    ListRequests, NewAmendmentRequest, RequestStatus,
};
use super::store::{self, Decision};
use crate::entries::{Remembered, Then, list_as_of, read_row_as_of, states_as_of};
use crate::notes::kinds::EntryKind;
use crate::notes::signatures::{self, Body};
use crate::notes::store as notes;
use crate::notes::{releases, service};
use crate::patients::{self, AsOf};

/// 45 CFR 164.526(b)(2): sixty days to decide, thirty more once.
const DAYS_TO_DECIDE: Days = Days::new(60);
const DAYS_MORE: Days = Days::new(30);

pub(super) async fn ask(
    ctx: &Ctx,
    patient: PatientId,
    new: NewAmendmentRequest,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentRequest).await?;
    patients::require(&mut tx, patient).await?;
    if let Some(note) = new.note_id
        && !releases::is_released_to_caller(&mut tx, patient, note).await?
    {
        let rule = "must name a note that was released to the patient";
        return Err(Error::field("/note_id", "no_such_note", rule));
    }
    if let Some(resource) = new.resource
        && !store::is_readable(&mut tx, patient, resource).await?
    {
        let rule = "must name an entry of this record that the patient can read, of the type said";
        return Err(Error::field("/resource", "no_such_entry", rule));
    }
    let due = later(ctx.today(), DAYS_TO_DECIDE);
    let id = store::insert(&mut tx, patient, &new, due, ctx.now()).await?;
    let made = store::get(&mut tx, id).await?;
    let version = made.version;
    tx.commit(
        Disclosure::of("amendment_request", Action::Create, patient, id, made)
            .created_at(format!("/api/v1/amendment-requests/{id}"))
            .version(version),
    )
    .await
}

fn later(day: NaiveDate, by: Days) -> NaiveDate {
    day.checked_add_days(by).unwrap_or(day)
}

pub(super) async fn get(ctx: &Ctx, id: AmendmentRequestId) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentRead).await?;
    let found = store::get(&mut tx, id).await?;
    let (patient, version) = (found.patient_id, found.version);
    tx.finish(
        Disclosure::of("amendment_request", Action::Read, patient, id, found).version(version),
    )
    .await
}

/// As it was on record then.
pub(super) async fn get_as_of(
    ctx: &Ctx,
    id: AmendmentRequestId,
    then: AsOf,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin_snapshot(Permission::EntryHistory).await?;
    let (image, _) =
        read_row_as_of(&mut tx, AmendmentRequest::TABLE, id.0, then.instant(ctx)).await?;
    let found = AmendmentRequest::of_image(&image).map_err(Error::internal)?;
    let (patient, version) = (found.patient_id, found.version);
    tx.finish(
        Disclosure::of("amendment_request", Action::Read, patient, id, found).version(version),
    )
    .await
}

/// What had been asked about the entries of a patient then and was not withdrawn, by entry or note, the oldest first.
pub(crate) async fn amendments_then(
    tx: &mut TenantTx,
    patient: PatientId,
    then: Instant,
) -> Result<HashMap<Uuid, Vec<EntryAmendment>>> {
    let mut then: Vec<AmendmentRequest> = states_as_of(tx, patient, then).await?;
    then.retain(|one| one.status != RequestStatus::Withdrawn);
    then.reverse();
    let mut about: HashMap<Uuid, Vec<EntryAmendment>> = HashMap::new();
    for one in then {
        let entry = one.note_id.map(|note| note.0);
        if let Some(id) = entry.or(one.resource.map(|resource| resource.id)) {
            about.entry(id).or_default().push(one.into());
        }
    }
    Ok(about)
}

/// What had been asked about a note then.
pub(in crate::notes) async fn about_note_then(
    tx: &mut TenantTx,
    (patient, note): (PatientId, NoteId),
    then: Instant,
) -> Result<Vec<EntryAmendment>> {
    let mut about = amendments_then(tx, patient, then).await?;
    Ok(about.remove(&note.0).unwrap_or_default())
}

pub(super) async fn of_patient(
    ctx: &Ctx,
    patient: PatientId,
    query: ListOfPatient,
) -> Result<Answer<Page<AmendmentRequest>>> {
    if let Some(at) = query.as_of {
        let then = Then {
            patient,
            at,
            limit: query.limit,
            cursor: query.cursor,
        };
        let filters = (query.status, query.about);
        return list_as_of(ctx, then, &filters, |one: &AmendmentRequest| {
            let about = one.resource.map(|resource| resource.id);
            query.status.is_none_or(|status| status == one.status)
                && query.about.is_none_or(|id| {
                    about == Some(id) || one.note_id.is_some_and(|note| note.0 == id)
                })
        })
        .await;
    }
    let filters = (patient, query.status, query.about);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::AmendmentRead).await?;
    patients::require(&mut tx, patient).await?;
    let which = (query.status, query.about);
    let rows = store::of_patient(&mut tx, patient, which, after, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.created_at, row.id))?;
    let mut subjects = subjects(&page.items);
    if subjects.is_empty() {
        subjects.push(patients::subject(patient));
    }
    tx.finish(Disclosure::list("amendment_request", subjects, page))
        .await
}

pub(super) async fn due(ctx: &Ctx, query: ListRequests) -> Result<Answer<Page<AmendmentRequest>>> {
    let status = query.status.unwrap_or(RequestStatus::Requested);
    let paging = Paging::new(
        ctx,
        &(status, query.about),
        query.limit,
        query.cursor.clone(),
    )?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::AmendmentRead).await?;
    let rows = store::due(&mut tx, (status, query.about), after, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.due_on, row.id))?;
    let subjects = subjects(&page.items);
    tx.finish(Disclosure::list("amendment_request", subjects, page))
        .await
}

fn subjects(rows: &[AmendmentRequest]) -> Vec<Subject> {
    let subject = |row: &AmendmentRequest| Subject {
        patient: Some(row.patient_id),
        resource: Some(row.id.into()),
    };
    rows.iter().map(subject).collect()
}

/// Adds what the patient asked for to the note, signed by who accepts; of another entry it is kept with the request.
pub(super) async fn accept(
    ctx: &Ctx,
    id: AmendmentRequestId,
    how: Acceptance,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentDecide).await?;
    let found = undecided(&mut tx, id).await?;
    let entry = match found.note_id {
        Some(note) => Some(add_to_note(ctx, &mut tx, note, id, &how).await?),
        None => None,
    };
    let decision = Decision {
        status: RequestStatus::Accepted,
        basis: None,
        reason: &how.reason,
        entry,
        amendment: entry.is_none().then_some(how.text.as_str()),
    };
    store::decide(&mut tx, id, &decision, ctx.now()).await?;
    commit(tx, id).await
}

async fn add_to_note(
    ctx: &Ctx,
    tx: &mut CallerTx,
    id: NoteId,
    request: AmendmentRequestId,
    how: &Acceptance,
) -> Result<NoteEntryId> {
    let note = notes::lock(tx, id).await?;
    note.summary.status.require_signed()?;
    let body = Body::Asked {
        text: &how.text,
        request,
    };
    let attestation = how.attestation.as_deref();
    let kind = EntryKind::Amendment;
    let entry = signatures::add_entry(ctx, tx, &note, kind, body, attestation).await?;
    releases::follow(ctx.now(), tx, id).await?;
    let note = notes::get(tx, id).await?;
    service::index(tx, &note).await?;
    Ok(entry)
}

pub(super) async fn deny(
    ctx: &Ctx,
    id: AmendmentRequestId,
    why: Denial,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentDecide).await?;
    undecided(&mut tx, id).await?;
    let decision = Decision {
        status: RequestStatus::Denied,
        basis: Some(why.basis),
        reason: &why.reason,
        entry: None,
        amendment: None,
    };
    store::decide(&mut tx, id, &decision, ctx.now()).await?;
    commit(tx, id).await
}

pub(super) async fn extend(
    ctx: &Ctx,
    id: AmendmentRequestId,
    why: Extension,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentDecide).await?;
    let found = undecided(&mut tx, id).await?;
    if found.extended.is_some() {
        return Err(Error::new(Code::IllegalTransition)
            .detail("The time to decide was extended before; the rule allows it once."));
    }
    let due = later(found.due_on, DAYS_MORE);
    store::extend(&mut tx, id, due, &why.reason, ctx.now()).await?;
    commit(tx, id).await
}

pub(super) async fn withdraw(
    ctx: &Ctx,
    id: AmendmentRequestId,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentRequest).await?;
    undecided(&mut tx, id).await?;
    store::withdraw(&mut tx, id, ctx.now()).await?;
    commit(tx, id).await
}

pub(super) async fn disagree(
    ctx: &Ctx,
    id: AmendmentRequestId,
    what: Disagreement,
) -> Result<Answer<AmendmentRequest>> {
    let mut tx = ctx.begin(Permission::AmendmentRequest).await?;
    let found = store::lock(&mut tx, id).await?;
    if found.status != RequestStatus::Denied || found.disagreement.is_some() {
        return Err(Error::new(Code::IllegalTransition)
            .detail("A statement of disagreement is filed once, after a denial."));
    }
    store::disagree(&mut tx, id, &what.statement, ctx.now()).await?;
    commit(tx, id).await
}

/// The request, locked, if nothing was decided.
async fn undecided(tx: &mut CallerTx, id: AmendmentRequestId) -> Result<AmendmentRequest> {
    let found = store::lock(tx, id).await?;
    if found.status == RequestStatus::Requested {
        Ok(found)
    } else {
        Err(Error::new(Code::IllegalTransition))
    }
}

async fn commit(mut tx: CallerTx, id: AmendmentRequestId) -> Result<Answer<AmendmentRequest>> {
    let found = store::get(&mut tx, id).await?;
    let (patient, version) = (found.patient_id, found.version);
    tx.commit(
        Disclosure::of("amendment_request", Action::Update, patient, id, found).version(version),
    )
    .await
}

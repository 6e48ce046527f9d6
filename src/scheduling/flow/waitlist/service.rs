//! Requests: made, read, changed, withdrawn.

use kernel::clock::Instant;
use kernel::ids::{PatientId, WaitlistEntryId};
use kernel::{Code, Error, FieldError, OnConstraint as _, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};
use serde_json::json;

use super::model::{
    ListWaitlist, NewWaitlistEntry, WaitlistEntry, WaitlistStatus, WaitlistWish, Withdrawal,
};
use super::store::{self, Filter, Known, Row};
use super::{answering, free_time, triage};
use crate::appointments;
use crate::flow::flow_settings::{self, TriageRules};
use crate::services::{self, Service};

/// The rules by which points are shown; a patient is shown none.
async fn rules(ctx: &Ctx, tx: &mut TenantTx) -> Result<Option<TriageRules>> {
    if ctx.acts_for_himself() {
        return Ok(None);
    }
    Ok(Some(flow_settings::current(tx).await?.triage))
}

fn shown(ctx: &Ctx, rules: Option<&TriageRules>, row: Row) -> WaitlistEntry {
    let wish = row.wish();
    let open = matches!(
        row.status,
        WaitlistStatus::Waiting | WaitlistStatus::Offered
    );
    let triage = rules
        .filter(|_| open)
        .map(|rules| triage::points(rules, &wish, row.waiting_since, row.missed, ctx.now()));
    WaitlistEntry {
        id: row.id,
        patient_id: row.patient_id,
        service_id: row.service_id,
        service: row.service,
        wish,
        status: row.status,
        closed_reason: row.closed_reason,
        appointment_id: row.appointment_id,
        waiting_since: row.waiting_since,
        triage,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }
}

pub(super) async fn list(ctx: &Ctx, query: ListWaitlist) -> Result<Answer<Page<WaitlistEntry>>> {
    let filters = (
        query.status,
        query.service_id,
        query.facility_id,
        query.patient_id,
    );
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::WaitlistRead).await?;
    let rules = rules(ctx, &mut tx).await?;
    let filter = Filter {
        ids: None,
        list: Some(&query),
        after: paging.after()?,
    };
    let rows = store::page(&mut tx, &filter, paging.fetch(), ctx.now()).await?;
    let page = paging.page(rows, |row| (row.waiting_since, row.id))?;
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|row| Subject {
            patient: Some(row.patient_id),
            resource: Some(row.id.into()),
        })
        .collect();
    let page = Page {
        items: page
            .items
            .into_iter()
            .map(|row| shown(ctx, rules.as_ref(), row))
            .collect(),
        next_cursor: page.next_cursor,
    };
    tx.finish(Disclosure::list("waitlist", subjects, page))
        .await
}

async fn disclosed(
    ctx: &Ctx,
    tx: &mut TenantTx,
    id: WaitlistEntryId,
    action: Action,
) -> Result<Disclosure<WaitlistEntry>> {
    let rules = rules(ctx, tx).await?;
    let entry = shown(ctx, rules.as_ref(), store::get(tx, id, ctx.now()).await?);
    let (patient, version) = (entry.patient_id, entry.version);
    Ok(Disclosure::of("waitlist", action, patient, id, entry).version(version))
}

pub(super) async fn read(ctx: &Ctx, id: WaitlistEntryId) -> Result<Answer<WaitlistEntry>> {
    let mut tx = ctx.begin(Permission::WaitlistRead).await?;
    let disclosure = disclosed(ctx, &mut tx, id, Action::Read).await?;
    tx.finish(disclosure).await
}

pub(super) async fn request(ctx: &Ctx, new: NewWaitlistEntry) -> Result<Answer<WaitlistEntry>> {
    let mut tx = ctx.begin(Permission::WaitlistRequest).await?;
    let patient = whose(ctx, &mut tx, new.patient_id).await?;
    let wish = new.wish();
    let service = services::require_active(&mut tx, new.service_id, "/service_id").await?;
    if ctx.acts_for_himself() && !service.data.self_booking {
        let rule = "must name an active service";
        return Err(Error::field("/service_id", "no_such_service", rule));
    }
    let before = WaitlistWish::default();
    check(ctx, &mut tx, (patient, &service), (&before, &wish)).await?;
    appointments::require_own_limits(ctx, &mut tx, patient).await?;
    let id = WaitlistEntryId::new();
    store::insert(
        &mut tx,
        id,
        (patient, new.service_id),
        &wish,
        (Some(ctx.user()), ctx.now()),
        ctx.now(),
    )
    .await
    .on_constraint("waitlist_entries_open_key", || {
        Error::new(Code::AlreadyWaiting)
    })?;
    free_time::soon(&mut tx, id, ctx.now()).await?;
    let disclosure = disclosed(ctx, &mut tx, id, Action::Create).await?;
    tx.commit(disclosure.created_at(format!("/api/v1/waitlist/{id}")))
        .await
}

/// Puts somebody on the waitlist who has waited since then, and looks for nothing. What the request names is there.
pub async fn record_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    new: &NewWaitlistEntry,
    since: Instant,
    now: Instant,
) -> Result<WaitlistEntryId> {
    let id = WaitlistEntryId::new();
    let whom = (patient, new.service_id);
    store::insert(tx, id, whom, &new.wish(), (None, since), now).await?;
    Ok(id)
}

/// Who waits: the one named, or the caller himself.
async fn whose(ctx: &Ctx, tx: &mut TenantTx, named: Option<PatientId>) -> Result<PatientId> {
    let patient = named.or(ctx.principal().patient);
    let known = match patient {
        Some(patient) => clinical::patients::exists(tx, patient).await?,
        None => false,
    };
    let Some(patient) = patient.filter(|_| known) else {
        let rule = "must name a patient you may see";
        return Err(Error::field("/patient_id", "no_such_patient", rule));
    };
    clinical::patients::require_active(tx, patient).await?;
    Ok(patient)
}

/// What a wish says anew exists and can come true; and what is the office's to say is not said by a patient.
async fn check(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (patient, service): (PatientId, &Service),
    (present, wish): (&WaitlistWish, &WaitlistWish),
) -> Result<()> {
    let mut broken = Vec::new();
    let skills = &service.data.skills;
    let known = store::known(tx, wish.facility_id, &wish.provider_ids, skills).await?;
    if !known.place && wish.facility_id != present.facility_id {
        let rule = "must name an active facility";
        broken.push(FieldError::new("/facility_id", "no_such_facility", rule));
    }
    if wish.provider_ids != present.provider_ids {
        broken.extend(broken_providers(ctx, tx, patient, &known, wish).await?);
    }
    if wish.windows != present.windows {
        broken.extend(wish.never(service.duration(), ctx.now()));
    }
    if ctx.acts_for_himself() {
        if wish.priority != present.priority {
            broken.push(FieldError::new(
                "/priority",
                "not_yours",
                "is the organisation's to say",
            ));
        }
        if wish.flags != present.flags {
            broken.push(FieldError::new(
                "/flags",
                "not_yours",
                "are the organisation's to say",
            ));
        }
    }
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(broken))
    }
}

/// What is wrong with the providers a wish names.
async fn broken_providers(
    ctx: &Ctx,
    tx: &mut TenantTx,
    patient: PatientId,
    known: &Known,
    wish: &WaitlistWish,
) -> Result<Option<FieldError>> {
    let pointer = "/provider_ids";
    if !known.people {
        let rule = "must name active providers";
        return Ok(Some(FieldError::new(pointer, "no_such_provider", rule)));
    }
    if !known.able {
        let rule = "must name somebody with the skills the service needs";
        return Ok(Some(FieldError::new(pointer, "lacks_skill", rule)));
    }
    if !ctx.acts_for_himself() || wish.provider_ids.is_empty() {
        return Ok(None);
    }
    let closed = store::closed_to(tx, patient).await?;
    let mut named = wish.provider_ids.iter();
    let rule = "must accept new patients: ask the office, or name others";
    let refused = named.any(|who| closed.contains(who));
    Ok(refused.then(|| FieldError::new(pointer, "not_accepting", rule)))
}

pub(super) async fn amend(
    ctx: &Ctx,
    id: WaitlistEntryId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<WaitlistEntry>> {
    let mut tx = ctx.begin(Permission::WaitlistRequest).await?;
    let row = store::lock(&mut tx, id, ctx.now()).await?;
    if_match.require(row.version)?;
    if !matches!(
        row.status,
        WaitlistStatus::Waiting | WaitlistStatus::Offered
    ) {
        return Err(Error::new(Code::IllegalTransition).with("allowed", json!([])));
    }
    let present = row.wish();
    let wish: WaitlistWish = patch.apply(&present)?;
    let service = services::get(&mut tx, row.service_id).await?;
    let service = service.ok_or_else(Error::not_found)?;
    let whose = (row.patient_id, &service);
    check(ctx, &mut tx, whose, (&present, &wish)).await?;
    store::update(&mut tx, id, &wish, ctx.now()).await?;
    if wish != present {
        answering::take_back_unfit(&mut tx, id, &wish, ctx.now()).await?;
        free_time::soon(&mut tx, id, ctx.now()).await?;
    }
    let disclosure = disclosed(ctx, &mut tx, id, Action::Update).await?;
    tx.commit(disclosure).await
}

pub(super) async fn withdraw(
    ctx: &Ctx,
    id: WaitlistEntryId,
    why: Withdrawal,
) -> Result<Answer<WaitlistEntry>> {
    let mut tx = ctx.begin(Permission::WaitlistRequest).await?;
    let row = store::lock(&mut tx, id, ctx.now()).await?;
    if !matches!(
        row.status,
        WaitlistStatus::Waiting | WaitlistStatus::Offered
    ) {
        return Err(Error::new(Code::IllegalTransition).with("allowed", json!([])));
    }
    if answering::withdraw(&mut tx, id, ctx.now()).await? == WaitlistStatus::Waiting {
        let end = (None, Some(why.reason.as_str()));
        store::step(&mut tx, id, WaitlistStatus::Withdrawn, end, ctx.now()).await?;
    }
    let disclosure = disclosed(ctx, &mut tx, id, Action::Update).await?;
    tx.commit(disclosure).await
}

//! The supervisor's queue, and who has a supervisor.

use chrono::TimeDelta;
use kernel::ids::{CosignatureId, NoteId, NoteSupervisionId, UserId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission, Role};
use platform::audit::{Action, Subject};
use platform::db::{CallerTx, TenantTx};
use platform::http::{Answer, Paging};

use super::model::{
    Cosignature, ListCosignatures, ListSupervisions, NewCosignature, NewSupervision, NewSupervisor,
    ReturnNote, Supervision, SupervisionStatus,
};
use super::store;
use crate::care_teams::{self, CareTeamRole, NewCareTeamMember};
use crate::notes::kinds::{CosignatureStatus, EntryKind, NoteStatus, NoteType};
use crate::notes::model::Note;
use crate::notes::signatures::{self, Body};
use crate::notes::store as notes;
use crate::notes::{releases, service};

/// How long a supervisor may open the chart of a note he is asked to co-sign.
const LOOKS_FOR: TimeDelta = TimeDelta::days(30);

/// Who co-signs what this author writes, if anybody must.
pub(in crate::notes) async fn supervisor_of(
    tx: &mut TenantTx,
    author: UserId,
    note_type: NoteType,
) -> Result<Option<UserId>> {
    store::supervisor_of(tx, author, note_type).await
}

/// Puts a note into a supervisor's queue, and lets him open the chart.
pub(in crate::notes) async fn request(
    ctx: &Ctx,
    tx: &mut TenantTx,
    note: &Note,
    supervisor: UserId,
) -> Result<()> {
    store::ask(tx, note, supervisor, ctx.now()).await?;
    let_look(ctx, tx, note, supervisor).await
}

/// Opens the chart to a supervisor who is not on the team.
async fn let_look(ctx: &Ctx, tx: &mut TenantTx, note: &Note, supervisor: UserId) -> Result<()> {
    let now = ctx.now();
    let patient = note.summary.patient_id;
    if !store::is_on_team(tx, patient, supervisor, now).await? {
        let member = NewCareTeamMember {
            user_id: supervisor,
            role: CareTeamRole::Consulting,
            valid_from: None,
            valid_until: Some(now + LOOKS_FOR),
        };
        care_teams::join(tx, patient, &member, now).await?;
    }
    Ok(())
}

/// Asks whoever must consent to what the caller has just added to a signed note, locked before. Returns one of them.
pub(in crate::notes) async fn ask_about_entry(
    ctx: &Ctx,
    tx: &mut TenantTx,
    note: &Note,
) -> Result<Option<UserId>> {
    let summary = &note.summary;
    let assigned = store::supervisor_of(tx, ctx.user(), summary.r#type).await?;
    let own = summary.author_id == ctx.user();
    // What somebody consented to is not gone on with unseen, also where nobody but the note itself names him.
    let named = summary
        .supervisor_id
        .filter(|_| own && summary.cosignature.is_some());
    let mut asked: Vec<UserId> = assigned.or(named).into_iter().collect();
    if summary.cosignature == Some(CosignatureStatus::Returned) && own {
        asked.extend(store::returned_by(tx, summary.id).await?);
    }
    for supervisor in &asked {
        request(ctx, tx, note, *supervisor).await?;
    }
    Ok(asked.first().copied())
}

/// Where the co-signature of a note stands: what each supervisor who was asked said last, taken together.
pub(in crate::notes) async fn standing(
    tx: &mut TenantTx,
    note: NoteId,
) -> Result<Option<CosignatureStatus>> {
    store::standing(tx, note).await
}

pub(super) async fn queue(ctx: &Ctx, query: ListCosignatures) -> Result<Answer<Page<Cosignature>>> {
    let status = query.status.unwrap_or(CosignatureStatus::Pending);
    let supervisor = query.supervisor_id.unwrap_or(ctx.user());
    let paging = Paging::new(
        ctx,
        &(status, supervisor, query.open),
        query.limit,
        query.cursor.clone(),
    )?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let rows = if query.open {
        store::open(&mut tx, after, paging.fetch()).await?
    } else {
        store::queue(&mut tx, supervisor, status, after, paging.fetch()).await?
    };
    let page = paging.page(rows, |row| (row.requested_at, row.id))?;
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|row| Subject {
            patient: Some(row.patient_id),
            resource: Some(row.note_id.into()),
        })
        .collect();
    tx.finish(Disclosure::list("note", subjects, page)).await
}

/// Consents to a note, as far as it was read, with a signed entry.
pub(super) async fn cosign(
    ctx: &Ctx,
    id: CosignatureId,
    new: NewCosignature,
) -> Result<Answer<Cosignature>> {
    let (mut tx, note) = asked(ctx, id).await?;
    require_read(&mut tx, note.summary.id, new.last_entry).await?;
    let attestation = new.attestation.as_deref();
    signatures::append(
        ctx,
        &mut tx,
        &note,
        EntryKind::Cosignature,
        Body::Consent,
        attestation,
    )
    .await?;
    store::decide(&mut tx, id, CosignatureStatus::Cosigned, None, ctx.now()).await?;
    let mut state = notes::State::of(&note);
    state.cosignature = store::standing(&mut tx, note.summary.id).await?;
    let settled = state.cosignature == Some(CosignatureStatus::Cosigned);
    if settled && state.release_wanted && state.status != NoteStatus::EnteredInError {
        state.released_at = state.released_at.or(Some(ctx.now()));
    }
    notes::set_state(&mut tx, note.summary.id, &state, ctx.now()).await?;
    releases::follow(ctx.now(), &mut tx, note.summary.id).await?;
    commit(tx, id).await
}

/// Refuses consent to what was signed since the supervisor read the note.
async fn require_read(tx: &mut TenantTx, note: NoteId, read: i32) -> Result<()> {
    let newest = signatures::last(tx, note)
        .await?
        .map_or(0, |last| last.sequence);
    if read == newest {
        return Ok(());
    }
    Err(Error::new(Code::VersionStale)
        .detail("last_entry names another entry than the newest: read what was signed since.")
        .with("last_entry", serde_json::json!(newest)))
}

/// Returns a note to its author.
pub(super) async fn send_back(
    ctx: &Ctx,
    id: CosignatureId,
    why: ReturnNote,
) -> Result<Answer<Cosignature>> {
    let (mut tx, note) = asked(ctx, id).await?;
    let returned = CosignatureStatus::Returned;
    store::decide(&mut tx, id, returned, Some(&why.reason), ctx.now()).await?;
    let mut state = notes::State::of(&note);
    state.cosignature = store::standing(&mut tx, note.summary.id).await?;
    notes::set_state(&mut tx, note.summary.id, &state, ctx.now()).await?;
    commit(tx, id).await
}

/// Hands on what waits for a supervisor, who may have left: by himself, or by an administrator.
pub(super) async fn reassign(
    ctx: &Ctx,
    id: CosignatureId,
    to: NewSupervisor,
) -> Result<Answer<Cosignature>> {
    let mut tx = ctx.begin(Permission::CosignatureReassign).await?;
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let note = notes::lock(&mut tx, found.note_id).await?;
    // Locked by its note: another may have come first.
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let own = found.supervisor_id == ctx.user();
    if !own && (ctx.principal().role != Role::Admin || !is_open(&mut tx, &found).await?) {
        return Err(Error::new(Code::NotTheSupervisor));
    }
    note.summary.status.require_signed()?;
    let wanted = to.supervisor_id;
    let elsewhere = found.open_since.is_some() || wanted != found.supervisor_id;
    if !elsewhere || !fits(&mut tx, &note, id, wanted).await? {
        let rule = "must name the active account of another provider, whose own notes need no co-signature";
        return Err(Error::field("/supervisor_id", "no_such_supervisor", rule));
    }
    hand_over(ctx, &mut tx, (&found, &note), wanted).await?;
    disclose(tx, id).await
}

/// Takes what waits for nobody into one's own queue.
pub(super) async fn take(ctx: &Ctx, id: CosignatureId) -> Result<Answer<Cosignature>> {
    let mut tx = ctx.begin(Permission::NoteCosign).await?;
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let note = notes::lock(&mut tx, found.note_id).await?;
    // Locked by its note: another may have come first.
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    note.summary.status.require_signed()?;
    if !fits(&mut tx, &note, id, ctx.user()).await? {
        return Err(Error::new(Code::NotTheSupervisor));
    }
    if !is_open(&mut tx, &found).await? {
        return Err(Error::new(Code::IllegalTransition)
            .detail("It waits in a supervisor's queue; who has it hands it on."));
    }
    hand_over(ctx, &mut tx, (&found, &note), ctx.user()).await?;
    disclose(tx, id).await
}

/// Whether it waits for nobody who will come to it.
async fn is_open(tx: &mut TenantTx, found: &Cosignature) -> Result<bool> {
    Ok(found.open_since.is_some() || !notes::is_active(tx, found.supervisor_id).await?)
}

/// Whether somebody may consent to what was signed: a provider whose own notes need no consent, and not to his own words.
async fn fits(tx: &mut TenantTx, note: &Note, id: CosignatureId, wanted: UserId) -> Result<bool> {
    Ok(wanted != note.summary.author_id
        && store::asked_by(tx, id).await? != Some(wanted)
        && notes::consents(tx, wanted, note.summary.r#type).await?)
}

/// Puts what waits into another's queue, of a note that is locked, and lets him open the chart.
async fn hand_over(
    ctx: &Ctx,
    tx: &mut TenantTx,
    (found, note): (&Cosignature, &Note),
    wanted: UserId,
) -> Result<()> {
    let now = ctx.now();
    let moved = store::reassign(tx, found.id, wanted, now)
        .await
        .on_constraint("note_cosignatures_pending_key", || {
            Error::new(Code::AlreadyExists).detail("The note waits in this queue.")
        })?;
    if !moved {
        return Err(Error::new(Code::IllegalTransition));
    }
    let_look(ctx, tx, note, wanted).await?;
    if note.summary.supervisor_id == Some(found.supervisor_id) {
        let mut state = notes::State::of(note);
        state.supervisor_id = Some(wanted);
        notes::set_state(tx, note.summary.id, &state, now).await?;
    }
    Ok(())
}

/// The note a supervisor was asked about, locked.
async fn asked(ctx: &Ctx, id: CosignatureId) -> Result<(CallerTx, Note)> {
    let mut tx = ctx.begin(Permission::NoteCosign).await?;
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let note = notes::lock(&mut tx, found.note_id).await?;
    // Locked by its note: another decision may have come first.
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if found.supervisor_id != ctx.user() || found.open_since.is_some() {
        return Err(Error::new(Code::NotTheSupervisor));
    }
    if found.status != CosignatureStatus::Pending {
        return Err(Error::new(Code::IllegalTransition));
    }
    note.summary.status.require_signed()?;
    Ok((tx, note))
}

async fn commit(mut tx: CallerTx, id: CosignatureId) -> Result<Answer<Cosignature>> {
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let note = notes::get(&mut tx, found.note_id).await?;
    service::index(&mut tx, &note).await?;
    disclose(tx, id).await
}

async fn disclose(mut tx: CallerTx, id: CosignatureId) -> Result<Answer<Cosignature>> {
    let found = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let (patient, version) = (found.patient_id, found.version);
    let about = found.note_id;
    tx.commit(Disclosure::of("note", Action::Update, patient, about, found).version(version))
        .await
}

pub(super) async fn supervise(ctx: &Ctx, new: NewSupervision) -> Result<Answer<Supervision>> {
    let mut tx = ctx.begin(Permission::NoteSupervisionManage).await?;
    if !notes::is_supervisor(&mut tx, new.supervisor_id).await? {
        let rule = "must name the active account of a provider";
        return Err(Error::field("/supervisor_id", "no_such_supervisor", rule));
    }
    if !store::writes_notes(&mut tx, new.user_id).await? {
        let rule = "must name the active account of a provider or nurse";
        return Err(Error::field("/user_id", "no_such_user", rule));
    }
    let id = store::insert_supervision(&mut tx, &new, ctx.now())
        .await
        .on_constraint("note_supervisions_active_key", || {
            Error::new(Code::AlreadyExists).detail("This person has a supervision; end it first.")
        })?;
    // What waits for nobody since the last supervision ended.
    for (waiting, note) in store::open_of(&mut tx, new.user_id, new.supervisor_id).await? {
        let note = notes::lock(&mut tx, note).await?;
        let Some(found) = store::find(&mut tx, waiting).await? else {
            continue;
        };
        if found.open_since.is_some() && fits(&mut tx, &note, waiting, new.supervisor_id).await? {
            hand_over(ctx, &mut tx, (&found, &note), new.supervisor_id).await?;
        }
    }
    let made = store::find_supervision(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = made.version;
    tx.commit(
        Disclosure::plain(made)
            .created_at(format!("/api/v1/note-supervisions/{id}"))
            .version(version),
    )
    .await
}

pub(super) async fn supervision(ctx: &Ctx, id: NoteSupervisionId) -> Result<Answer<Supervision>> {
    let mut tx = ctx.begin(Permission::NoteSupervisionRead).await?;
    let found = store::find_supervision(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = found.version;
    tx.finish(Disclosure::plain(found).version(version)).await
}

pub(super) async fn supervisions(
    ctx: &Ctx,
    query: ListSupervisions,
) -> Result<Answer<Page<Supervision>>> {
    let paging = Paging::new(ctx, &query.status, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteSupervisionRead).await?;
    let rows = store::supervisions(&mut tx, query.status, after, paging.fetch()).await?;
    let page = paging.page(rows, |row| row.id)?;
    tx.finish(Disclosure::plain(page)).await
}

pub(super) async fn end(ctx: &Ctx, id: NoteSupervisionId) -> Result<Answer<Supervision>> {
    let mut tx = ctx.begin(Permission::NoteSupervisionManage).await?;
    let found = store::find_supervision(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if found.status == SupervisionStatus::Ended {
        return Err(Error::new(Code::IllegalTransition));
    }
    store::end_supervision(&mut tx, id, ctx.now()).await?;
    let of = (found.data.user_id, found.data.supervisor_id);
    store::let_go(&mut tx, of, ctx.now()).await?;
    let ended = store::find_supervision(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = ended.version;
    tx.commit(Disclosure::plain(ended).version(version)).await
}

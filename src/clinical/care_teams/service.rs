//! Joining and leaving care teams.

use kernel::clock::Instant;
use kernel::ids::{CareTeamMemberId, PatientId, ProviderId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{CareTeamMember, CareTeamRole, ListCareTeam, NewCareTeamMember};
use super::store;
use crate::entries::{Then, list_as_of};
use crate::patients;

const RESOURCE: &str = "care_team";

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListCareTeam,
) -> Result<Answer<Page<CareTeamMember>>> {
    if let Some(as_of) = query.as_of {
        let on = query.at.unwrap_or(as_of.instant(ctx));
        let then = Then {
            patient,
            at: as_of,
            limit: query.limit,
            cursor: query.cursor,
        };
        return list_as_of(ctx, then, &query.at, |row: &CareTeamMember| {
            row.valid_from <= on && row.valid_until.is_none_or(|until| until > on)
        })
        .await;
    }
    let paging = Paging::new(ctx, &(patient, query.at), query.limit, query.cursor)?;
    let mut tx = ctx.begin(Permission::CareTeamRead).await?;
    patients::require(&mut tx, patient).await?;
    let at = query.at.unwrap_or(ctx.now());
    let rows = store::page(&mut tx, patient, at, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.valid_from, row.id))?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        page,
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: CareTeamMemberId,
) -> Result<Answer<CareTeamMember>> {
    let mut tx = ctx.begin(Permission::CareTeamRead).await?;
    patients::require(&mut tx, patient).await?;
    let member = store::find(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = member.version;
    tx.finish(Disclosure::of(RESOURCE, Action::Read, patient, id, member).version(version))
        .await
}

pub(super) async fn add(
    ctx: &Ctx,
    patient: PatientId,
    new: &NewCareTeamMember,
) -> Result<Answer<CareTeamMember>> {
    let mut tx = ctx.begin(Permission::CareTeamManage).await?;
    patients::require(&mut tx, patient).await?;
    if !store::may_join(&mut tx, new.user_id).await? {
        let rule = "must name an active account of a provider, a nurse or a member of the staff";
        return Err(Error::field("/user_id", "no_such_user", rule));
    }
    let id = join(&mut tx, patient, new, ctx.now()).await?;
    let member = store::find(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let (location, version) = (
        format!("/api/v1/patients/{patient}/care-team/{id}"),
        member.version,
    );
    tx.commit(
        Disclosure::of(RESOURCE, Action::Create, patient, id, member)
            .created_at(location)
            .version(version),
    )
    .await
}

/// Puts an account on the team. That the patient exists and the account may join is the caller's to check.
///
/// # Errors
/// `already_member` where it is on the team in that role already.
pub async fn join(
    tx: &mut TenantTx,
    patient: PatientId,
    new: &NewCareTeamMember,
    now: Instant,
) -> Result<CareTeamMemberId> {
    store::insert(tx, patient, new, now)
        .await
        .on_constraint("care_team_members_open_key", || {
            Error::new(Code::AlreadyMember)
        })
}

/// A membership of the patient's team, over or not; its row is held until the transaction ends.
pub async fn find_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CareTeamMemberId,
) -> Result<Option<CareTeamMember>> {
    match store::lock(tx, patient, id).await {
        Err(error) if error.code() == Code::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(()) => store::find(tx, patient, id).await,
    }
}

/// Ends a membership that is not over, at a time that is not before its beginning.
pub async fn end_in_tx(
    tx: &mut TenantTx,
    id: CareTeamMemberId,
    until: Instant,
    now: Instant,
) -> Result<()> {
    store::end(tx, id, until, now).await
}

pub(super) async fn end(
    ctx: &Ctx,
    patient: PatientId,
    id: CareTeamMemberId,
) -> Result<Answer<CareTeamMember>> {
    let mut tx = ctx.begin(Permission::CareTeamManage).await?;
    // Who stayed on the team of a registration that was merged away can be taken off it, too.
    patients::require_known(&mut tx, patient).await?;
    store::lock(&mut tx, patient, id).await?;
    let mut member = store::find(&mut tx, patient, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let now = ctx.now();
    // A membership that was to begin later ends where it would have begun: it never was.
    let until = now.max(member.valid_from);
    if member.valid_until.is_none_or(|ends| until < ends) {
        store::end(&mut tx, id, until, now).await?;
        member = CareTeamMember {
            valid_until: Some(until),
            version: member.version + 1,
            updated_at: now,
            ..member
        };
    }
    let version = member.version;
    tx.commit(Disclosure::of(RESOURCE, Action::Update, patient, id, member).version(version))
        .await
}

/// Puts the account of a new primary provider on the team, and takes that of the one before off it. A provider without an
/// account has no chart to open.
pub async fn follow_primary_provider(
    tx: &mut TenantTx,
    patient: PatientId,
    before: Option<ProviderId>,
    after: Option<ProviderId>,
    now: Instant,
) -> Result<()> {
    if before == after {
        return Ok(());
    }
    if let Some(provider) = after
        && let Some(user_id) = store::account_of(tx, provider).await?
        && !store::has_open(tx, patient, user_id, CareTeamRole::PrimaryCare).await?
    {
        let role = CareTeamRole::PrimaryCare;
        store::insert(
            tx,
            patient,
            &NewCareTeamMember {
                user_id,
                role,
                valid_from: None,
                valid_until: None,
            },
            now,
        )
        .await?;
    }
    // Last, because it may be the caller's own.
    if let Some(provider) = before
        && let Some(user) = store::account_of(tx, provider).await?
    {
        store::end_open(tx, patient, user, CareTeamRole::PrimaryCare, now).await?;
    }
    Ok(())
}

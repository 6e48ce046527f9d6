//! What an admin does with accounts, short of taking anything away (that is `steps` and `links`).

use kernel::ids::UserId;
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, SecurityEvent, SecurityKind, security};
use platform::db::TenantTx;
use platform::http::{Answer, IfMatch, MergePatch, Paging};

use super::credentials::OneTimePurpose;
use super::model::{AccountStatus, InvitedUser, ListUsers, NewUser, User};
use super::{links, store};

/// Its kind in the access log.
pub(super) const RESOURCE: &str = "user";

pub(super) async fn list(ctx: &Ctx, query: ListUsers) -> Result<Answer<Page<User>>> {
    let filters = (query.role, query.status, &query.email, &query.name);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::UserRead).await?;
    let rows = store::page(&mut tx, &query, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.profile.family_name.clone(), row.id))?;
    let patients: Vec<_> = page
        .items
        .iter()
        .map(User::subject)
        .filter(|subject| subject.patient.is_some())
        .collect();
    tx.finish(Disclosure::list(RESOURCE, patients, page)).await
}

pub(super) async fn read(ctx: &Ctx, id: UserId) -> Result<Answer<User>> {
    let mut tx = ctx.begin(Permission::UserRead).await?;
    let user = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let (version, subject) = (user.version, user.subject());
    tx.finish(Disclosure::shown(RESOURCE, Action::Read, [subject], user).version(version))
        .await
}

/// Makes the account and invites its owner.
pub(super) async fn add(ctx: &Ctx, new: NewUser) -> Result<Answer<InvitedUser>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let now = ctx.now();
    let id = store::insert(&mut tx, &new, None, now)
        .await
        .on_constraint("users_email_key", email_taken)?;
    let event = SecurityEvent::new(SecurityKind::AccountCreated, true)
        .by(Some(ctx.user()), Some(ctx.principal().session))
        .upon(id)
        .because(new.role.as_str());
    security::insert(&mut tx, &event, Some(ctx.request()), now).await?;
    let invitation = links::issue(&mut tx, ctx.app(), id, OneTimePurpose::Invitation, now).await?;
    let user = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let kept = InvitedUser {
        user: user.clone(),
        invitation: invitation.without_secret(),
    };
    let location = format!("/api/v1/users/{id}");
    let made = Disclosure::shown(RESOURCE, Action::Create, [user.subject()], kept);
    let answer = tx.commit(made.created_at(location).version(1)).await?;
    answer.reveal(&InvitedUser { user, invitation })
}

pub(super) async fn change(
    ctx: &Ctx,
    id: UserId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<User>> {
    let mut tx = ctx.begin(Permission::UserManage).await?;
    let user = store::lock(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(user.version)?;
    let profile = patch.apply(&user.profile)?;
    let now = ctx.now();
    store::update_profile(&mut tx, id, &profile, now).await?;
    let version = user.version + 1;
    let user = User {
        profile,
        version,
        updated_at: now,
        ..user
    };
    let subject = user.subject();
    tx.commit(Disclosure::shown(RESOURCE, Action::Update, [subject], user).version(version))
        .await
}

/// The caller's own account, in a transaction of his.
pub(crate) async fn own_account(tx: &mut TenantTx, id: UserId) -> Result<User> {
    store::find(tx, id)
        .await?
        .ok_or_else(|| Error::new(Code::TokenInvalid))
}

/// That a body's account exists here and is active. `pointer` is the field that names it.
pub async fn require_active_user(tx: &mut TenantTx, id: UserId, pointer: &str) -> Result<User> {
    store::find(tx, id)
        .await?
        .filter(|user| user.status == AccountStatus::Active)
        .ok_or_else(|| Error::field(pointer, "no_such_user", "must name an active account"))
}

pub(super) fn email_taken() -> Error {
    Error::new(Code::EmailTaken)
}

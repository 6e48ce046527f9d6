//! Accounts made without an admin: by the operator from the command line, and for demo data and tests.

use kernel::clock::Instant;
use kernel::ids::UserId;
use kernel::{Checks, Error, OnConstraint, Result, Validate};
use platform::App;
use platform::access::Role;
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::db::{SystemTx, TenantTx};

use super::credentials::OneTimePurpose;
use super::model::NewUser;
use super::service::email_taken;
use super::{links, store};
use crate::tenants;

/// Makes an account for when no admin can log in. Returns the link with which its owner sets the password, once, within
/// three days.
pub async fn create_by_operator(
    app: &App,
    tenant: &str,
    email: &str,
    role: Role,
    given_name: &str,
    family_name: &str,
) -> Result<String> {
    let now = app.clock.now();
    let new = NewUser {
        email: email.to_owned(),
        role,
        given_name: given_name.to_owned(),
        family_name: family_name.to_owned(),
        phone: None,
        avatar_ref: None,
    };
    let mut checks = Checks::at(now);
    new.check(&mut checks);
    checks.finish()?;
    let tenant = tenants::find(&app.db, tenant)
        .await?
        .ok_or_else(|| Error::not_found().detail("There is no such tenant."))?;
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let (_, link) = invite_new(&mut tx, app, &new, now).await?;
    tx.commit().await?;
    Ok(link)
}

/// Makes an account with its invitation, in a transaction of the system.
pub(crate) async fn invite_new(
    tx: &mut TenantTx,
    app: &App,
    new: &NewUser,
    now: Instant,
) -> Result<(UserId, String)> {
    let id = store::insert(tx, new, None, now)
        .await
        .on_constraint("users_email_key", email_taken)?;
    let event = SecurityEvent::new(SecurityKind::AccountCreated, true)
        .upon(id)
        .because("by_operator");
    security::insert(tx, &event, None, now).await?;
    let link = links::issue(tx, app, id, OneTimePurpose::Invitation, now).await?;
    Ok((id, link.set_password_link.unwrap_or_default()))
}

/// Makes an account with a password that was hashed before and is not measured by any policy, in a transaction of the
/// system. For demo data and tests.
pub async fn seed(
    tx: &mut TenantTx,
    new: &NewUser,
    password_hash: &str,
    now: Instant,
) -> Result<UserId> {
    store::insert(tx, new, Some(password_hash), now)
        .await
        .on_constraint("users_email_key", email_taken)
}

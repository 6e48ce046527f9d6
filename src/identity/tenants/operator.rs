//! What the platform operator does, from the command line.

use kernel::clock::Instant;
use kernel::ids::TenantId;
use kernel::{Checks, Code, Error, OnConstraint, Result, Validate};
use platform::App;
use platform::access::{Changed, ChartAccess, Role, announce};
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::db::{Db, SystemTx, TenantTx};

use super::model::{TenantSettings, TenantStatus, is_slug};
use super::store;
use crate::sessions::{self, EndReason};
use crate::users::{self, NewUser};

/// A tenant as the operator lists it.
#[derive(Clone, Debug)]
pub struct Listed {
    pub id: TenantId,
    pub slug: String,
    pub name: String,
    pub status: TenantStatus,
}

/// The tenant of a slug, suspended or not.
pub async fn find(db: &Db, slug: &str) -> Result<Option<TenantId>> {
    Ok(store::find_by_slug(db, slug)
        .await?
        .map(|(tenant, _)| tenant))
}

/// Every tenant, suspended ones too.
pub async fn all(db: &Db) -> Result<Vec<TenantId>> {
    store::ids(db).await
}

/// Every tenant by slug.
pub async fn list(db: &Db) -> Result<Vec<Listed>> {
    let mut listed = Vec::new();
    for tenant in store::ids(db).await? {
        let mut tx = SystemTx::begin(db, tenant).await?;
        let found = store::settings(&mut tx).await?;
        listed.push(Listed {
            id: found.id,
            slug: found.slug,
            name: found.data.name,
            status: found.status,
        });
    }
    listed.sort_by(|one, other| one.slug.cmp(&other.slug));
    Ok(listed)
}

/// Makes a tenant with its data key and its first admin. Returns its id and the link with which the admin sets his
/// password, once, within three days.
///
/// Fails with `slug_taken`, or with `validation_failed` naming the fields.
pub async fn create(
    app: &App,
    slug: &str,
    name: &str,
    time_zone: &str,
    admin: &str,
) -> Result<(TenantId, String)> {
    let now = app.clock.now();
    let settings = TenantSettings {
        name: name.to_owned(),
        time_zone: time_zone.to_owned(),
        mrn_prefix: String::new(),
        mrn_digits: 8,
        chart_access: ChartAccess::CareTeam,
        session_hours: 24,
        idle_minutes: 60,
        password_min: 12,
    };
    let first = NewUser {
        email: admin.to_owned(),
        role: Role::Admin,
        given_name: "First".to_owned(),
        family_name: "Admin".to_owned(),
        phone: None,
        avatar_ref: None,
    };
    let mut checks = Checks::at(now);
    settings.check(&mut checks);
    checks.within("admin", |checks| first.check(checks));
    checks.require(
        is_slug(slug),
        "slug",
        "wrong_form",
        "must have 2 to 63 lower-case letters, digits and hyphens",
    );
    checks.finish()?;

    let tenant = TenantId::new();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    make(&mut tx, app, slug, &settings, now).await?;
    let (_, link) = users::invite_new(&mut tx, app, &first, now).await?;
    tx.commit().await?;
    Ok((tenant, link))
}

/// Makes the tenant that a transaction of the system runs as, with its data key. It has no account yet. Slug and settings
/// are the caller's to check; fails with `slug_taken`.
pub async fn make(
    tx: &mut TenantTx,
    app: &App,
    slug: &str,
    settings: &TenantSettings,
    now: Instant,
) -> Result<()> {
    store::insert(tx, slug, settings, now)
        .await
        .on_constraint("tenants_slug_key", || Error::new(Code::SlugTaken))?;
    app.tenant_keys.create(tx, now).await.map(drop)
}

/// Nobody of the tenant can log in, and every session ends.
pub async fn suspend(app: &App, slug: &str) -> Result<()> {
    set_status(app, slug, TenantStatus::Suspended).await
}

/// Undoes a suspension. Sessions stay ended.
pub async fn reactivate(app: &App, slug: &str) -> Result<()> {
    set_status(app, slug, TenantStatus::Active).await
}

async fn set_status(app: &App, slug: &str, status: TenantStatus) -> Result<()> {
    let tenant = find(&app.db, slug)
        .await?
        .ok_or_else(|| Error::not_found().detail("There is no such tenant."))?;
    let now = app.clock.now();
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    if store::lock(&mut tx).await?.status == status {
        return Ok(());
    }
    store::set_status(&mut tx, status, now).await?;
    if status == TenantStatus::Suspended {
        sessions::end_all_of_tenant(&mut tx, EndReason::AccountChanged, now).await?;
    }
    let reason = match status {
        TenantStatus::Active => "tenant_reactivated",
        TenantStatus::Suspended => "tenant_suspended",
    };
    let event = SecurityEvent::new(SecurityKind::StatusChange, true).because(reason);
    security::insert(&mut tx, &event, None, now).await?;
    announce(&mut tx, Changed::Tenant).await?;
    tx.commit().await?;
    app.authenticator.forget(tenant, Changed::Tenant);
    Ok(())
}

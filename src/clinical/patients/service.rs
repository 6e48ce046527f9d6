//! Registering, opening and amending.

use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Changed, Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::http::{Answer, IfMatch, MergePatch};

use super::model::{NewPatient, Patient, RegisterPatient};
use super::status::PatientStatus;
use super::{clinical_part, duplicates, records, references, sealing, store};

pub(super) async fn register(
    ctx: &Ctx,
    query: RegisterPatient,
    new: NewPatient,
) -> Result<Answer<Patient>> {
    clinical_part::require_writable(&new, ctx.principal().role)?;
    let mut tx = ctx.begin(Permission::PatientCreate).await?;
    let id = PatientId::new();
    references::check(ctx, &mut tx, id, None, &new).await?;
    let cipher = ctx.app().tenant_keys.cipher(&mut tx).await?;
    let sealed = sealing::seal(&cipher, (tx.tenant(), id), &new, None)?;
    if !query.allow_duplicate {
        tx = duplicates::refuse(tx, &sealed).await?;
    }
    records::register(&mut tx, id, &sealed, None, ctx.now()).await?;
    let patient = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let (location, version) = (format!("/api/v1/patients/{id}"), patient.version);
    let shown = patient.shown_to(ctx.principal().role);
    let disclosure = Disclosure::of("patient", Action::Create, id, id, shown)
        .created_at(location)
        .version(version);
    let answer = tx.commit(disclosure).await?;
    forget_link(ctx, [new.portal_user_id, None]);
    Ok(answer)
}

/// The busiest read of the house: a glance.
pub(super) async fn open(ctx: &Ctx, id: PatientId) -> Result<Answer<Patient>> {
    let (row, glimpse) = ctx
        .glance::<store::Row>(Permission::PatientRead, id)
        .await?;
    let patient = Patient::from(row).shown_to(ctx.principal().role);
    let version = patient.version;
    glimpse
        .finish(Disclosure::of("patient", Action::Read, id, id, patient).version(version))
        .await
}

pub(super) async fn amend(
    ctx: &Ctx,
    id: PatientId,
    if_match: IfMatch,
    patch: &MergePatch,
) -> Result<Answer<Patient>> {
    clinical_part::require_changeable(patch, ctx.principal().role)?;
    let mut tx = ctx.begin(Permission::PatientUpdate).await?;
    let ssn = store::lock(&mut tx, id).await?;
    let present = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    if_match.require(present.version)?;
    let wanted = patch.apply(&present.data)?;
    if wanted.deceased_on.is_some() && present.status != PatientStatus::Deceased {
        return Err(Error::field(
            "/deceased_on",
            "not_deceased",
            "needs the status deceased; see POST …/status",
        ));
    }
    references::check(ctx, &mut tx, id, Some(&present.data), &wanted).await?;
    let cipher = ctx.app().tenant_keys.cipher(&mut tx).await?;
    let sealed = sealing::seal(&cipher, (tx.tenant(), id), &wanted, ssn.as_deref())?;
    records::amend(&mut tx, &present, ssn.as_deref(), &sealed, ctx.now()).await?;
    let patient = store::find(&mut tx, id)
        .await?
        .ok_or_else(Error::not_found)?;
    let version = patient.version;
    let shown = patient.shown_to(ctx.principal().role);
    let answer = tx
        .commit(Disclosure::of("patient", Action::Update, id, id, shown).version(version))
        .await?;
    if wanted.portal_user_id != present.data.portal_user_id {
        forget_link(ctx, [present.data.portal_user_id, wanted.portal_user_id]);
    }
    Ok(answer)
}

/// What this server remembers of accounts whose chart is another one now. The others hear it from the database.
pub(super) fn forget_link(ctx: &Ctx, accounts: [Option<kernel::ids::UserId>; 2]) {
    for user in accounts.into_iter().flatten() {
        ctx.app()
            .authenticator
            .forget(ctx.tenant(), Changed::User(user));
    }
}

//! Stating that no allergies are known, and withdrawing it.

use kernel::clock::Instant;
use kernel::ids::{AllergyStatementId, PatientId};
use kernel::{Code, Error, OnConstraint, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::Answer;
use serde_json::json;

use super::model::{
    Allergy, AllergyState, AllergyStatement, AllergySummary, Criticality, ListStatements,
    NewStatement, NoKnown, SubstanceKind,
};
use super::store::Filter;
use super::{store as allergies, store_statements as store};
use crate::entries::{Mistake, Then, disclose_one, list_as_of, require_then, states_as_of};
use crate::imported;
use crate::patients::{self, AsOf};

const RESOURCE: &str = "allergy";
/// More active allergies than anybody has.
const SHOWN: i64 = 200;

pub(super) async fn list(
    ctx: &Ctx,
    patient: PatientId,
    query: ListStatements,
) -> Result<Answer<Page<AllergyStatement>>> {
    if let Some(at) = query.as_of {
        let then = Then {
            patient,
            at,
            limit: None,
            cursor: None,
        };
        return list_as_of(
            ctx,
            then,
            &query.include_withdrawn,
            |row: &AllergyStatement| query.include_withdrawn || row.withdrawn_at.is_none(),
        )
        .await;
    }
    let mut tx = ctx.begin(Permission::AllergyRead).await?;
    patients::require(&mut tx, patient).await?;
    let rows = store::of_patient(&mut tx, patient, None, query.include_withdrawn).await?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        Page::last(rows),
    ))
    .await
}

pub(super) async fn read(
    ctx: &Ctx,
    patient: PatientId,
    id: AllergyStatementId,
) -> Result<Answer<AllergyStatement>> {
    let mut tx = ctx.begin(Permission::AllergyRead).await?;
    patients::require(&mut tx, patient).await?;
    let statement = store::get(&mut tx, patient, id).await?;
    tx.finish(disclose_one(Action::Read, patient, id, statement))
        .await
}

pub(super) async fn state(
    ctx: &Ctx,
    patient: PatientId,
    new: NewStatement,
) -> Result<Answer<AllergyStatement>> {
    let mut tx = ctx.begin(Permission::AllergyWrite).await?;
    patients::hold(&mut tx, patient).await?;
    let now = ctx.now();
    let id = state_in_tx(&mut tx, patient, &new, (now, now)).await?;
    let statement = store::get(&mut tx, patient, id).await?;
    let place = format!("/api/v1/patients/{patient}/allergy-statements/{id}");
    tx.commit(disclose_one(Action::Create, patient, id, statement).created_at(place))
        .await
}

/// States it of a patient who is held ([`patients::hold`]): when it was stated, and now.
///
/// # Errors
/// `statement_contradicts_allergy`, `already_stated`.
pub async fn state_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    new: &NewStatement,
    at: (Instant, Instant),
) -> Result<AllergyStatementId> {
    let kinds = allergies::live_kinds(tx, patient).await?;
    if kinds.into_iter().any(|kind| new.statement.denies(kind)) {
        return Err(Error::new(Code::StatementContradictsAllergy));
    }
    let id = AllergyStatementId::new();
    store::insert(tx, patient, id, new, at)
        .await
        .on_constraint("allergy_statements_open_key", || {
            Error::new(Code::AlreadyStated)
        })?;
    Ok(id)
}

/// A statement of the patient, withdrawn or not.
///
/// # Errors
/// `not_found`.
pub async fn statement_in_tx(
    tx: &mut TenantTx,
    patient: PatientId,
    id: AllergyStatementId,
) -> Result<AllergyStatement> {
    store::get(tx, patient, id).await
}

/// Withdraws a statement that stands, of a patient who is held.
pub async fn withdraw_in_tx(
    tx: &mut TenantTx,
    id: AllergyStatementId,
    reason: &str,
    now: Instant,
) -> Result<()> {
    store::withdraw(tx, id, reason, now).await
}

/// One that was withdrawn stays withdrawn.
pub(super) async fn withdraw(
    ctx: &Ctx,
    patient: PatientId,
    id: AllergyStatementId,
    why: Mistake,
) -> Result<Answer<AllergyStatement>> {
    let mut tx = ctx.begin(Permission::AllergyWrite).await?;
    patients::hold(&mut tx, patient).await?;
    let present = store::get(&mut tx, patient, id).await?;
    if present.withdrawn_at.is_some() {
        return Err(Error::new(Code::IllegalTransition).with("allowed", json!([])));
    }
    store::withdraw(&mut tx, id, &why.reason, ctx.now()).await?;
    let statement = store::get(&mut tx, patient, id).await?;
    tx.commit(disclose_one(Action::Update, patient, id, statement))
        .await
}

/// What the bedside would have seen then.
pub(super) async fn summary_as_of(
    ctx: &Ctx,
    patient: PatientId,
    then: AsOf,
) -> Result<Answer<AllergySummary>> {
    let mut tx = require_then(ctx, patient, then.instant(ctx)).await?;
    let then = then.instant(ctx);
    let mut active: Vec<Allergy> = states_as_of(&mut tx, patient, then).await?;
    active.retain(|allergy| allergy.data.is_live());
    let mut standing: Vec<AllergyStatement> = states_as_of(&mut tx, patient, then).await?;
    standing.retain(|statement| statement.withdrawn_at.is_none());
    let summary = AllergySummary::of(active, standing, None);
    let disclosure = Disclosure::of(RESOURCE, Action::Read, patient, patient, summary);
    tx.finish(disclosure).await
}

pub(super) async fn summary(ctx: &Ctx, patient: PatientId) -> Result<Answer<AllergySummary>> {
    let mut tx = ctx.begin(Permission::AllergyRead).await?;
    patients::require(&mut tx, patient).await?;
    let summary = summary_in_tx(&mut tx, patient).await?;
    tx.finish(Disclosure::of(
        RESOURCE,
        Action::Read,
        patient,
        patient,
        summary,
    ))
    .await
}

/// What the bedside must see: the allergies that warn, the statements that stand, or that nobody has asked.
pub async fn summary_in_tx(tx: &mut TenantTx, patient: PatientId) -> Result<AllergySummary> {
    let live = Filter {
        live_only: true,
        ..Filter::default()
    };
    let active = allergies::page(tx, patient, live, None, SHOWN).await?;
    let statements = store::of_patient(tx, patient, None, false).await?;
    let unread = imported::not_entered_in_tx(tx, patient, imported::ALLERGY).await?;
    Ok(AllergySummary::of(active, statements, Some(unread)))
}

impl AllergySummary {
    /// Of the allergies that warn and the statements that stand.
    pub(crate) fn of(
        mut active: Vec<Allergy>,
        statements: Vec<AllergyStatement>,
        imported_not_entered: Option<i64>,
    ) -> Self {
        active.sort_by_key(|allergy| allergy.data.criticality != Criticality::High);
        let whole = |one: &AllergyStatement| one.data.statement == NoKnown::NoKnownAllergies;
        let state = if !active.is_empty() {
            AllergyState::Known
        } else if statements.iter().any(whole) {
            AllergyState::NoneKnown
        } else if statements.is_empty() {
            AllergyState::NotAssessed
        } else {
            AllergyState::PartlyAssessed
        };
        Self {
            state,
            active,
            statements,
            imported_not_entered,
        }
    }
}

/// Refuses an allergy to a substance of a kind of which it is stated that there are none.
pub(super) async fn refuse_denied(
    tx: &mut TenantTx,
    patient: PatientId,
    kind: SubstanceKind,
) -> Result<()> {
    let standing = store::of_patient(tx, patient, None, false).await?;
    match standing
        .iter()
        .find(|statement| statement.data.statement.denies(kind))
    {
        Some(statement) => {
            Err(Error::new(Code::AllergyContradictsStatement)
                .with("statement_id", json!(statement.id)))
        }
        None => Ok(()),
    }
}

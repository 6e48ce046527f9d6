//! Two registrations of one person become one, and two again.
//!
//! The database moves the rows: every table that a foreign key leads from to the patients, also one that is made tomorrow, in
//! one statement and with a journal (`migrations/0018_merge.sql`). The registration that was merged stays as it was read,
//! with the status `merged` and who replaces it; what finds it finds the survivor from then on. A preview is the merge itself,
//! not committed, so it can't differ.
//!
//! Traps: the survivor's own registration is not changed but for the account; what both have and what differs is named as a
//! conflict, for somebody to amend. A row the survivor has the like of stays with the merged registration, unless it can give
//! way: the second of two equal problems, allergies or doses moves as entered in error, so that its visit moves with it. What it
//! says of an allergy or a problem that is worse or more, the survivor's takes over (`migrations/0036_merged_warnings.sql`).
//! Taking back returns what was moved, as it was, with what has been written into it since, and what an import entered since for the
//! one who goes back (`migrations/0042_taken_back.sql`); what else is new in the survivor's chart stays his, and is named.

use kernel::ids::{MergeId, PatientId};
use kernel::{Checks, Code, Error, OnConstraint, Result, Validate};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::crypto::TenantCipher;
use platform::db::TenantTx;
use platform::http::Answer;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::model::{Patient, PatientIdentifier, PatientName};
use super::store_merges::{self as store, NewMerge, Tally};
use super::{keys, records, sealing, service, store as rows, store_keys};

/// Which registration is the same person's, and how that is known.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "duplicate_id": "01890a5d-ac96-774b-bcce-b302099a8059", "reason": "Same passport shown at the desk" }))]
pub struct MergeRequest {
    /// The registration that ends; the one in the path goes on.
    pub duplicate_id: PatientId,
    pub reason: String,
}

impl Validate for MergeRequest {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// Why a merge is taken back.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Father and son of the same name" }))]
pub struct UnmergeRequest {
    pub reason: String,
}

impl Validate for UnmergeRequest {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// How to merge, or to take a merge back.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MergeQuery {
    /// Shows what it would do, and does not do it.
    #[serde(default)]
    pub preview: bool,
}

/// What becomes of the rows of one table.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MergedTable {
    #[schema(example = "encounters")]
    pub table: String,
    pub moved: i64,
    /// Rows the survivor has the like of, and rows that belong to such: they stay with the merged registration.
    pub stayed: i64,
    /// Rows that gave way: a problem, allergy or dose that the survivor has too is moved as entered in error, and a statement
    /// that an allergy of the other chart denies is withdrawn; and those named in `taken_over`. Taking the merge back restores them.
    pub changed: i64,
    /// The rules that kept or changed them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub because: Vec<String>,
}

/// An entry of the survivor's that takes over what the other chart says of the same thing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TakenOver {
    #[schema(example = "allergies")]
    pub table: String,
    pub id: uuid::Uuid,
    /// Which of its members say more than before.
    #[schema(example = json!(["criticality", "reactions"]))]
    pub members: Vec<String>,
}

/// What was entered in the survivor's chart while a merge stood.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AddedMeanwhile {
    #[schema(example = "problems")]
    pub table: String,
    pub count: i64,
    /// The latest hundred; of vital signs the sets.
    pub ids: Vec<uuid::Uuid>,
}

/// What a merge does, or did.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct MergeReport {
    /// None for a preview.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<MergeId>,
    pub survivor_id: PatientId,
    pub merged_id: PatientId,
    pub preview: bool,
    pub tables: Vec<MergedTable>,
    /// Allergies and problems that both charts have, and of which the other says something worse or more: the survivor's say that
    /// too, until the merge is taken back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taken_over: Vec<TakenOver>,
    /// Of a merge that is taken back: what was entered since and stays with the survivor, by a person or by an import. Whatever of it
    /// is about the other has to be entered there anew, and taken back here.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<AddedMeanwhile>,
    /// Members in which the two registrations differ; the survivor keeps his. `contacts`, `risk_factors` and `health_goals`: the
    /// other has some that stay with it. `is_vip` and `is_confidential`: one has the flag, and the survivor has it from then on,
    /// until the merge is taken back. And `allergy_statements`, if one of the charts
    /// states that there are no allergies and the other names one; `allergies`, if both name the same, and `problems`, if what they
    /// say of one differs: they are to be read again.
    #[schema(example = json!(["birth_date"]))]
    pub conflicts: Vec<&'static str>,
}

pub(super) async fn merge(
    ctx: &Ctx,
    survivor: PatientId,
    query: MergeQuery,
    request: MergeRequest,
) -> Result<Answer<MergeReport>> {
    let merged = request.duplicate_id;
    let mut tx = ctx.begin(Permission::PatientMerge).await?;
    let (kept, ended) = both(&mut tx, survivor, merged).await?;
    let id = MergeId::new();
    let account = ended
        .data
        .portal_user_id
        .filter(|_| kept.data.portal_user_id.is_none());
    let new = NewMerge {
        id,
        survivor,
        merged,
        reason: &request.reason,
        former_status: ended.status,
        former_reason: ended.status_reason.as_deref(),
        moved_account: account,
    };
    store::insert(&mut tx, &new, ctx.user(), ctx.now()).await?;
    store::move_rows(&mut tx, id).await?;
    let tables = tables(&mut tx, id).await?;
    let taken_over = store::taken_over(&mut tx, id).await?;
    let mut conflicts = conflicts(&kept, &ended);
    conflicts.extend(contradictions(&tables, &taken_over));
    let report = MergeReport {
        id: (!query.preview).then_some(id),
        survivor_id: survivor,
        merged_id: merged,
        preview: query.preview,
        tables,
        taken_over,
        added: Vec::new(),
        conflicts,
    };
    let about = [super::subject(survivor), super::subject(merged)];
    if query.preview {
        return tx
            .finish_undone(Disclosure::shown("patient", Action::Read, about, report))
            .await;
    }
    let cipher = ctx.app().tenant_keys.cipher(&mut tx).await?;
    store_keys::clear(&mut tx, merged).await?;
    find_by_all(&mut tx, &cipher, survivor).await?;
    records::announce_link(&mut tx, account, None).await?;
    let answer = commit(tx, about, report).await?;
    service::forget_link(ctx, [account, None]);
    Ok(answer)
}

async fn commit(
    tx: platform::db::CallerTx,
    about: [Subject; 2],
    report: MergeReport,
) -> Result<Answer<MergeReport>> {
    tx.commit(Disclosure::shown("patient", Action::Update, about, report))
        .await
}

/// Locks and reads both registrations; each must be there, and neither merged away.
async fn both(
    tx: &mut TenantTx,
    survivor: PatientId,
    merged: PatientId,
) -> Result<(Patient, Patient)> {
    if survivor == merged {
        return Err(Error::field(
            "/duplicate_id",
            "same_patient",
            "must be another registration",
        ));
    }
    store::lock_both(tx, survivor, merged).await?;
    let kept = rows::find(tx, survivor)
        .await?
        .ok_or_else(Error::not_found)?;
    let ended = rows::find(tx, merged)
        .await?
        .ok_or_else(|| Error::field("/duplicate_id", "no_such_patient", "must name a patient"))?;
    match kept.replaced_by.or(ended.replaced_by) {
        Some(replaced_by) => Err(rows::merged_into(replaced_by)),
        None => Ok((kept, ended)),
    }
}

/// `merged` is the registration that was merged away.
pub(super) async fn unmerge(
    ctx: &Ctx,
    merged: PatientId,
    query: MergeQuery,
    request: UnmergeRequest,
) -> Result<Answer<MergeReport>> {
    let mut tx = ctx.begin(Permission::PatientMerge).await?;
    let present = rows::find(&mut tx, merged)
        .await?
        .ok_or_else(Error::not_found)?;
    let illegal = || Error::new(Code::IllegalTransition).with("allowed", serde_json::json!([]));
    let merge = store::standing(&mut tx, merged)
        .await?
        .ok_or_else(illegal)?;
    // Merged on since: the later merge is taken back first.
    if present.replaced_by != Some(merge.survivor) {
        return Err(illegal());
    }
    store::lock_both(&mut tx, merge.survivor, merged).await?;
    // Somebody may have been quicker: with this merge taken back, or with a further one.
    let still = store::standing(&mut tx, merged).await?;
    let present = rows::find(&mut tx, merged).await?;
    if still.is_none_or(|still| still.id != merge.id)
        || present.is_none_or(|present| present.replaced_by != Some(merge.survivor))
    {
        return Err(illegal());
    }
    move_back(&mut tx, merge.id).await?;
    store::mark_undone(&mut tx, merge.id, &request.reason, ctx.user(), ctx.now()).await?;
    let cipher = ctx.app().tenant_keys.cipher(&mut tx).await?;
    for id in [merge.survivor, merged] {
        store_keys::clear(&mut tx, id).await?;
        find_by_all(&mut tx, &cipher, id).await?;
    }
    let kept = rows::find(&mut tx, merge.survivor)
        .await?
        .ok_or_else(Error::not_found)?;
    let again = rows::find(&mut tx, merged)
        .await?
        .ok_or_else(Error::not_found)?;
    let report = MergeReport {
        id: (!query.preview).then_some(merge.id),
        survivor_id: merge.survivor,
        merged_id: merged,
        preview: query.preview,
        tables: tables(&mut tx, merge.id).await?,
        taken_over: store::taken_over(&mut tx, merge.id).await?,
        added: store::added(&mut tx, &merge, ctx.now()).await?,
        conflicts: conflicts(&kept, &again),
    };
    let about = [super::subject(merged), super::subject(merge.survivor)];
    if query.preview {
        return tx
            .finish_undone(Disclosure::shown("patient", Action::Read, about, report))
            .await;
    }
    records::announce_link(&mut tx, merge.moved_account, None).await?;
    let answer = commit(tx, about, report).await?;
    service::forget_link(ctx, [merge.moved_account, None]);
    Ok(answer)
}

/// Gives the rows of a merge back, unless something newer stands on them.
async fn move_back(tx: &mut TenantTx, merge: MergeId) -> Result<()> {
    let blocked = || Error::new(Code::MergeBlocked);
    if store::is_relied_on(tx, merge).await? {
        return Err(blocked().detail(
            "An entry of a registration that was merged later gave way to one of this: take that merge back first.",
        ));
    }
    match store::move_back(tx, merge).await {
        Err(error) if matches!(error.code(), Code::ValidationFailed | Code::AlreadyExists) => {
            Err(blocked().because(error))
        }
        other => other.on_constraint("patients_portal_key", blocked),
    }
}

/// Makes a patient be found by all that is known of him: his own registration and those merged into it.
async fn find_by_all(tx: &mut TenantTx, cipher: &TenantCipher, id: PatientId) -> Result<()> {
    let own = keys_of(tx, cipher, id).await?;
    store_keys::add(tx, id, &own).await?;
    for origin in store::merged_into(tx, id).await? {
        let mut theirs = keys_of(tx, cipher, origin).await?;
        // For finding him; whom he is compared with is decided by what he is now.
        theirs.retain(|(kind, _)| *kind != "block");
        store_keys::add_of_merged(tx, id, origin, &theirs).await?;
    }
    Ok(())
}

async fn keys_of(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    id: PatientId,
) -> Result<std::collections::BTreeSet<keys::Key>> {
    let Some(patient) = rows::find(tx, id).await? else {
        return Ok(std::collections::BTreeSet::new());
    };
    let ssn = store::sealed_ssn(tx, id).await?;
    let sealed = sealing::seal(cipher, (tx.tenant(), id), &patient.data, ssn.as_deref())?;
    let indexes = &sealed.ssn_indexes;
    Ok(keys::of_patient(&patient.data, &patient.mrn, indexes))
}

async fn tables(tx: &mut TenantTx, id: MergeId) -> Result<Vec<MergedTable>> {
    let shown = |tally: Tally| MergedTable {
        table: tally.table_name,
        moved: tally.moved,
        stayed: tally.stayed,
        changed: tally.changed,
        because: tally.because.unwrap_or_default(),
    };
    Ok(store::tallies(tx, id)
        .await?
        .into_iter()
        .map(shown)
        .collect())
}

/// What the charts say against one another about allergies and problems.
fn contradictions<'a>(
    tables: &'a [MergedTable],
    taken_over: &'a [TakenOver],
) -> impl Iterator<Item = &'static str> {
    let changed = |name: &&str| {
        tables
            .iter()
            .any(|table| table.table == *name && table.changed > 0)
    };
    let differ = taken_over.iter().any(|entry| entry.table == "problems");
    ["allergies", "allergy_statements"]
        .into_iter()
        .filter(changed)
        .chain(differ.then_some("problems"))
}

/// Both are known and not alike.
fn differ<T: PartialEq>(one: Option<&T>, other: Option<&T>) -> bool {
    matches!((one, other), (Some(a), Some(b)) if a != b)
}

/// The other has some that the one has not.
fn lacks<T: PartialEq>(one: &[T], other: &[T]) -> bool {
    other.iter().any(|item| !one.contains(item))
}

fn conflicts(kept: &Patient, ended: &Patient) -> Vec<&'static str> {
    let (one, other) = (&kept.data, &ended.data);
    let name = |patient: &Patient| PatientName::legal(&patient.data.names).map(PatientName::spoken);
    let ssn = |patient: &Patient| {
        PatientIdentifier::ssn(&patient.data.identifiers).and_then(|(_, ssn)| ssn.last4.clone())
    };
    [
        ("names", differ(name(kept).as_ref(), name(ended).as_ref())),
        ("birth_date", one.birth_date != other.birth_date),
        ("sex", one.sex != other.sex),
        ("ssn", differ(ssn(kept).as_ref(), ssn(ended).as_ref())),
        ("status", kept.status != ended.status),
        (
            "deceased_on",
            differ(one.deceased_on.as_ref(), other.deceased_on.as_ref()),
        ),
        (
            "blood_type",
            differ(one.blood_type.as_ref(), other.blood_type.as_ref()),
        ),
        (
            "primary_provider_id",
            differ(
                one.primary_provider_id.as_ref(),
                other.primary_provider_id.as_ref(),
            ),
        ),
        ("contacts", lacks(&one.contacts, &other.contacts)),
        (
            "risk_factors",
            lacks(&one.risk_factors, &other.risk_factors),
        ),
        (
            "health_goals",
            lacks(&one.health_goals, &other.health_goals),
        ),
        ("is_vip", one.is_vip != other.is_vip),
        (
            "is_confidential",
            one.is_confidential != other.is_confidential,
        ),
        (
            "portal_user_id",
            differ(one.portal_user_id.as_ref(), other.portal_user_id.as_ref()),
        ),
    ]
    .into_iter()
    .filter_map(|(field, differs)| differs.then_some(field))
    .collect()
}

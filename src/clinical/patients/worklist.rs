//! The work list of duplicates: pairs that are probably one person, for somebody to look at.
//!
//! A pass compares whoever has changed since the last one with those who share a key with him, never all with all. Every
//! server makes one each minute, and anybody who may review the list can ask for one. A pair that was dismissed is remembered
//! for good; the pass never merges anything.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use kernel::clock::Instant;
use kernel::ids::{DuplicatePairId, PatientId, TenantId};
use kernel::{Checks, Error, Page, Result, Validate};
use platform::App;
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::{Action, Subject};
use platform::db::{SystemTx, TenantTx};
use platform::http::{Answer, Paging};
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::matching::{self, Agreement};
use super::model::{PatientName, Sex};
use super::status::PatientStatus;
use super::store_pairs::{self as store, Changed, PairRow, Settings};
use super::{duplicates, keys, store_keys, store_search};

/// Patients one pass compares at most.
const A_PASS: i64 = 200;
/// How often a server looks.
const EACH: Duration = Duration::from_mins(1);

/// Whether a pair is still to be looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairStatus {
    #[default]
    Open,
    /// Two people, somebody said.
    Dismissed,
}

/// One of a pair.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct PairedPatient {
    pub id: PatientId,
    pub mrn: String,
    pub names: Vec<PatientName>,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    pub status: PatientStatus,
}

/// Two registrations that are probably one person's.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DuplicatePair {
    pub id: DuplicatePairId,
    /// That they are one person, 0 to 1.
    #[schema(example = 0.998)]
    pub probability: f64,
    pub agrees_on: Vec<Agreement>,
    pub status: PairStatus,
    /// Why it was dismissed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    pub patients: [PairedPatient; 2],
    pub found_at: DateTime<Utc>,
    pub version: i64,
}

/// Which pairs.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListDuplicates {
    /// `open` unless said.
    #[serde(default)]
    #[param(inline)]
    pub status: PairStatus,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// Why two are not one.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "reason": "Twin sisters, both seen in person" }))]
pub struct Dismissal {
    pub reason: String,
}

impl Validate for Dismissal {
    fn check(&self, checks: &mut Checks) {
        checks.text("reason", &self.reason, 500);
    }
}

/// What a pass did.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ScanReport {
    /// Patients who were compared with those that share a key with them.
    pub compared: usize,
    /// Open pairs they are part of.
    pub pairs: usize,
    /// Whether others are still to be compared.
    pub more: bool,
}

pub(super) async fn list(ctx: &Ctx, query: ListDuplicates) -> Result<Answer<Page<DuplicatePair>>> {
    let status = match query.status {
        PairStatus::Open => "open",
        PairStatus::Dismissed => "dismissed",
    };
    let paging = Paging::new(ctx, &status, query.limit, query.cursor.clone())?;
    let mut tx = ctx.begin(Permission::PatientDuplicates).await?;
    let rows = store::page(&mut tx, None, status, paging.after()?, paging.fetch()).await?;
    let page = paging.page(rows, |row| (row.weight, row.id))?;
    let page = page.map(shown);
    let subjects: Vec<Subject> = page.items.iter().flat_map(subjects).collect();
    tx.finish(Disclosure::list("patient", subjects, page)).await
}

pub(super) async fn dismiss(
    ctx: &Ctx,
    id: DuplicatePairId,
    dismissal: Dismissal,
) -> Result<Answer<DuplicatePair>> {
    let mut tx = ctx.begin(Permission::PatientReviewDuplicates).await?;
    let present = store::page(&mut tx, Some(id), "", None, 1).await?.pop();
    let present = shown(present.ok_or_else(Error::not_found)?);
    if !store::dismiss(&mut tx, id, &dismissal.reason, ctx.user(), ctx.now()).await? {
        return Err(
            Error::new(kernel::Code::IllegalTransition).with("allowed", serde_json::json!([]))
        );
    }
    let pair = store::page(&mut tx, Some(id), "", None, 1).await?.pop();
    let pair = shown(pair.ok_or_else(Error::not_found)?);
    let version = pair.version;
    let disclosure = Disclosure::shown("patient", Action::Update, subjects(&present), pair);
    tx.commit(disclosure.version(version)).await
}

pub(super) async fn scan(ctx: &Ctx) -> Result<Answer<ScanReport>> {
    let mut tx = ctx.begin(Permission::PatientReviewDuplicates).await?;
    let report = pass(&mut tx, ctx.now()).await?;
    tx.commit(Disclosure::shown("patient", Action::Search, [], report))
        .await
}

/// Looks for duplicates in every tenant each minute, until the signal turns true or its sender is gone. What fails is logged
/// and tried again at the next turn.
pub async fn keep_looking(app: App, mut stop: watch::Receiver<bool>) {
    loop {
        tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EACH) => {}
        }
        let tenants = match platform::maintenance::tenant_ids(&app.db).await {
            Ok(tenants) => tenants,
            Err(error) => {
                tracing::error!(
                    cause = error.cause_for_log(),
                    "looking for duplicates failed"
                );
                continue;
            }
        };
        for tenant in tenants {
            look_in(&app, tenant, &stop).await;
        }
    }
}

/// Compares whoever changed in this tenant since the last look, in passes; none begins once the signal has turned true. After each
/// it rests as long as that took: a million patients who came in at once are no reason to keep a processor from those who ask.
/// What fails is logged.
pub async fn look_in(app: &App, tenant: TenantId, stop: &watch::Receiver<bool>) {
    let mut stop = stop.clone();
    while !*stop.borrow() {
        let began = tokio::time::Instant::now();
        match pass_in(app, tenant).await {
            Ok(report) if report.more => {
                let _ = timeout(began.elapsed(), stop.wait_for(|stop| *stop)).await;
            }
            Ok(_) => return,
            Err(error) => {
                tracing::error!(
                    %tenant,
                    cause = error.cause_for_log(),
                    "looking for duplicates failed"
                );
                return;
            }
        }
    }
}

async fn pass_in(app: &App, tenant: TenantId) -> Result<ScanReport> {
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let report = pass(&mut tx, app.clock.now()).await?;
    tx.commit().await?;
    Ok(report)
}

async fn pass(tx: &mut TenantTx, now: Instant) -> Result<ScanReport> {
    let settings = store::lock_settings(tx, now).await?;
    let changed = store::changed(tx, (settings.scanned_at, settings.scanned_id), A_PASS).await?;
    let mut report = ScanReport {
        compared: changed.len(),
        pairs: 0,
        more: i64::try_from(changed.len()) == Ok(A_PASS),
    };
    let model = settings.model();
    let place = changed.last().map(|last| (last.updated_at, last.id));
    for patient in changed {
        report.pairs += compare(tx, &settings, &model, patient, now).await?;
    }
    let (at, id) = place.unzip();
    let id = id.filter(|_| report.more);
    store::set_place(tx, at.or(settings.scanned_at), id).await?;
    Ok(report)
}

async fn compare(
    tx: &mut TenantTx,
    settings: &Settings,
    model: &::matching::Model,
    patient: Changed,
    now: Instant,
) -> Result<usize> {
    let Changed {
        id, compared, ssn, ..
    } = patient;
    let keys = duplicates::meeting_keys(&compared.0, &ssn);
    // Who was registered before there were such keys has none yet.
    let blocks = keys::blocks(&compared.0);
    store_keys::add(tx, id, &blocks).await?;
    let person = matching::person(&compared.0, ssn.first());
    let rows = store_search::candidates(tx, &keys, Some(id), duplicates::COMPARED).await?;
    let pairs: Vec<_> = rows
        .into_iter()
        .map(|row| {
            let other = matching::person(&row.data, matching::beside(&ssn, &row.ssn));
            (row.id, matching::compare(model, &person, &other))
        })
        .filter(|(_, likeness)| {
            likeness.veto.is_none() && likeness.probability >= settings.review_from()
        })
        .collect();
    store::replace_pairs(tx, id, &pairs, now).await
}

fn shown(row: PairRow) -> DuplicatePair {
    DuplicatePair {
        id: row.id,
        probability: matching::probability(row.weight),
        agrees_on: row.agrees_on.0,
        status: if row.status == "open" {
            PairStatus::Open
        } else {
            PairStatus::Dismissed
        },
        reason: row.reason,
        patients: [row.one.0, row.other.0],
        found_at: row.found_at,
        version: row.version,
    }
}

fn subjects(pair: &DuplicatePair) -> [Subject; 2] {
    [
        super::subject(pair.patients[0].id),
        super::subject(pair.patients[1].id),
    ]
}

//! Loading the demo: what is missing, each organisation whole or not at all.

use bytes::Bytes;
use clinical::{documents, encounters, vitals};
use identity::passwords::Passwords;
use identity::tenants;
use kernel::ids::TenantId;
use kernel::{Code, Error, Kind, Result};
use platform::App;
use platform::db::{SystemTx, partition};
use secrecy::SecretString;

use super::places::{LAKESIDE, RIVERSIDE};
use super::plan::Plan;
use super::wall::Wall;
use super::write::Writer;
use super::{PASSWORD, record};

/// How often somebody who waits for another to write an organisation tries.
const TRIES: u32 = 6;

/// What has been written. Nothing, where it was there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub tenants: usize,
    pub accounts: usize,
    pub patients: usize,
    pub encounters: usize,
}

/// Makes the demo's organisations, unless they are there.
pub async fn load(app: &App, seed: u64) -> Result<Summary> {
    let mut missing = Vec::new();
    for organisation in [&RIVERSIDE, &LAKESIDE] {
        if tenants::find(&app.db, organisation.slug).await?.is_none() {
            missing.push(organisation);
        }
    }
    if missing.is_empty() {
        return Ok(Summary::default());
    }
    partition::ensure_ahead(&app.db, partition::AHEAD).await?;
    // Hashing is slow on purpose: all accounts share one hash of the one password.
    let hash = Passwords::default()
        .hash(SecretString::from(PASSWORD))
        .await?;
    let plans: Vec<Plan> = missing
        .into_iter()
        .map(|organisation| {
            Plan::draw(
                organisation,
                seed,
                Wall::new(app.clock.now(), organisation.zone),
            )
        })
        .collect();
    // Months are made outside the transactions that write into them.
    let starts = plans
        .iter()
        .flat_map(|plan| &plan.visits)
        .map(|visit| visit.start);
    encounters::ensure_months(&app.db, starts).await?;
    let begun = plans.iter().flat_map(|plan| &plan.visits);
    vitals::ensure_months(&app.db, begun.filter_map(|visit| visit.begun)).await?;
    let written =
        futures_util::future::try_join_all(plans.iter().map(|plan| found(app, plan, &hash)))
            .await?;
    Ok(written
        .into_iter()
        .flatten()
        .fold(Summary::default(), Summary::plus))
}

/// Writes an organisation, or waits for somebody else who is writing it: longer than a statement may.
async fn found(app: &App, plan: &Plan, hash: &str) -> Result<Option<Summary>> {
    let mut tried = 0;
    loop {
        tried += 1;
        match write(app, plan, hash).await {
            Err(error) if error.kind() == Kind::Unavailable && tried < TRIES => {}
            done => return done,
        }
    }
}

/// Writes an organisation in one transaction. `None`: somebody else has just done so.
async fn write(app: &App, plan: &Plan, hash: &str) -> Result<Option<Summary>> {
    let tenant = TenantId::new();
    // Contents are stored outside the transaction that files them.
    let papers = record::papers(&plan.people, plan.wall)?;
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let names = documents::reserve_in_tx(&mut tx, papers.len(), app.clock.now()).await?;
    tx.commit().await?;
    let stored = papers
        .into_iter()
        .zip(names)
        .map(|(paper, name)| async move {
            let content = Bytes::from(paper.text.clone());
            let file = (paper.filename, "text/plain");
            let stored =
                documents::store_content(&app.files, (tenant, name), file, content).await?;
            Ok::<_, Error>((paper, stored))
        });
    let papers = futures_util::future::try_join_all(stored).await?;
    let mut tx = SystemTx::begin(&app.db, tenant).await?;
    let outcome = match Writer::new(app, &mut tx, plan, hash).write(&papers).await {
        Ok(summary) => tx.commit().await.map(|()| Some(summary)),
        Err(error) if error.code() == Code::SlugTaken => Ok(None),
        Err(error) => Err(error),
    };
    if !matches!(outcome, Ok(Some(_))) {
        for (_, stored) in &papers {
            documents::discard(&app.files, tenant, stored).await?;
        }
    }
    outcome
}

impl Summary {
    fn plus(self, other: Self) -> Self {
        Self {
            tenants: self.tenants + other.tenants,
            accounts: self.accounts + other.accounts,
            patients: self.patients + other.patients,
            encounters: self.encounters + other.encounters,
        }
    }
}

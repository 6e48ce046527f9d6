//! Loading the demo: what is missing, each organisation whole or not at all.

use clinical::encounters;
use identity::passwords::Passwords;
use identity::tenants;
use kernel::ids::TenantId;
use kernel::{Code, Result};
use platform::App;
use platform::db::{SystemTx, partition};
use secrecy::SecretString;

use super::PASSWORD;
use super::places::{LAKESIDE, RIVERSIDE};
use super::plan::Plan;
use super::wall::Wall;
use super::write::Writer;

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
    let written =
        futures_util::future::try_join_all(plans.iter().map(|plan| found(app, plan, &hash)))
            .await?;
    Ok(written
        .into_iter()
        .flatten()
        .fold(Summary::default(), Summary::plus))
}

/// Writes an organisation in one transaction. `None`: somebody else has just done so.
async fn found(app: &App, plan: &Plan, hash: &str) -> Result<Option<Summary>> {
    let mut tx = SystemTx::begin(&app.db, TenantId::new()).await?;
    match Writer::new(app, &mut tx, plan, hash).write().await {
        Ok(summary) => {
            tx.commit().await?;
            Ok(Some(summary))
        }
        Err(error) if error.code() == Code::SlugTaken => Ok(None),
        Err(error) => Err(error),
    }
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

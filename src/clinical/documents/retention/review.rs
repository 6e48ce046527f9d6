//! Finding what has outlived its retention. Run by the server; it lists and destroys nothing.

use chrono::NaiveDate;
use kernel::Result;
use kernel::ids::{DocumentId, TenantId};
use platform::App;
use platform::db::{SystemTx, TenantTx};

use super::rule::{Policy, kept_until};
use super::store::{self, Candidate};

/// Documents looked at in one transaction.
const BATCH: i64 = 500;

/// Puts on the review list what has outlived its retention and is not held.
pub(in crate::documents) async fn review(app: &App, tenant: TenantId) -> Result<()> {
    let now = app.clock.now();
    let today = now.date_naive();
    let mut after: Option<(NaiveDate, DocumentId)> = None;
    loop {
        let mut tx = SystemTx::begin(&app.db, tenant).await?;
        let policies = store::policies(&mut tx).await?;
        let Some(shortest) = policies.iter().map(|policy| policy.years).min() else {
            return tx.commit().await;
        };
        let found = store::candidates(&mut tx, i32::from(shortest), today, after, BATCH).await?;
        for candidate in &found {
            if let Some(expired_on) = expiry(candidate, &policies).filter(|day| *day <= today) {
                store::open_review(&mut tx, candidate, expired_on, now).await?;
            }
        }
        tx.commit().await?;
        match found.last() {
            Some(last) if i64::try_from(found.len()) == Ok(BATCH) => {
                after = Some((last.aged.document_date, last.id));
            }
            _ => return Ok(()),
        }
    }
}

/// The first day it need not be kept any more.
fn expiry(candidate: &Candidate, policies: &[Policy]) -> Option<NaiveDate> {
    kept_until(&candidate.aged, policies)?.succ_opt()
}

/// The same for one document, as the policies are now. `None`: it is kept for ever.
pub(super) async fn expired_on(tx: &mut TenantTx, id: DocumentId) -> Result<Option<NaiveDate>> {
    let policies = store::policies(tx).await?;
    let candidate = store::candidate(tx, id).await?;
    Ok(candidate.and_then(|candidate| expiry(&candidate, &policies)))
}

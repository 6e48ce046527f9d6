//! What is kept, looked at once more: what an earlier version kept without looking, what it entered without what these rules know to
//! read, and, when that is asked for, what could not be entered before.

use std::sync::Arc;

use kernel::{Kind, Result};
use platform::db::SystemTx;
use serde_json::Value;
use uuid::Uuid;

use super::batch::{Batch, Outcome};
use super::importer::{Importer, reason};
use super::ledger::Ledger;
use super::papers::{self, Papers};
use super::reference::Scope;
use super::report::Place;
use super::resource::Resource;
use super::run::is_word;
use super::store::{self, Waiting};
use super::store_entries;

/// Resources in one transaction.
const PAGE: i64 = 200;

/// Looks, and returns at how many.
pub(super) async fn look(importer: &Importer, ledger: &Ledger, refused: bool) -> Result<u64> {
    let mut looked = 0;
    let mut after = Uuid::nil();
    let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
    store_entries::reconsider_replaced(&mut tx).await?;
    tx.commit().await?;
    loop {
        let mut tx = SystemTx::begin(&importer.app.db, importer.tenant).await?;
        let mut page = store::waiting(&mut tx, refused, after, PAGE).await?;
        store::mark_shared(&mut tx, &mut page).await?;
        drop(tx);
        let Some(last) = page.last() else {
            return Ok(looked);
        };
        after = last.id;
        looked += page.len() as u64;
        let page: Vec<(Waiting, Resource)> = page
            .into_iter()
            .filter_map(|waiting| Some((resource(&waiting)?, waiting)))
            .map(|(resource, waiting)| (waiting, resource))
            .collect();
        importer
            .ensure_vital_months(importer.measured(page.iter().map(|(_, resource)| resource)))
            .await?;
        let stored = papers::store_page(importer, &page).await?;
        let entered = enter(importer, &page, &stored).await;
        papers::discard(importer, &stored).await?;
        ledger.note(entered?);
    }
}

/// Enters a page, or, where the database refuses that, each alone.
async fn enter(
    importer: &Importer,
    page: &[(Waiting, Resource)],
    stored: &Papers,
) -> Result<Outcome> {
    match transaction(importer, page, stored, None).await {
        Err(error) if error.kind() == Kind::Unavailable => return Err(error),
        Err(_) => {}
        done => return done,
    }
    let mut outcome = Outcome::default();
    for one in page.chunks(1) {
        match transaction(importer, one, stored, None).await {
            Ok(done) => outcome.add(done),
            Err(error) if error.kind() == Kind::Unavailable => return Err(error),
            Err(error) => {
                outcome.add(transaction(importer, one, stored, Some(reason(&error))).await?);
            }
        }
    }
    Ok(outcome)
}

async fn transaction(
    importer: &Importer,
    page: &[(Waiting, Resource)],
    stored: &Papers,
    only_keep: Option<String>,
) -> Result<Outcome> {
    let resources: Vec<Resource> = page.iter().map(|(_, resource)| resource.clone()).collect();
    let mut batch = Batch::begin(importer, &resources, true).await?;
    batch.only_keep = only_keep;
    let ids: Vec<Uuid> = page.iter().map(|(waiting, _)| waiting.id).collect();
    let still = store::still_waiting(&mut batch.tx, &ids).await?;
    let page = page
        .iter()
        .filter(|(waiting, _)| still.contains(&waiting.id));
    for (waiting, resource) in page {
        batch.look_again(waiting, resource, stored).await?;
    }
    batch.commit().await
}

/// The resource, as if it had been read from a file of its own.
pub(super) fn resource(waiting: &Waiting) -> Option<Resource> {
    let value: Value = serde_json::from_str(&waiting.content).ok()?;
    let source = waiting
        .name
        .id
        .split_once('#')
        .map(|(source, _)| source)
        .filter(|source| is_word(source));
    Some(Resource {
        place: Place::file(u32::MAX),
        name: waiting.name.clone(),
        aliases: Vec::new(),
        condition: None,
        content: waiting.content.clone(),
        value,
        scope: Arc::new(Scope::new(source)),
    })
}

//! Indexes in memory, one for each version asked for. A version never changes once it is in force, and a new load has a new
//! id: what is found here is right, on every server, without anybody being told.

use std::sync::{Arc, Mutex, PoisonError};

use kernel::{Error, Result};
use platform::db::{Db, TenantTx};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::index::{Index, Listed};
use super::store;
use super::store::Version;

/// How many concepts are kept ready: SNOMED CT, RxNorm, LOINC and two years of ICD-10-CM. About 250 bytes each.
const MOST_CONCEPTS: usize = 1_500_000;

type Slot = (Uuid, Arc<OnceCell<Arc<Index>>>);

/// The last used first.
static READY: Mutex<Vec<Slot>> = Mutex::new(Vec::new());

/// The index of a version; if nobody has made it, this question does.
pub(super) async fn index(tx: &mut TenantTx, version: &Version) -> Result<Arc<Index>> {
    made(version.id, store::all(tx, version.id)).await
}

/// Makes the index of a version before anybody asks.
pub(super) async fn prepare(db: &Db, version: &Version) -> Result<()> {
    made(version.id, store::all_for_all(db, version.id)).await?;
    Ok(())
}

async fn made(
    version: Uuid,
    concepts: impl Future<Output = Result<Vec<Listed>>>,
) -> Result<Arc<Index>> {
    let cell = slot(version);
    let index = cell
        .get_or_try_init(|| async move {
            let concepts = concepts.await?;
            tokio::task::spawn_blocking(move || Arc::new(Index::new(concepts)))
                .await
                .map_err(Error::internal)
        })
        .await?
        .clone();
    make_room();
    Ok(index)
}

fn slot(id: Uuid) -> Arc<OnceCell<Arc<Index>>> {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = match ready.iter().position(|(other, _)| *other == id) {
        Some(place) => ready.remove(place),
        None => (id, Arc::default()),
    };
    let cell = slot.1.clone();
    ready.insert(0, slot);
    cell
}

/// Forgets what was not asked for the longest. The first always stays, however large.
fn make_room() {
    let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
    let mut kept = 0;
    let mut first = true;
    ready.retain(|(_, cell)| {
        kept += cell.get().map_or(0, |index| index.len());
        std::mem::take(&mut first) || kept <= MOST_CONCEPTS
    });
}

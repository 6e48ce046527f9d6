//! After a new data key: the SSNs by which an import knows persons again, and the hashes that tell what has changed, come from the
//! new key, too. Neither value is kept, so each is indexed once more, over what stands there.
//!
//! Traps: an import that looked at its names right before may write some under the older key; they say so themselves, and the last
//! look, minutes later, takes them over.

use kernel::Result;
use platform::crypto::TenantCipher;
use platform::crypto::reseal::Reindex;
use platform::db::TenantTx;
use uuid::Uuid;

use super::naming::{BLIND, BLIND_KIND, HASH_KIND};
use super::reference::Name;
use super::store_rekeying as store;

/// What an import keeps under the tenant's data key, to be moved to a new one.
pub const NAMES: Reindex = |tx, cipher| Box::pin(rekey(tx, cipher));

/// Rows looked at in one go.
const HANDFUL: i64 = 1_000;

async fn rekey(tx: &mut TenantTx, cipher: &TenantCipher) -> Result<u64> {
    // With one key there is no other to come from.
    if cipher.former_indexes("", "").is_empty() {
        return Ok(0);
    }
    Ok(links(tx, cipher).await? + kept(tx, cipher).await?)
}

async fn links(tx: &mut TenantTx, cipher: &TenantCipher) -> Result<u64> {
    let (mut after, mut moved) = (Name::new(String::new(), String::new()), 0);
    loop {
        let rows = store::links(tx, &after, HANDFUL).await?;
        let Some(last) = rows.last() else {
            return Ok(moved);
        };
        after = last.name.clone();
        let changed: Vec<store::Moved> = rows
            .into_iter()
            .filter_map(|row| {
                let id = renamed(cipher, &row.name.id).unwrap_or_else(|| row.name.id.clone());
                let hash = rehashed(cipher, &row.hash).unwrap_or_else(|| row.hash.clone());
                let same = id == row.name.id && hash == row.hash;
                (!same).then_some(store::Moved {
                    link: row,
                    id,
                    hash,
                })
            })
            .collect();
        moved += store::move_links(tx, &changed).await?;
    }
}

/// Resources that are kept as they came, and are named by an SSN.
async fn kept(tx: &mut TenantTx, cipher: &TenantCipher) -> Result<u64> {
    let (mut after, mut moved) = (Uuid::nil(), 0);
    loop {
        let rows = store::kept(tx, BLIND, after, HANDFUL).await?;
        let Some((last, _)) = rows.last() else {
            return Ok(moved);
        };
        after = *last;
        let (ids, names): (Vec<Uuid>, Vec<String>) = rows
            .into_iter()
            .filter_map(|(id, name)| Some((id, renamed(cipher, &name).filter(|new| *new != name)?)))
            .unzip();
        moved += store::rename_kept(tx, &ids, &names).await?;
    }
}

fn renamed(cipher: &TenantCipher, name: &str) -> Option<String> {
    let stored = name.strip_prefix(BLIND)?;
    Some(format!(
        "{BLIND}{}",
        cipher.lasting_again(BLIND_KIND, stored)?
    ))
}

fn rehashed(cipher: &TenantCipher, hash: &[u8]) -> Option<Vec<u8>> {
    let stored = std::str::from_utf8(hash).ok()?;
    Some(cipher.lasting_again(HASH_KIND, stored)?.into_bytes())
}

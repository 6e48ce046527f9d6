//! After a new data key: the SSNs by which an import knows persons again, and the hashes that tell what has changed, come from the
//! new key, too. Neither value is kept, so each is indexed once more, over what stands there.
//!
//! Names move in handfuls, and until one has, an import that uses it brings it over itself ([`adopt`]): so it is found at every
//! moment, and looked for in one form.
//!
//! Traps: two imports of the same, one under the older key and one under the newer, may both have written a name. Then the one
//! under the present key is the one that leads; the other row stays and gives its name up, and of a resource that is told.

use std::collections::HashMap;

use kernel::Result;
use platform::crypto::TenantCipher;
use platform::crypto::reseal::{KeyedNames, Spot};
use platform::db::TenantTx;
use uuid::Uuid;

use super::naming::{BLIND, BLIND_KIND, HASH_KIND, blind_before};
use super::reference::Name;
use super::store::Known;
use super::store_rekeying::{self as store, KeptName, Link, Moved};

/// What an import keeps under the tenant's data key, to be moved to a new one.
pub const NAMES: [KeyedNames; 2] = [
    KeyedNames {
        table: "import_links",
        rename: |tx, cipher, after| Box::pin(links(tx, cipher, after)),
    },
    KeyedNames {
        table: "imported_resources",
        rename: |tx, cipher, after| Box::pin(kept(tx, cipher, after)),
    },
];

/// Names of one transaction.
const HANDFUL: i64 = 1_000;

async fn links(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    after: Spot,
) -> Result<(Option<Spot>, u64)> {
    let Some(mark) = cipher.lasting_mark() else {
        return Ok((None, 0));
    };
    let after = Name::new(after.0, after.1);
    let present = format!("{BLIND}{mark}");
    let rows = store::links(tx, &after, (BLIND, &present, &mark), HANDFUL).await?;
    let last = rows.last().map(|last| last.name.clone());
    let moved = store::move_links(tx, &moved(cipher, rows)).await?;
    Ok((last.map(|name| (name.resource_type, name.id)), moved))
}

/// Resources that are kept as they came, and are named by an SSN.
async fn kept(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    after: Spot,
) -> Result<(Option<Spot>, u64)> {
    let Some(mark) = cipher.lasting_mark() else {
        return Ok((None, 0));
    };
    let present = format!("{BLIND}{mark}");
    let after = after.0.parse().unwrap_or(Uuid::nil());
    let rows = store::kept(tx, (BLIND, &present), after, HANDFUL).await?;
    let last = rows.last().map(|last| last.id.to_string());
    let moved = rename_kept(tx, cipher, rows).await?;
    Ok((last.map(|id| (id, String::new())), moved))
}

/// Brings what of these names is stored under an older key to the present one: of what leads somewhere, and of what is kept as
/// it came.
pub(super) async fn adopt(
    tx: &mut TenantTx,
    cipher: &TenantCipher,
    leading: &[Name],
    kept: &[Name],
) -> Result<()> {
    let before = |names: &[Name]| -> Vec<Name> {
        let forms = names.iter().flat_map(|name| {
            let forms = blind_before(cipher, name).into_iter();
            forms.map(|form| Name::new(name.resource_type.clone(), form))
        });
        forms.collect()
    };
    let (leading, kept) = (before(leading), before(kept));
    if !leading.is_empty() {
        let rows = store::links_as(tx, &leading).await?;
        store::move_links(tx, &moved(cipher, rows)).await?;
    }
    if !kept.is_empty() {
        let rows = store::kept_as(tx, &kept).await?;
        rename_kept(tx, cipher, rows).await?;
    }
    Ok(())
}

/// What is known, with hashes as they are made now.
pub(super) fn rehash_all(cipher: &TenantCipher, known: &mut HashMap<Name, Known>) {
    for known in known.values_mut() {
        if let Some(hash) = rehashed(cipher, &known.hash) {
            known.hash = hash;
        }
    }
}

fn moved(cipher: &TenantCipher, rows: Vec<Link>) -> Vec<Moved> {
    let moved = rows.into_iter().filter_map(|row| {
        let id = renamed(cipher, &row.name.id).unwrap_or_else(|| row.name.id.clone());
        let hash = rehashed(cipher, &row.hash).unwrap_or_else(|| row.hash.clone());
        let same = id == row.name.id && hash == row.hash;
        (!same).then_some(Moved {
            link: row,
            id,
            hash,
        })
    });
    moved.collect()
}

async fn rename_kept(tx: &mut TenantTx, cipher: &TenantCipher, rows: Vec<KeptName>) -> Result<u64> {
    let (rows, names): (Vec<KeptName>, Vec<String>) = rows
        .into_iter()
        .filter_map(|row| {
            let new = renamed(cipher, &row.name).filter(|new| *new != row.name)?;
            Some((row, new))
        })
        .unzip();
    let (twice, renamed) = store::rename_kept(tx, &rows, &names).await?;
    for id in twice {
        tracing::warn!(tenant = %tx.tenant(), resource = %id, "two imports have kept the same resource; this one is not followed any more");
    }
    Ok(renamed)
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

//! The data keys of tenants: made with the tenant, kept wrapped in `app.tenant_keys`, unwrapped once in a while.
//!
//! Every statement runs in the tenant's own transaction, so row-level security guards the wrapped keys too.
//!
//! Traps: a key made in the very transaction that asks for the cipher may yet be rolled back, so such a cipher is not kept;
//! a value sealed with a key that never came to be would be lost. A cipher is kept for ten minutes, then the master key is
//! asked again: what a key service has revoked stops opening values within that time. Which keys there are is asked each
//! time, so that no server goes on sealing with a key that another has replaced, or finds a value it can't open.

use std::sync::Arc;
use std::time::Duration;

use kernel::clock::Instant;
use kernel::ids::{self, TenantId};
use kernel::{Error, Result};
use moka::sync::Cache;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{DataKey, KeyWrapper, TenantCipher, primitives, random};
use crate::db::TenantTx;

const KEPT_FOR: Duration = Duration::from_mins(10);
const KEPT_TENANTS: u64 = 10_000;

/// Gives out the ciphers of tenants.
#[derive(Debug)]
pub struct TenantKeys {
    wrapper: Arc<dyn KeyWrapper>,
    ciphers: Cache<TenantId, (Arc<[State]>, Arc<TenantCipher>)>,
}

/// What of a key decides how it is used.
type State = (Uuid, bool, Option<Instant>);

/// A data key without its secret, as an operator is shown it.
#[derive(Clone, Debug)]
pub struct DataKeyRow {
    pub id: Uuid,
    pub created_at: Instant,
    /// Seals no more since then.
    pub retired_at: Option<Instant>,
    /// Nothing in the tables is sealed with it since then.
    pub drained_at: Option<Instant>,
}

struct Row {
    id: Uuid,
    wrapped: Vec<u8>,
    master_key_id: String,
    retired: bool,
    indexed_at: Option<Instant>,
    /// Written by the transaction that reads it.
    unsettled: bool,
}

impl TenantKeys {
    pub fn new(wrapper: Arc<dyn KeyWrapper>) -> Self {
        let ciphers = Cache::builder()
            .max_capacity(KEPT_TENANTS)
            .time_to_live(KEPT_FOR)
            .build();
        Self { wrapper, ciphers }
    }

    /// Makes the tenant's data key. A tenant has one current key; a second call for the same tenant fails.
    pub async fn create(&self, tx: &mut TenantTx, now: Instant) -> Result<Uuid> {
        let (tenant, id) = (tx.tenant(), ids::mint());
        let secret = Zeroizing::new(random::secret::<32>());
        let wrapped = self
            .wrapper
            .wrap(&place(tenant, id), secret.as_slice())
            .await?;
        sqlx::query!(
            "insert into app.tenant_keys (tenant_id, id, wrapped, master_key_id, created_at) values ($1, $2, $3, $4, $5)",
            tenant.0,
            id,
            wrapped,
            self.wrapper.key_id(),
            now
        )
        .execute(tx.conn())
        .await?;
        Ok(id)
    }

    /// Makes a new current key. The one before seals no more from the commit on, and goes on opening. Returns the new one's
    /// id. Of two that do this at once the second fails.
    pub async fn rotate(&self, tx: &mut TenantTx, now: Instant) -> Result<Uuid> {
        let tenant = tx.tenant();
        sqlx::query!(
            "update app.tenant_keys set retired_at = $2 where tenant_id = $1 and retired_at is null",
            tenant.0,
            now
        )
        .execute(tx.conn())
        .await?;
        self.create(tx, now).await
    }

    /// The keys of the transaction's tenant, the oldest first.
    pub async fn list(&self, tx: &mut TenantTx) -> Result<Vec<DataKeyRow>> {
        let tenant = tx.tenant();
        let rows = sqlx::query_as!(
            DataKeyRow,
            "select k.id, k.created_at, k.retired_at, k.drained_at from app.tenant_keys k
              where k.tenant_id = $1 order by k.created_at, k.id",
            tenant.0
        )
        .fetch_all(tx.conn())
        .await?;
        Ok(rows)
    }

    /// The cipher of the transaction's tenant.
    pub async fn cipher(&self, tx: &mut TenantTx) -> Result<Arc<TenantCipher>> {
        let tenant = tx.tenant();
        let rows = rows(tx).await?;
        let state: Arc<[State]> = rows
            .iter()
            .map(|row| (row.id, row.retired, row.indexed_at))
            .collect();
        if let Some((known, cipher)) = self.ciphers.get(&tenant)
            && known == state
        {
            return Ok(cipher);
        }
        let cipher = Arc::new(self.unwrap(tenant, &rows).await?);
        if !rows.iter().any(|row| row.unsettled) {
            self.ciphers.insert(tenant, (state, Arc::clone(&cipher)));
        }
        Ok(cipher)
    }

    /// Unwraps every key of the transaction's tenant, whatever is kept in memory: finds a lost or wrong master key, an
    /// altered row, and a tenant without a current key.
    pub async fn check(&self, tx: &mut TenantTx) -> Result<()> {
        let rows = rows(tx).await?;
        self.unwrap(tx.tenant(), &rows).await.map(drop)
    }

    /// Wraps the tenant's keys anew that another than the current master key has wrapped. Returns how many; none the
    /// second time. The data keys stay what they are, so nothing sealed has to be touched.
    pub async fn rewrap(&self, tx: &mut TenantTx) -> Result<u64> {
        let tenant = tx.tenant();
        let mut changed = 0;
        for row in rows(tx).await? {
            if row.master_key_id == self.wrapper.key_id() {
                continue;
            }
            let place = place(tenant, row.id);
            let secret = self
                .wrapper
                .unwrap(&row.master_key_id, &place, &row.wrapped)
                .await?;
            let wrapped = self.wrapper.wrap(&place, &secret).await?;
            changed += sqlx::query!(
                "update app.tenant_keys set wrapped = $3, master_key_id = $4
                  where tenant_id = $1 and id = $2 and wrapped = $5",
                tenant.0,
                row.id,
                wrapped,
                self.wrapper.key_id(),
                row.wrapped
            )
            .execute(tx.conn())
            .await?
            .rows_affected();
        }
        Ok(changed)
    }

    async fn unwrap(&self, tenant: TenantId, rows: &[Row]) -> Result<TenantCipher> {
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let unwrapped = self
                .wrapper
                .unwrap(&row.master_key_id, &place(tenant, row.id), &row.wrapped)
                .await?;
            let secret = primitives::key_bytes(&unwrapped, &row.master_key_id)?;
            keys.push(DataKey {
                id: row.id,
                secret,
                retired: row.retired,
            });
        }
        let cipher = TenantCipher::new(&keys).map_err(Error::from)?;
        let indexing = rows
            .iter()
            .filter(|row| row.indexed_at.is_some())
            .max_by_key(|row| row.indexed_at);
        Ok(match indexing {
            Some(row) => cipher.indexing_with(row.id),
            None => cipher,
        })
    }
}

/// What a wrapped data key is bound to.
fn place(tenant: TenantId, id: Uuid) -> Vec<u8> {
    format!("chartwell.tenant_key|{tenant}|{id}").into_bytes()
}

/// All keys of the transaction's tenant, the oldest first.
async fn rows(tx: &mut TenantTx) -> Result<Vec<Row>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select k.id, k.wrapped, k.master_key_id, k.retired_at is not null as "retired!", k.indexed_at,
                  coalesce(k.xmin = pg_current_xact_id_if_assigned()::xid, false) as "unsettled!"
             from app.tenant_keys k
            where k.tenant_id = $1
            order by k.created_at, k.id"#,
        tenant.0
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

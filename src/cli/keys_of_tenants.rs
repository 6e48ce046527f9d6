//! `chartwell keys … --tenant`: a tenant's data keys and signing keys.

use std::collections::HashMap;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use kernel::Clock;
use kernel::ids::TenantId;
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::crypto::{TenantKeys, reseal, tenant_signing};
use platform::db::{Db, SystemTx, TenantTx};
use uuid::Uuid;

use super::installation::{Installation, Where};
use super::keys::{Which, remark_on, shown, standing, wrapper};
use crate::rekeying;
use crate::server::told;

/// What the commands work with.
struct Bench {
    installation: Installation,
    db: Db,
    keys: TenantKeys,
    clock: Clock,
}

impl Bench {
    async fn open(place: &Where) -> anyhow::Result<Self> {
        let installation = Installation::find(place).await?;
        let db = installation.db().await?;
        let keys = TenantKeys::new(wrapper(&installation)?);
        Ok(Self {
            installation,
            db,
            keys,
            clock: Clock::system(),
        })
    }

    async fn tenant(&self, slug: &str) -> anyhow::Result<TenantId> {
        match identity::tenants::find(&self.db, slug)
            .await
            .map_err(told)?
        {
            Some(tenant) => Ok(tenant),
            None => bail!("there is no tenant {slug}"),
        }
    }

    async fn begin(&self, tenant: TenantId) -> anyhow::Result<SystemTx> {
        SystemTx::begin(&self.db, tenant).await.map_err(told)
    }

    /// As durable as the change it tells of.
    async fn note(&self, tx: &mut TenantTx, which: &'static str) -> anyhow::Result<()> {
        let event = SecurityEvent::new(SecurityKind::KeyRotation, true).because(which);
        security::insert(tx, &event, None, self.clock.now())
            .await
            .map_err(told)
    }

    /// Seals anew what is left of a tenant. Returns whether everything opened.
    async fn reseal(&self, slug: &str, tenant: TenantId) -> anyhow::Result<bool> {
        let with = (&self.db, &self.keys, &self.clock);
        let mut sealed: HashMap<&str, u64> = HashMap::new();
        let done = reseal::run(with, tenant, &rekeying::places(), |table, more| {
            let of_table = sealed.entry(table).or_default();
            *of_table += more;
            aside!("{slug}: {table}: {of_table} values sealed anew");
        })
        .await
        .map_err(told)?;
        out!(
            "{slug}: {} values sealed anew, {} index entries moved",
            done.sealed,
            done.indexed
        );
        if done.damaged > 0 {
            out!(
                "{slug}: {} values do not open with any key; the log names them",
                done.damaged
            );
        }
        if let Some(at) = done.again_at {
            out!(
                "{slug}: transactions of before may still end; a server looks again at {}, or run this again then",
                shown(at)
            );
        }
        Ok(done.damaged == 0)
    }

    async fn close(self) -> anyhow::Result<()> {
        self.db.close().await;
        self.installation.close().await
    }
}

pub(super) async fn rotate(slug: &str, which: Which, place: &Where) -> anyhow::Result<()> {
    let bench = Bench::open(place).await?;
    let tenant = bench.tenant(slug).await?;
    let mut tx = bench.begin(tenant).await?;
    let now = bench.clock.now();
    if which.data {
        let id = bench.keys.rotate(&mut tx, now).await.map_err(told)?;
        rekeying::promise(&mut tx, now).await.map_err(told)?;
        bench.note(&mut tx, "data_key").await?;
        tx.commit().await.map_err(told)?;
        out!("{id} seals from now on; what older keys have sealed is sealed anew");
        bench.reseal(slug, tenant).await?;
    } else {
        let cipher = bench.keys.cipher(&mut tx).await.map_err(told)?;
        let id = tenant_signing::rotate(&mut tx, &cipher, now)
            .await
            .map_err(told)?;
        bench.note(&mut tx, "tenant_signing_key").await?;
        tx.commit().await.map_err(told)?;
        out!("{id} signs from now on; older keys still verify what they signed");
    }
    bench.close().await
}

pub(super) async fn reseal(slug: Option<&str>, place: &Where) -> anyhow::Result<ExitCode> {
    let bench = Bench::open(place).await?;
    let tenants = match slug {
        Some(slug) => vec![(slug.to_owned(), bench.tenant(slug).await?)],
        None => identity::tenants::list(&bench.db)
            .await
            .map_err(told)?
            .into_iter()
            .map(|tenant| (tenant.slug, tenant.id))
            .collect(),
    };
    let mut well = true;
    for (name, tenant) in tenants {
        well &= bench.reseal(&name, tenant).await?;
    }
    bench.close().await?;
    Ok(if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

pub(super) async fn disown(
    slug: &str,
    key: &str,
    since: DateTime<Utc>,
    place: &Where,
) -> anyhow::Result<()> {
    let id = Uuid::parse_str(key).context("a tenant's key is named by its id")?;
    let bench = Bench::open(place).await?;
    let tenant = bench.tenant(slug).await?;
    let mut tx = bench.begin(tenant).await?;
    let now = bench.clock.now();
    let cipher = bench.keys.cipher(&mut tx).await.map_err(told)?;
    let keys = tenant_signing::public_keys(&mut tx, &cipher)
        .await
        .map_err(told)?;
    if let Some(found) = keys.iter().find(|found| found.id == id) {
        remark_on(since, found.created_at);
    }
    if !tenant_signing::disown(&mut tx, id, since, now)
        .await
        .map_err(told)?
    {
        bail!("{slug} has no signing key {id}");
    }
    bench
        .note(&mut tx, "tenant_signing_key_compromised")
        .await?;
    tx.commit().await.map_err(told)?;
    let since = shown(since);
    out!("{id} is not believed from {since} on; the next signature is made with another key");
    bench.close().await
}

pub(super) async fn list(slug: &str, place: &Where) -> anyhow::Result<()> {
    let bench = Bench::open(place).await?;
    let tenant = bench.tenant(slug).await?;
    let mut tx = bench.begin(tenant).await?;
    for key in bench.keys.list(&mut tx).await.map_err(told)? {
        let line = standing(key.created_at, key.retired_at, None);
        let drained = match key.drained_at {
            Some(at) => format!(", nothing sealed with it since {}", shown(at)),
            None => String::new(),
        };
        out!("data     {} {line}{drained}", key.id);
    }
    let cipher = bench.keys.cipher(&mut tx).await.map_err(told)?;
    for key in tenant_signing::public_keys(&mut tx, &cipher)
        .await
        .map_err(told)?
    {
        let line = standing(key.created_at, key.retired_at, key.compromised_at);
        out!("signing  {} {line}", key.id);
    }
    let left = reseal::left(&mut tx, &bench.keys, &rekeying::places())
        .await
        .map_err(told)?;
    if left.keys > 0 {
        out!("{} values are to be sealed anew", left.total());
    }
    drop(tx);
    bench.close().await
}

//! `chartwell keys …`: new keys in the place of old ones, and keys that are trusted no more.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use chrono::{DateTime, Utc};
use clap::{Subcommand, ValueEnum};
use kernel::Clock;
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::crypto::{KeyWrapper, LocalMasterKeys, Purpose, SigningKeys, TenantKeys};
use platform::db::{Db, SystemTx};
use secrecy::ExposeSecret;
use sqlx::Connection as _;

use super::installation::{Installation, Where};
use super::{audit, keys_of_tenants};
use crate::server::{connect, told};

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Wrap every key anew under CHARTWELL_MASTER_KEY (the old one stands in CHARTWELL_MASTER_KEY_PREVIOUS meanwhile); or,
    /// with --tenant, begin a new key of a tenant
    Rotate {
        /// A tenant's key instead of the master key
        #[arg(long, requires = "which")]
        tenant: Option<String>,
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        place: Where,
    },
    /// Seal anew what older data keys have sealed; can be stopped and run again
    Reseal {
        /// One tenant only
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// Begin a new signing key of the installation; the old one still verifies what it signed
    Sign {
        /// What it signs
        purpose: Signing,
        #[command(flatten)]
        place: Where,
    },
    /// Say that a signing key has been in other hands since an instant: what bears a later time is not believed
    Compromised {
        /// The key's id, as `chartwell keys list` shows it
        key: String,
        /// Since this instant (2026-01-31, in UTC, or 2026-01-31T08:00:00Z), which is past
        #[arg(long, value_parser = past)]
        since: DateTime<Utc>,
        /// The tenant whose key it is; without it, a key of the installation
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// List keys: those of the installation, or of a tenant
    List {
        /// A tenant's keys instead of the installation's
        #[arg(long)]
        tenant: Option<String>,
        #[command(flatten)]
        place: Where,
    },
    /// Print a new master key
    Generate,
}

/// Of an instant to come nothing could bear a later time, and the key would go on being believed.
fn past(text: &str) -> Result<DateTime<Utc>, String> {
    let since = audit::instant(text)?;
    if since > Clock::system().now() {
        return Err("must not lie in the future".to_owned());
    }
    Ok(since)
}

/// Which key of a tenant.
#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "which", multiple = false)]
pub struct Which {
    /// The data key; what older ones have sealed is sealed anew
    #[arg(long, requires = "tenant")]
    pub data: bool,
    /// The key that signs notes and attestations
    #[arg(long, requires = "tenant")]
    pub signing: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Signing {
    AccessToken,
    Seal,
    RecordMac,
}

pub async fn run(command: Keys) -> anyhow::Result<ExitCode> {
    match command {
        Keys::Generate => out!("{}", *LocalMasterKeys::generate()),
        Keys::Rotate {
            tenant: None,
            place,
            ..
        } => rotate(&place).await?,
        Keys::Rotate {
            tenant: Some(tenant),
            which,
            place,
        } => keys_of_tenants::rotate(&tenant, which, &place).await?,
        Keys::Reseal { tenant, place } => {
            return keys_of_tenants::reseal(tenant.as_deref(), &place).await;
        }
        Keys::Sign { purpose, place } => sign(purpose, &place).await?,
        Keys::Compromised {
            key,
            since,
            tenant: None,
            place,
        } => disown(&key, since, &place).await?,
        Keys::Compromised {
            key,
            since,
            tenant: Some(tenant),
            place,
        } => keys_of_tenants::disown(&tenant, &key, since, &place).await?,
        Keys::List {
            tenant: None,
            place,
        } => list(&place).await?,
        Keys::List {
            tenant: Some(tenant),
            place,
        } => keys_of_tenants::list(&tenant, &place).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn rotate(place: &Where) -> anyhow::Result<()> {
    let installation = Installation::find(place).await?;
    if installation.config.keys.master_previous.is_none() {
        bail!(
            "set CHARTWELL_MASTER_KEY to the new key and CHARTWELL_MASTER_KEY_PREVIOUS to the present one; \
             an installation of dev keeps the key it has"
        );
    }
    let wrapper = wrapper(&installation)?;
    let mut connection = connect(&installation.config).await?;
    let mut wrapped = SigningKeys::rewrap(&mut connection, &*wrapper)
        .await
        .map_err(told)?;
    let db = Db::new(&installation.config.database);
    let keys = TenantKeys::new(wrapper);
    for tenant in identity::tenants::all(&db).await.map_err(told)? {
        let mut tx = SystemTx::begin(&db, tenant).await.map_err(told)?;
        wrapped += keys.rewrap(&mut tx).await.map_err(told)?;
        tx.commit().await.map_err(told)?;
    }
    told_to_the_log(&db, "master_key").await?;
    out!("{wrapped} keys wrapped anew; CHARTWELL_MASTER_KEY_PREVIOUS can go");
    db.close().await;
    installation.close().await
}

async fn sign(purpose: Signing, place: &Where) -> anyhow::Result<()> {
    let installation = Installation::find(place).await?;
    let wrapper = wrapper(&installation)?;
    let mut connection = connect(&installation.config).await?;
    let purpose = match purpose {
        Signing::AccessToken => Purpose::AccessToken,
        Signing::Seal => Purpose::Seal,
        Signing::RecordMac => Purpose::RecordMac,
    };
    let now = Clock::system().now();
    let id = connection
        .transaction(|tx| {
            Box::pin(async move { SigningKeys::rotate(tx, &*wrapper, purpose, now).await })
        })
        .await
        .map_err(told)?;
    let db = Db::new(&installation.config.database);
    told_to_the_log(&db, "signing_key").await?;
    db.close().await;
    out!("{id} signs from now on; servers take it up within a minute");
    installation.close().await
}

async fn disown(key: &str, since: DateTime<Utc>, place: &Where) -> anyhow::Result<()> {
    let installation = Installation::find(place).await?;
    let wrapper = wrapper(&installation)?;
    let mut connection = connect(&installation.config).await?;
    let (id, now) = (key.to_owned(), Clock::system().now());
    let keys = SigningKeys::list(&mut connection).await.map_err(told)?;
    if let Some(found) = keys.iter().find(|found| found.id == key) {
        remark_on(since, found.created_at);
    }
    let replaced = connection
        .transaction(|tx| {
            Box::pin(async move { SigningKeys::disown(tx, &*wrapper, &id, since, now).await })
        })
        .await
        .map_err(told)
        .with_context(|| format!("key {key}"))?;
    let signs_tokens = key.starts_with(Purpose::AccessToken.as_str());
    let db = Db::new(&installation.config.database);
    told_to_the_log(&db, "signing_key_compromised").await?;
    db.close().await;
    if signs_tokens {
        out!(
            "{key} is not believed any more; a server that runs takes its tokens for up to a minute, unless it is restarted"
        );
    } else {
        out!("{key} is not believed from {} on", shown(since));
        if key.starts_with(Purpose::Seal.as_str()) {
            out!(
                "what it sealed since stays a fault of `chartwell audit verify`; its acknowledgements count for nothing, so run \
                 `chartwell audit acknowledge` anew for what they answered for"
            );
        }
    }
    if let Some(next) = replaced {
        out!("{next} signs from now on; servers take it up within a minute");
    }
    installation.close().await
}

async fn list(place: &Where) -> anyhow::Result<()> {
    let installation = Installation::find(place).await?;
    let mut connection = connect(&installation.config).await?;
    let keys = SigningKeys::list(&mut connection).await.map_err(told)?;
    for key in keys {
        out!(
            "{:<18} {}",
            key.id,
            standing(key.created_at, key.retired_at, key.compromised_at)
        );
    }
    installation.close().await
}

/// An instant as an operator reads it.
pub(super) fn shown(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// An instant before the key was made is taken, but may be a slip.
pub(super) fn remark_on(since: DateTime<Utc>, created: DateTime<Utc>) {
    if since < created {
        aside!(
            "the key was made later than that, on {}: nothing it has signed is believed",
            shown(created)
        );
    }
}

/// The dates of a key in a line.
pub(super) fn standing(
    created: DateTime<Utc>,
    retired: Option<DateTime<Utc>>,
    compromised: Option<DateTime<Utc>>,
) -> String {
    let mut text = format!("since {}, ", shown(created));
    match retired {
        None => text.push_str("in use"),
        Some(at) => text = format!("{text}retired {}", shown(at)),
    }
    if let Some(at) = compromised {
        text = format!("{text}, in other hands from {} on", shown(at));
    }
    text
}

/// A key of the installation changed: a security event of no tenant's.
async fn told_to_the_log(db: &Db, which: &'static str) -> anyhow::Result<()> {
    let event = SecurityEvent::new(SecurityKind::KeyRotation, true).because(which);
    security::record(db, security::NO_TENANT, &event, None, Clock::system().now())
        .await
        .map_err(told)
}

pub(super) fn wrapper(installation: &Installation) -> anyhow::Result<Arc<dyn KeyWrapper>> {
    let keys = &installation.config.keys;
    let previous = keys
        .master_previous
        .as_ref()
        .map(ExposeSecret::expose_secret);
    Ok(Arc::new(LocalMasterKeys::from_base64(
        keys.master.expose_secret(),
        previous,
    )?))
}

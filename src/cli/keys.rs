//! `chartwell keys …`: a new master key, new signing keys.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::bail;
use clap::{Subcommand, ValueEnum};
use kernel::Clock;
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::crypto::{KeyWrapper, LocalMasterKeys, Purpose, SigningKeys, TenantKeys};
use platform::db::{Db, SystemTx};
use secrecy::ExposeSecret;
use sqlx::Connection as _;

use super::installation::{Installation, Where};
use crate::server::{connect, told};

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Wrap every key anew under CHARTWELL_MASTER_KEY; the old one stands in CHARTWELL_MASTER_KEY_PREVIOUS meanwhile
    Rotate {
        #[command(flatten)]
        place: Where,
    },
    /// Begin a new signing key; the old one still verifies what it signed
    Sign {
        purpose: Signing,
        #[command(flatten)]
        place: Where,
    },
    /// Print a new master key
    Generate,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Signing {
    AccessToken,
    Seal,
    RecordMac,
}

pub async fn run(command: Keys) -> anyhow::Result<ExitCode> {
    match command {
        Keys::Generate => println!("{}", *LocalMasterKeys::generate()),
        Keys::Rotate { place } => rotate(&place).await?,
        Keys::Sign { purpose, place } => sign(purpose, &place).await?,
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
    let mut connection = connect(&installation.config.database.connect).await?;
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
    println!("{wrapped} keys wrapped anew; CHARTWELL_MASTER_KEY_PREVIOUS can go");
    db.close().await;
    installation.close().await
}

async fn sign(purpose: Signing, place: &Where) -> anyhow::Result<()> {
    let installation = Installation::find(place).await?;
    let wrapper = wrapper(&installation)?;
    let mut connection = connect(&installation.config.database.connect).await?;
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
    println!("{id} signs from now on; servers take it up within a minute");
    installation.close().await
}

/// A key of the installation changed: a security event of no tenant's.
async fn told_to_the_log(db: &Db, which: &'static str) -> anyhow::Result<()> {
    let event = SecurityEvent::new(SecurityKind::KeyRotation, true).because(which);
    security::record(db, security::NO_TENANT, &event, None, Clock::system().now())
        .await
        .map_err(told)
}

fn wrapper(installation: &Installation) -> anyhow::Result<Arc<dyn KeyWrapper>> {
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

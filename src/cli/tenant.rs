//! `chartwell tenant …`: the platform operator's work. Tenants are made here and nowhere else.

use std::process::ExitCode;

use anyhow::anyhow;
use clap::Subcommand;
use kernel::Code;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum Tenant {
    /// Make a tenant and its first admin, who gets a one-time link to set a password
    Create {
        /// What people type to log in: lower-case letters, digits and hyphens
        slug: String,
        /// What people see: the organisation's name
        #[arg(long)]
        name: String,
        /// The first admin's e-mail
        #[arg(long)]
        admin: String,
        /// IANA time zone
        #[arg(long, default_value = "America/New_York")]
        time_zone: String,
        #[command(flatten)]
        place: Where,
    },
    /// List tenants: slug, state, id (as logs and files name it), name
    List {
        #[command(flatten)]
        place: Where,
    },
    /// Nobody of it can log in; tokens in use stop working at once
    Suspend {
        /// As `chartwell tenant list` shows it
        slug: String,
        #[command(flatten)]
        place: Where,
    },
    /// Undo a suspension
    Reactivate {
        /// As `chartwell tenant list` shows it
        slug: String,
        #[command(flatten)]
        place: Where,
    },
}

impl Tenant {
    fn place(&self) -> &Where {
        match self {
            Self::Create { place, .. }
            | Self::List { place }
            | Self::Suspend { place, .. }
            | Self::Reactivate { place, .. } => place,
        }
    }
}

pub async fn run(command: Tenant) -> anyhow::Result<ExitCode> {
    let installation = Installation::find(command.place()).await?;
    let chartwell = installation.open().await?;
    let app = &chartwell.app;
    match &command {
        Tenant::Create {
            slug,
            name,
            admin,
            time_zone,
            ..
        } => {
            let (tenant, link) = identity::tenants::create(app, slug, name, time_zone, admin)
                .await
                .map_err(|error| match error.code() {
                    Code::SlugTaken => anyhow!("there is a tenant {slug} already"),
                    _ => told(error),
                })?;
            out!(
                "tenant {slug} ({tenant}) is ready\n{admin} sets a password, once, within three days, with:\n{link}"
            );
        }
        Tenant::List { .. } => {
            for tenant in identity::tenants::list(&app.db).await.map_err(told)? {
                out!(
                    "{:<24} {:<10} {} {}",
                    tenant.slug,
                    tenant.status.as_str(),
                    tenant.id,
                    tenant.name
                );
            }
        }
        Tenant::Suspend { slug, .. } => {
            identity::tenants::suspend(app, slug).await.map_err(told)?;
            out!("tenant {slug} is suspended");
        }
        Tenant::Reactivate { slug, .. } => {
            identity::tenants::reactivate(app, slug)
                .await
                .map_err(told)?;
            out!("tenant {slug} is active");
        }
    }
    app.db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

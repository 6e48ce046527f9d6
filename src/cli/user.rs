//! `chartwell user create`: an account from the command line, for when no admin can log in.

use std::process::ExitCode;

use clap::Subcommand;
use platform::access::Role;

use super::installation::{Installation, Where};
use crate::server::told;

#[derive(Debug, Subcommand)]
pub enum User {
    /// Make an account; its owner gets a one-time link to set a password
    Create {
        /// The tenant it belongs to
        #[arg(long)]
        tenant: String,
        /// What its owner logs in with
        #[arg(long)]
        email: String,
        /// admin, provider, nurse, staff, billing or patient
        #[arg(long, value_parser = role)]
        role: Role,
        /// The owner's given name
        #[arg(long)]
        given_name: String,
        /// The owner's family name
        #[arg(long)]
        family_name: String,
        #[command(flatten)]
        place: Where,
    },
}

fn role(text: &str) -> Result<Role, String> {
    Role::ALL
        .into_iter()
        .find(|role| role.as_str() == text)
        .ok_or_else(|| "must be admin, provider, nurse, staff, billing or patient".to_owned())
}

pub async fn run(command: User) -> anyhow::Result<ExitCode> {
    let User::Create {
        tenant,
        email,
        role,
        given_name,
        family_name,
        place,
    } = command;
    let installation = Installation::find(&place).await?;
    let chartwell = installation.open().await?;
    let link = identity::users::create_by_operator(
        &chartwell.app,
        &tenant,
        &email,
        role,
        &given_name,
        &family_name,
    )
    .await
    .map_err(told)?;
    out!("{email} sets a password, once, within three days, with:\n{link}");
    chartwell.app.db.close().await;
    installation.close().await?;
    Ok(ExitCode::SUCCESS)
}

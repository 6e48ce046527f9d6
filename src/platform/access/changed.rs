//! Telling every server that what it remembers of a caller is no longer so.
//!
//! A verified token is remembered for a while, so that a request need not ask the database. Whoever changes what a
//! [`Principal`](super::Principal) is made of (a session ends, an account changes, a tenant's setting changes, a chart is
//! linked to its owner's account) says so inside the changing transaction with [`announce`]; the message leaves when the
//! transaction commits, never before. After the commit the same is told to the own process with
//! [`Authenticator::forget`](super::Authenticator::forget), without the way round through the database.
//!
//! A message holds ids only: everybody who may connect to the database can listen.

use kernel::Result;
use kernel::ids::{SessionId, TenantId, UserId};

use crate::db::TenantTx;

/// The channel of PostgreSQL's LISTEN and NOTIFY.
pub const CHANNEL: &str = "chartwell_identity";

/// What changed, in one tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Changed {
    Session(SessionId),
    /// Everything of an account: all its sessions.
    User(UserId),
    /// The tenant's settings or status: all its sessions.
    Tenant,
}

impl Changed {
    /// The message: `tenant`, then `session` or `user` with the id.
    pub fn render(self, tenant: TenantId) -> String {
        match self {
            Self::Session(id) => format!("{tenant} session {id}"),
            Self::User(id) => format!("{tenant} user {id}"),
            Self::Tenant => tenant.to_string(),
        }
    }

    /// Reads a message. `None` for one of another form, such as a later version might send.
    pub fn parse(message: &str) -> Option<(TenantId, Self)> {
        let mut words = message.split(' ');
        let tenant = words.next()?.parse().ok()?;
        let changed = match (words.next(), words.next(), words.next()) {
            (None, None, None) => Self::Tenant,
            (Some("session"), Some(id), None) => Self::Session(id.parse().ok()?),
            (Some("user"), Some(id), None) => Self::User(id.parse().ok()?),
            _ => return None,
        };
        Some((tenant, changed))
    }
}

/// Tells all servers, when the transaction commits.
pub async fn announce(tx: &mut TenantTx, changed: Changed) -> Result<()> {
    let message = changed.render(tx.tenant());
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, message)
        .execute(tx.conn())
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let tenant = TenantId::new();
        for changed in [
            Changed::Tenant,
            Changed::User(UserId::new()),
            Changed::Session(SessionId::new()),
        ] {
            assert_eq!(
                Changed::parse(&changed.render(tenant)),
                Some((tenant, changed))
            );
        }
    }

    #[test]
    fn anything_else_is_no_message() {
        let tenant = TenantId::new();
        for text in [
            "",
            "x",
            &format!("{tenant} user"),
            &format!("{tenant} patient {tenant}"),
            &format!("{tenant} user {tenant} x"),
        ] {
            assert_eq!(Changed::parse(text), None, "{text}");
        }
    }
}

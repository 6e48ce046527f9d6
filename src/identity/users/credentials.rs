//! What the door needs of accounts: passwords, failures in a row, one-time tokens.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::UserId;
use platform::access::Role;
use platform::audit::{SecurityEvent, SecurityKind, security};
use platform::crypto::LinkSecret;
use platform::db::TenantTx;
use platform::http::RequestInfo;

use super::model::AccountStatus;
use super::{store_credentials, store_one_time};
use crate::Identity;
use crate::lockout::{self, Standing};
use crate::passwords::Rules;

pub(crate) use store_one_time::spend;

/// An account at the door.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub id: UserId,
    pub email: String,
    pub given_name: String,
    pub family_name: String,
    pub role: Role,
    pub status: AccountStatus,
    pub password_hash: Option<String>,
    pub locked_until: Option<Instant>,
}

impl Credentials {
    /// Whether the account is locked for who stands there.
    pub fn is_locked(
        &self,
        identity: &Identity,
        standing: Standing,
        request: &RequestInfo,
        now: Instant,
    ) -> bool {
        match standing {
            Standing::Strange => self.locked_until.is_some_and(|until| until > now),
            Standing::Familiar => identity.familiar().is_locked(self.id, request, now),
        }
    }

    /// The rules for its next password in the tenant.
    pub fn rules(&self, tenant: &crate::tenants::Tenant) -> Rules {
        let name = format!("{} {}", self.given_name, self.family_name);
        let about = [&*self.email, &name, &tenant.slug, &tenant.data.name];
        Rules::new(tenant.data.password_min, about)
    }
}

/// A one-time token that still works, and whose it is.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub user: UserId,
    pub purpose: OneTimePurpose,
}

/// What a one-time token was issued for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(crate) enum OneTimePurpose {
    Invitation,
    PasswordReset,
}

impl OneTimePurpose {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::PasswordReset => "password_reset",
        }
    }
}

/// Counts a wrong password, and locks the account, for who stands there, when there were too many in a row.
pub(crate) async fn note_failure(
    tx: &mut TenantTx,
    identity: &Identity,
    (user, standing): (UserId, Standing),
    request: &RequestInfo,
    now: Instant,
) -> Result<()> {
    let locks = match standing {
        Standing::Familiar => identity.familiar().failed(user, request, now),
        Standing::Strange => {
            let failures = store_credentials::count_failure(tx, user, now).await?;
            let wait = failures.and_then(lockout::lock_after);
            if let Some(wait) = wait {
                store_credentials::lock_until(tx, user, now + wait).await?;
            }
            wait.is_some()
        }
    };
    if locks {
        let event = SecurityEvent::new(SecurityKind::Lockout, false)
            .by(Some(user), None)
            .because("too_many_failures");
        security::insert(tx, &event, Some(request), now).await?;
    }
    Ok(())
}

/// The account a token stands for, while the token works: unused, not expired, and the latest of its account.
pub(crate) async fn pending(
    tx: &mut TenantTx,
    token: &LinkSecret,
    now: Instant,
) -> Result<Option<Pending>> {
    store_one_time::pending(tx, &token.digest(), now).await
}

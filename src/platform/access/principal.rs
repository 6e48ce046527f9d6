//! Who is calling, as the verified token and the live session say.

use std::sync::Arc;

use chrono::NaiveDate;
use futures_util::future::BoxFuture;
use kernel::clock::{Instant, Tz};
use kernel::ids::{PatientId, SessionId, TenantId, UserId};
use kernel::{Error, Result};

use super::{Changed, Purpose, Role, Scope};

/// A caller whose token was verified and whose session is live.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: TenantId,
    pub user: UserId,
    pub role: Role,
    pub session: SessionId,
    /// Which charts he sees; from his role and the tenant's setting.
    pub scope: Scope,
    /// The chart that is his own, for a patient.
    pub patient: Option<PatientId>,
    /// The organisation's, whose days are the days he means.
    pub zone: Tz,
    /// Those of its facilities.
    pub zones: Arc<[Tz]>,
    /// The access token's end.
    pub expires_at: Instant,
}

impl Principal {
    /// The days that it is, at an instant, at the places of the organisation.
    pub fn days_of(&self, at: Instant) -> impl Iterator<Item = NaiveDate> {
        let days = move |zone: &Tz| at.with_timezone(zone).date_naive();
        self.zones.iter().chain([&self.zone]).map(days)
    }

    /// The purpose of use, unless a request names another.
    pub const fn default_purpose(&self) -> Purpose {
        match self.role {
            Role::Provider | Role::Nurse | Role::Staff => Purpose::Treatment,
            Role::Billing => Purpose::Payment,
            Role::Admin => Purpose::Operations,
            Role::Patient => Purpose::PatientRequest,
        }
    }
}

/// Turns a bearer token into a principal. Implemented by the identity area; platform knows no sessions.
pub trait Authenticator: Send + Sync {
    /// A token verified a moment ago, whose session has not ended since.
    fn remembered(&self, token: &str) -> Option<Arc<Principal>>;

    /// Verifies the token and looks its session up.
    fn authenticate<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Arc<Principal>, Error>>;

    /// Drops what is remembered of a session, an account or a whole tenant, in this process and at once. Call it after the
    /// transaction that [announced](super::announce) the change has committed.
    fn forget(&self, tenant: TenantId, changed: Changed);
}

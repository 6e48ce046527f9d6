//! Looks up what a body of this area refers to: accounts, departments, the organisation's calendar.
//!
//! A reference to another tenant's row reads exactly like one to a row that does not exist.

mod store;

use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::clock::Instant;
use kernel::ids::{DepartmentId, FacilityId, UserId};
use kernel::{Error, Result};
use platform::access::Role;
use platform::db::TenantTx;

/// An account that has not been retired.
#[derive(Clone, Copy, Debug)]
pub(super) struct Account {
    pub role: Role,
    pub active: bool,
}

/// The account, unless it does not exist or was retired.
pub(super) async fn find_account(tx: &mut TenantTx, user: UserId) -> Result<Option<Account>> {
    store::find_account(tx, user).await
}

/// Refuses `/user_id` unless it names an active account with one of the roles. `rule` says so as a sentence.
pub(super) async fn require_account(
    tx: &mut TenantTx,
    user: UserId,
    roles: &[Role],
    rule: &'static str,
) -> Result<()> {
    match store::find_account(tx, user).await? {
        Some(account) if account.active && roles.contains(&account.role) => Ok(()),
        _ => Err(Error::field("/user_id", "no_such_user", rule)),
    }
}

/// The facility of the department; refuses `/department_id` unless both are active.
pub(super) async fn require_department(
    tx: &mut TenantTx,
    department: DepartmentId,
) -> Result<FacilityId> {
    store::find_active_department(tx, department)
        .await?
        .ok_or_else(|| {
            Error::field(
                "/department_id",
                "no_such_department",
                "must name an active department",
            )
        })
}

/// The calendar day of an instant where the organisation is.
pub(super) async fn day_of(tx: &mut TenantTx, now: Instant) -> Result<NaiveDate> {
    let zone: Tz = store::time_zone(tx)
        .await?
        .parse()
        .map_err(Error::internal)?;
    Ok(now.with_timezone(&zone).date_naive())
}

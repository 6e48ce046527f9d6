//! Whose time it is: a provider's, another member of staff's, a room's or a device's.

pub(crate) mod kept;
mod store;

use kernel::ids::{AssetId, FacilityId, ProviderId, StaffId};
use kernel::{Checks, Error, FieldError, Result};
use platform::db::TenantTx;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Whether what somebody said still stands.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Standing {
    #[default]
    Active,
    /// It was a mistake, or is not so any more.
    Withdrawn,
}

/// At most one of the three.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Whose {
    pub provider: Option<ProviderId>,
    pub staff: Option<StaffId>,
    pub asset: Option<AssetId>,
}

impl Whose {
    pub fn provider(id: ProviderId) -> Self {
        Self {
            provider: Some(id),
            ..Self::default()
        }
    }

    pub fn asset(id: AssetId) -> Self {
        Self {
            asset: Some(id),
            ..Self::default()
        }
    }

    pub fn count(self) -> usize {
        usize::from(self.provider.is_some())
            + usize::from(self.staff.is_some())
            + usize::from(self.asset.is_some())
    }

    /// Whichever it is.
    pub fn one(self) -> Option<Uuid> {
        let provider = self.provider.map(|id| id.0);
        let staff = self.staff.map(|id| id.0);
        provider.or(staff).or(self.asset.map(|id| id.0))
    }

    /// Says that more than one is named.
    pub fn check(self, checks: &mut Checks) {
        checks.require(
            self.count() <= 1,
            "provider_id",
            "more_than_one",
            "must not stand beside staff_id or asset_id: it is of one of them",
        );
    }
}

/// That whoever is named is there and active; a room or device, at the facility if one is named.
pub(crate) async fn require(
    tx: &mut TenantTx,
    whose: Whose,
    facility: Option<FacilityId>,
) -> Result<()> {
    if whose.count() == 0 {
        return Ok(());
    }
    if store::is_there(tx, whose, facility).await? {
        return Ok(());
    }
    let (pointer, code, rule) = match whose {
        Whose {
            provider: Some(_), ..
        } => (
            "/provider_id",
            "no_such_provider",
            "must name an active provider",
        ),
        Whose { staff: Some(_), .. } => (
            "/staff_id",
            "no_such_staff",
            "must name an active member of the staff",
        ),
        _ => (
            "/asset_id",
            "no_such_asset",
            "must name an active room or device of the facility",
        ),
    };
    Err(Error::field(pointer, code, rule))
}

/// Refuses a change of what does not change: (whether it is the same, where it stands).
pub(crate) fn require_same<const N: usize>(members: [(bool, &'static str); N]) -> Result<()> {
    let changed: Vec<FieldError> = members
        .into_iter()
        .filter(|(same, _)| !same)
        .map(|(_, pointer)| FieldError::new(pointer, "immutable", "does not change"))
        .collect();
    if changed.is_empty() {
        Ok(())
    } else {
        Err(Error::invalid(changed))
    }
}

//! What has happened to a week, on the wire and as it is understood.
//!
//! One flat object with a kind, not a tagged union: what serde reads into a buffer first is read past the strictness of the
//! house (platform/http/extract/strict.rs).

use chrono::{DateTime, Utc};
use kernel::Checks;
use kernel::ids::{AssetId, ProviderId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::model::{WantedVisit, check_visits};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeekChangeKind {
    /// `provider_id`, `from`, `to`.
    ProviderAway,
    /// A room or a device can't be used: `asset_id`, `from`, `to`.
    AssetClosed,
    /// One more visit, or many of them (an emergency, a surge): `requests`.
    Wanted,
    /// No longer wanted: `key`.
    Withdrawn,
}

/// What has happened to the week: the kind says which of the others it has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WeekChange {
    pub kind: WeekChangeKind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_id: Option<ProviderId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_id: Option<AssetId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<WantedVisit>,
    /// Of a request of the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// A change that has what its kind needs.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told<'a> {
    ProviderAway(ProviderId, DateTime<Utc>, DateTime<Utc>),
    AssetClosed(AssetId, DateTime<Utc>, DateTime<Utc>),
    Wanted(&'a [WantedVisit]),
    Withdrawn(&'a str),
}

impl WeekChange {
    /// None if something is missing, which the check has refused before.
    pub(super) fn told(&self) -> Option<Told<'_>> {
        Some(match self.kind {
            WeekChangeKind::ProviderAway => {
                Told::ProviderAway(self.provider_id?, self.from?, self.to?)
            }
            WeekChangeKind::AssetClosed => Told::AssetClosed(self.asset_id?, self.from?, self.to?),
            WeekChangeKind::Wanted => Told::Wanted(&self.requests),
            WeekChangeKind::Withdrawn => Told::Withdrawn(self.key.as_deref()?),
        })
    }

    pub(super) fn check(&self, checks: &mut Checks) {
        let away = self.kind == WeekChangeKind::ProviderAway;
        let closed = self.kind == WeekChangeKind::AssetClosed;
        let wanted = self.kind == WeekChangeKind::Wanted;
        let withdrawn = self.kind == WeekChangeKind::Withdrawn;
        for (field, given, needed) in [
            ("provider_id", self.provider_id.is_some(), away),
            ("asset_id", self.asset_id.is_some(), closed),
            ("from", self.from.is_some(), away || closed),
            ("to", self.to.is_some(), away || closed),
            ("requests", !self.requests.is_empty(), wanted),
            ("key", self.key.is_some(), withdrawn),
        ] {
            checks.require(
                given || !needed,
                field,
                "required",
                "is needed for this kind",
            );
            checks.require(
                needed || !given,
                field,
                "not_for_this_kind",
                "is not for this kind",
            );
        }
        if let (Some(from), Some(to)) = (self.from, self.to) {
            checks.require(from < to, "to", "before_from", "must lie after from");
        }
        if wanted && !self.requests.is_empty() {
            check_visits(checks, &self.requests);
        }
    }
}

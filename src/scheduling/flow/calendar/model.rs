//! Calendar feeds on the wire.

use chrono::{DateTime, Utc};
use kernel::ids::{CalendarFeedId, ProviderId};
use kernel::{Checks, Validate};
use platform::access::NoPhi;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Whose calendar, and what to call the feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "provider_id": "01890a5d-ac96-774b-bcce-b302099a8057", "name": "Telephone" }))]
pub struct NewCalendarFeed {
    pub provider_id: ProviderId,
    /// What tells it from the provider's other feeds: the device, say.
    pub name: String,
}

impl Validate for NewCalendarFeed {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 100);
    }
}

/// A feed, without its secret.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CalendarFeed {
    pub id: CalendarFeedId,
    #[serde(flatten)]
    pub data: NewCalendarFeed,
    /// Where to subscribe: the secret in it is shown by the answer that opens the feed, and never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    pub revoked_at: Option<DateTime<Utc>>,
    /// When somebody last read it.
    pub last_read_at: Option<DateTime<Utc>>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl NoPhi for CalendarFeed {}

/// Which feeds to list.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListCalendarFeeds {
    /// Of one provider; an admin sees everybody's, a provider his own.
    pub provider_id: Option<ProviderId>,
    /// Rows of a page, 1 to 200; 50 unless said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

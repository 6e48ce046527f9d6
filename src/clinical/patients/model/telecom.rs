//! How a person is reached.

use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TelecomSystem {
    Phone,
    Email,
    Sms,
    Fax,
    Pager,
    Url,
    Other,
}

/// Where it rings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TelecomUse {
    Home,
    Work,
    Mobile,
    Temporary,
    /// No more; kept, because callers may still show it.
    Old,
}

/// A telephone number, an e-mail address or the like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Telecom {
    pub system: TelecomSystem,
    pub value: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#use: Option<TelecomUse>,
}

impl Telecom {
    /// Whether it is a line that is called or written to by number.
    pub const fn is_phone(&self) -> bool {
        matches!(self.system, TelecomSystem::Phone | TelecomSystem::Sms)
    }

    pub const fn is_email(&self) -> bool {
        matches!(self.system, TelecomSystem::Email)
    }
}

impl Validate for Telecom {
    fn check(&self, checks: &mut Checks) {
        match self.system {
            TelecomSystem::Phone | TelecomSystem::Sms | TelecomSystem::Fax => {
                checks.phone("value", &self.value);
            }
            TelecomSystem::Email => checks.email("value", &self.value),
            TelecomSystem::Pager | TelecomSystem::Url | TelecomSystem::Other => {
                checks.text("value", &self.value, 200);
            }
        }
    }
}

//! Whom to call when something happens.

use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the contact is to the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relationship {
    Spouse,
    Partner,
    Parent,
    Child,
    Sibling,
    Grandparent,
    Grandchild,
    Guardian,
    Caregiver,
    Friend,
    Neighbor,
    Other,
}

/// An emergency contact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmergencyContact {
    pub name: String,
    pub relationship: Relationship,
    /// Who is called first has 1. No two have the same.
    #[schema(minimum = 1, maximum = 20)]
    pub priority: u8,
    pub phone: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
}

impl Validate for EmergencyContact {
    fn check(&self, checks: &mut Checks) {
        checks.text("name", &self.name, 200);
        let in_range = (1..=20).contains(&self.priority);
        checks.require(
            in_range,
            "priority",
            "out_of_range",
            "must lie between 1 and 20",
        );
        checks.phone("phone", &self.phone);
        if let Some(email) = &self.email {
            checks.email("email", email);
        }
    }
}

/// Checks the contacts together: two with the same priority would leave it to chance who is called.
pub(super) fn check_all(checks: &mut Checks, contacts: &[EmergencyContact]) {
    checks.each("contacts", contacts, 20, |checks, contact| {
        contact.check(checks);
    });
    for (place, contact) in contacts.iter().enumerate().take(20) {
        if contacts[..place]
            .iter()
            .any(|earlier| earlier.priority == contact.priority)
        {
            let field = format!("contacts/{place}/priority");
            checks.fail(&field, "taken", "must not be another contact's priority");
        }
    }
}

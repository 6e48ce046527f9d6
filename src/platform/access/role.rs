//! The six roles, and the scope in which a role sees charts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account is for. One account has one role.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
    sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Role {
    Admin,
    Provider,
    Nurse,
    Staff,
    Billing,
    Patient,
}

impl Role {
    pub const ALL: [Role; 6] = [
        Role::Admin,
        Role::Provider,
        Role::Nurse,
        Role::Staff,
        Role::Billing,
        Role::Patient,
    ];

    /// The name used in the database's policies, in tokens and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Admin => "admin",
            Role::Provider => "provider",
            Role::Nurse => "nurse",
            Role::Staff => "staff",
            Role::Billing => "billing",
            Role::Patient => "patient",
        }
    }

    /// The charts this role sees in a tenant with that setting. Only clinicians are narrowed by it: the front desk and
    /// billing serve everyone who comes, a patient sees himself.
    pub const fn scope(self, setting: ChartAccess) -> Scope {
        match self {
            Role::Admin | Role::Staff | Role::Billing => Scope::Organization,
            Role::Provider | Role::Nurse => match setting {
                ChartAccess::CareTeam => Scope::CareTeam,
                ChartAccess::Facility => Scope::Facility,
                ChartAccess::Organization => Scope::Organization,
            },
            Role::Patient => Scope::Own,
        }
    }
}

/// A tenant's setting: what a provider or nurse may see.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type,
)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChartAccess {
    /// Patients on whose care team he is.
    #[default]
    CareTeam,
    /// Patients seen at a facility he works at.
    Facility,
    /// Every patient of the tenant.
    Organization,
}

/// Which patients the database lets a transaction see. Read by `app.may_see`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    Organization,
    Facility,
    CareTeam,
    Own,
}

impl Scope {
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Organization => "organization",
            Scope::Facility => "facility",
            Scope::CareTeam => "care_team",
            Scope::Own => "self",
        }
    }
}

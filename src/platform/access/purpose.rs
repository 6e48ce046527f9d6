//! Why a chart is opened: HL7 v3 PurposeOfUse codes.

use kernel::{Code, Error, Result};

use super::Role;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    Treatment,
    Payment,
    Operations,
    PatientRequest,
    EmergencyTreatment,
    Research,
    PublicHealth,
}

impl Purpose {
    pub const ALL: [Purpose; 7] = [
        Purpose::Treatment,
        Purpose::Payment,
        Purpose::Operations,
        Purpose::PatientRequest,
        Purpose::EmergencyTreatment,
        Purpose::Research,
        Purpose::PublicHealth,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Purpose::Treatment => "TREAT",
            Purpose::Payment => "HPAYMT",
            Purpose::Operations => "HOPERAT",
            Purpose::PatientRequest => "PATRQT",
            Purpose::EmergencyTreatment => "ETREAT",
            Purpose::Research => "HRESCH",
            Purpose::PublicHealth => "PUBHLTH",
        }
    }

    /// What a role may say it opens a chart for: nobody who does not treat may say that he does.
    pub const fn of(role: Role) -> &'static [Purpose] {
        use Purpose::{
            EmergencyTreatment, Operations, PatientRequest, Payment, PublicHealth, Research,
            Treatment,
        };
        match role {
            Role::Provider | Role::Nurse => &Self::ALL,
            Role::Staff => &[
                Treatment,
                EmergencyTreatment,
                Payment,
                Operations,
                PatientRequest,
                PublicHealth,
            ],
            Role::Admin => &[Operations, Payment, PatientRequest, Research, PublicHealth],
            Role::Billing => &[Payment, Operations, PatientRequest],
            Role::Patient => &[PatientRequest],
        }
    }

    /// Refuses a purpose that is not the role's to claim.
    pub fn require_of(self, role: Role) -> Result<()> {
        if Self::of(role).contains(&self) {
            return Ok(());
        }
        let may: Vec<&str> = Self::of(role).iter().map(|one| one.as_str()).collect();
        let rule = format!(
            "X-Purpose-Of-Use of this role must be one of {}.",
            may.join(", ")
        );
        Err(Error::new(Code::InvalidHeader).detail(rule))
    }

    /// Reads the header `X-Purpose-Of-Use`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or_else(|| {
            Error::new(Code::InvalidHeader).detail(
                "X-Purpose-Of-Use must be one of TREAT, HPAYMT, HOPERAT, PATRQT, ETREAT, HRESCH, PUBHLTH.",
            )
        })
    }
}

//! Why a chart is opened: HL7 v3 PurposeOfUse codes.

use kernel::{Code, Error, Result};

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

    /// Reads the header `X-Purpose-Of-Use`.
    pub fn parse(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == text).ok_or_else(|| {
            Error::new(Code::InvalidHeader).detail(
                "X-Purpose-Of-Use must be one of TREAT, HPAYMT, HOPERAT, PATRQT, ETREAT, HRESCH, PUBHLTH.",
            )
        })
    }
}

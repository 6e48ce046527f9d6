//! What can be measured, for whoever builds a form: kinds, units, codes, and what is possible and usual at which age.

use platform::access::NoPhi;
use serde::Serialize;
use utoipa::ToSchema;

use super::facts::{self, Band};
use super::kinds::{Quantity, VitalCode, VitalKind};
use super::units::{Amount, Unit};

/// Said with every answer that shows these facts.
const NOTICE: &str = "Starter knowledge: a clinician must review it before clinical use.";

/// Everything that can be measured.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct VitalKinds {
    #[schema(example = "Starter knowledge: a clinician must review it before clinical use.")]
    pub notice: &'static str,
    pub kinds: Vec<KindInfo>,
    pub quantities: Vec<QuantityInfo>,
}

impl NoPhi for VitalKinds {}

/// One thing that can be recorded.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalKindInfo)]
pub struct KindInfo {
    pub kind: VitalKind,
    pub loinc: &'static str,
    /// UCUM; the first is the one it is kept in. With several, a reading must say which.
    pub units: Vec<Unit>,
    /// The answers of a kind that is no number.
    pub answers: Vec<VitalCode>,
}

/// One number that is kept or computed.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = VitalQuantityInfo)]
pub struct QuantityInfo {
    pub quantity: Quantity,
    #[schema(example = "Heart rate")]
    pub name: &'static str,
    pub loinc: &'static str,
    /// Where the code was seen with its meaning.
    pub loinc_check: &'static str,
    pub unit: Unit,
    /// What lies outside is refused.
    pub possible: RangeInfo,
    /// What is usual, by age.
    pub usual: Vec<UsualInfo>,
    /// Where the ranges come from.
    pub source: &'static str,
}

/// Both ends are in it.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = VitalRange)]
pub struct RangeInfo {
    #[schema(value_type = f64)]
    pub low: Amount,
    #[schema(value_type = f64)]
    pub high: Amount,
}

/// What is usual at an age.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[schema(as = VitalUsualRange)]
pub struct UsualInfo {
    #[schema(example = "adult, to 65 years")]
    pub age: &'static str,
    #[serde(flatten)]
    pub range: RangeInfo,
}

impl From<facts::Range> for RangeInfo {
    fn from(range: facts::Range) -> Self {
        Self {
            low: range.low,
            high: range.high,
        }
    }
}

/// LOINC of a quantity.
pub(super) fn loinc(quantity: Quantity) -> &'static str {
    &facts::of(quantity).loinc
}

pub(super) fn kinds() -> VitalKinds {
    VitalKinds {
        notice: NOTICE,
        kinds: VitalKind::ALL
            .into_iter()
            .map(|kind| KindInfo {
                kind,
                loinc: kind.loinc(),
                units: kind.units().to_vec(),
                answers: kind.answers().to_vec(),
            })
            .collect(),
        quantities: Quantity::ALL.into_iter().map(quantity).collect(),
    }
}

fn quantity(quantity: Quantity) -> QuantityInfo {
    let fact = facts::of(quantity);
    QuantityInfo {
        quantity,
        name: &fact.name,
        loinc: &fact.loinc,
        loinc_check: &fact.loinc_check,
        unit: quantity.unit(),
        possible: fact.possible.into(),
        usual: Band::ALL
            .into_iter()
            .zip(fact.usual)
            .map(|(band, range)| UsualInfo {
                age: band.name(),
                range: range.into(),
            })
            .collect(),
        source: &fact.source,
    }
}

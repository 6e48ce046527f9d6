//! What can be measured, and where and how.
//!
//! A *kind* is what somebody records: a blood pressure, a weight. A *quantity* is one number in one unit: a blood pressure
//! has two, and some are computed and never recorded (mean arterial pressure, body mass index).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::units::Unit;

/// What was measured.
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
pub enum VitalKind {
    BloodPressure,
    HeartRate,
    RespiratoryRate,
    Temperature,
    OxygenSaturation,
    /// 0 is room air.
    InhaledOxygenFlow,
    /// 21 is room air.
    InhaledOxygenConcentration,
    Weight,
    Height,
    HeadCircumference,
    Pain,
    Glucose,
    GlasgowComaScore,
    /// ACVPU.
    Consciousness,
    PregnancyStatus,
}

/// One number in one unit.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
#[schema(as = VitalQuantity)]
pub enum Quantity {
    Systolic,
    Diastolic,
    MeanArterialPressure,
    HeartRate,
    RespiratoryRate,
    Temperature,
    OxygenSaturation,
    InhaledOxygenFlow,
    InhaledOxygenConcentration,
    Weight,
    Height,
    HeadCircumference,
    Bmi,
    Pain,
    Glucose,
    GlasgowComaScore,
}

impl VitalKind {
    pub const ALL: [Self; 15] = [
        Self::BloodPressure,
        Self::HeartRate,
        Self::RespiratoryRate,
        Self::Temperature,
        Self::OxygenSaturation,
        Self::InhaledOxygenFlow,
        Self::InhaledOxygenConcentration,
        Self::Weight,
        Self::Height,
        Self::HeadCircumference,
        Self::Pain,
        Self::Glucose,
        Self::GlasgowComaScore,
        Self::Consciousness,
        Self::PregnancyStatus,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BloodPressure => "blood_pressure",
            Self::HeartRate => "heart_rate",
            Self::RespiratoryRate => "respiratory_rate",
            Self::Temperature => "temperature",
            Self::OxygenSaturation => "oxygen_saturation",
            Self::InhaledOxygenFlow => "inhaled_oxygen_flow",
            Self::InhaledOxygenConcentration => "inhaled_oxygen_concentration",
            Self::Weight => "weight",
            Self::Height => "height",
            Self::HeadCircumference => "head_circumference",
            Self::Pain => "pain",
            Self::Glucose => "glucose",
            Self::GlasgowComaScore => "glasgow_coma_score",
            Self::Consciousness => "consciousness",
            Self::PregnancyStatus => "pregnancy_status",
        }
    }

    /// What the number of such a reading is; of a blood pressure the systolic. `None` where it is no number.
    pub const fn quantity(self) -> Option<Quantity> {
        Some(match self {
            Self::BloodPressure => Quantity::Systolic,
            Self::HeartRate => Quantity::HeartRate,
            Self::RespiratoryRate => Quantity::RespiratoryRate,
            Self::Temperature => Quantity::Temperature,
            Self::OxygenSaturation => Quantity::OxygenSaturation,
            Self::InhaledOxygenFlow => Quantity::InhaledOxygenFlow,
            Self::InhaledOxygenConcentration => Quantity::InhaledOxygenConcentration,
            Self::Weight => Quantity::Weight,
            Self::Height => Quantity::Height,
            Self::HeadCircumference => Quantity::HeadCircumference,
            Self::Pain => Quantity::Pain,
            Self::Glucose => Quantity::Glucose,
            Self::GlasgowComaScore => Quantity::GlasgowComaScore,
            Self::Consciousness | Self::PregnancyStatus => return None,
        })
    }

    /// The units it may be said in; the first is the one it is kept in. More than one: the unit must be said.
    pub const fn units(self) -> &'static [Unit] {
        match self.quantity() {
            Some(quantity) => quantity.units(),
            None => &[],
        }
    }

    /// LOINC. Of a blood pressure the panel's, whose parts are systolic and diastolic.
    pub fn loinc(self) -> &'static str {
        match self {
            Self::BloodPressure => "85354-9",
            Self::Consciousness => "80288-4",
            Self::PregnancyStatus => "82810-3",
            _ => self
                .quantity()
                .map_or("", |quantity| super::facts::of(quantity).loinc.as_str()),
        }
    }

    /// The answers of a kind that is no number.
    pub const fn answers(self) -> &'static [VitalCode] {
        match self {
            Self::Consciousness => &[
                VitalCode::Alert,
                VitalCode::NewConfusion,
                VitalCode::Voice,
                VitalCode::Pain,
                VitalCode::Unresponsive,
            ],
            Self::PregnancyStatus => &[
                VitalCode::Pregnant,
                VitalCode::NotPregnant,
                VitalCode::Unknown,
            ],
            _ => &[],
        }
    }
}

impl Quantity {
    pub const ALL: [Self; 16] = [
        Self::Systolic,
        Self::Diastolic,
        Self::MeanArterialPressure,
        Self::HeartRate,
        Self::RespiratoryRate,
        Self::Temperature,
        Self::OxygenSaturation,
        Self::InhaledOxygenFlow,
        Self::InhaledOxygenConcentration,
        Self::Weight,
        Self::Height,
        Self::HeadCircumference,
        Self::Bmi,
        Self::Pain,
        Self::Glucose,
        Self::GlasgowComaScore,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Systolic => "systolic",
            Self::Diastolic => "diastolic",
            Self::MeanArterialPressure => "mean_arterial_pressure",
            Self::HeartRate => "heart_rate",
            Self::RespiratoryRate => "respiratory_rate",
            Self::Temperature => "temperature",
            Self::OxygenSaturation => "oxygen_saturation",
            Self::InhaledOxygenFlow => "inhaled_oxygen_flow",
            Self::InhaledOxygenConcentration => "inhaled_oxygen_concentration",
            Self::Weight => "weight",
            Self::Height => "height",
            Self::HeadCircumference => "head_circumference",
            Self::Bmi => "bmi",
            Self::Pain => "pain",
            Self::Glucose => "glucose",
            Self::GlasgowComaScore => "glasgow_coma_score",
        }
    }

    pub const fn units(self) -> &'static [Unit] {
        match self {
            Self::Systolic | Self::Diastolic | Self::MeanArterialPressure => &[Unit::MmHg],
            Self::HeartRate | Self::RespiratoryRate => &[Unit::PerMinute],
            Self::Temperature => &[Unit::Celsius, Unit::Fahrenheit],
            Self::OxygenSaturation | Self::InhaledOxygenConcentration => &[Unit::Percent],
            Self::InhaledOxygenFlow => &[Unit::LitrePerMinute],
            Self::Weight => &[Unit::Kilogram, Unit::Gram, Unit::Pound, Unit::Ounce],
            Self::Height => &[Unit::Centimetre, Unit::Metre, Unit::Inch, Unit::Foot],
            Self::HeadCircumference => &[Unit::Centimetre, Unit::Inch],
            Self::Bmi => &[Unit::KilogramPerSquareMetre],
            Self::Pain | Self::GlasgowComaScore => &[Unit::Score],
            Self::Glucose => &[Unit::MilligramPerDecilitre, Unit::MillimolePerLitre],
        }
    }

    /// The unit it is kept in.
    pub const fn unit(self) -> Unit {
        self.units()[0]
    }

    /// Decimals it is kept with.
    pub const fn decimals(self) -> u32 {
        match self {
            Self::Temperature | Self::Height | Self::HeadCircumference => 2,
            Self::Glucose | Self::Bmi | Self::MeanArterialPressure => 1,
            _ => 4,
        }
    }

    /// Whether only whole numbers make sense.
    pub const fn is_whole(self) -> bool {
        matches!(self, Self::Pain | Self::GlasgowComaScore)
    }

    /// The kinds of readings it is made from.
    pub const fn made_from(self) -> &'static [VitalKind] {
        match self {
            Self::Systolic | Self::Diastolic | Self::MeanArterialPressure => {
                &[VitalKind::BloodPressure]
            }
            Self::HeartRate => &[VitalKind::HeartRate],
            Self::RespiratoryRate => &[VitalKind::RespiratoryRate],
            Self::Temperature => &[VitalKind::Temperature],
            Self::OxygenSaturation => &[VitalKind::OxygenSaturation],
            Self::InhaledOxygenFlow => &[VitalKind::InhaledOxygenFlow],
            Self::InhaledOxygenConcentration => &[VitalKind::InhaledOxygenConcentration],
            Self::Weight => &[VitalKind::Weight],
            Self::Height => &[VitalKind::Height],
            Self::HeadCircumference => &[VitalKind::HeadCircumference],
            Self::Bmi => &[VitalKind::Weight, VitalKind::Height],
            Self::Pain => &[VitalKind::Pain],
            Self::Glucose => &[VitalKind::Glucose],
            Self::GlasgowComaScore => &[VitalKind::GlasgowComaScore],
        }
    }
}

/// An answer that is no number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum VitalCode {
    Alert,
    NewConfusion,
    /// Responds to voice.
    Voice,
    /// Responds to pain.
    Pain,
    Unresponsive,
    Pregnant,
    NotPregnant,
    Unknown,
}

/// How the patient was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VitalPosition)]
pub enum Position {
    Sitting,
    Standing,
    Supine,
    Prone,
    SemiRecumbent,
    LeftLateral,
    RightLateral,
}

/// Where it was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
#[schema(as = VitalBodySite)]
pub enum BodySite {
    LeftArm,
    RightArm,
    LeftWrist,
    RightWrist,
    LeftThigh,
    RightThigh,
    LeftAnkle,
    RightAnkle,
    Finger,
    Toe,
    EarLobe,
    Forehead,
    Oral,
    Axillary,
    Rectal,
    Tympanic,
    Temporal,
    Oesophageal,
    Bladder,
    ArterialLine,
    Apical,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_on_the_wire_are_the_names_in_the_code() {
        for kind in VitalKind::ALL {
            assert_eq!(serde_json::to_value(kind).expect("JSON"), kind.as_str());
            assert_eq!(kind.quantity().is_none(), !kind.answers().is_empty());
            assert!(!kind.loinc().is_empty());
        }
        for quantity in Quantity::ALL {
            assert_eq!(
                serde_json::to_value(quantity).expect("JSON"),
                quantity.as_str()
            );
        }
    }
}

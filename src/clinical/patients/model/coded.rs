//! Closed sets: what is told from a list.
//!
//! Race and ethnicity are the OMB categories of the CDC code set, as US Core has them; the finer answer is its text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Administrative sex.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Sex {
    Female,
    Male,
    Other,
    Unknown,
}

/// The gender a person says to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum GenderIdentity {
    Female,
    Male,
    TransgenderFemale,
    TransgenderMale,
    NonBinary,
    Other,
    Undisclosed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MaritalStatus {
    NeverMarried,
    Married,
    Divorced,
    Widowed,
    Separated,
    DomesticPartner,
    Annulled,
    Unknown,
}

/// ABO and Rhesus D.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[sqlx(type_name = "text")]
pub enum BloodType {
    #[serde(rename = "A+")]
    #[sqlx(rename = "A+")]
    APositive,
    #[serde(rename = "A-")]
    #[sqlx(rename = "A-")]
    ANegative,
    #[serde(rename = "B+")]
    #[sqlx(rename = "B+")]
    BPositive,
    #[serde(rename = "B-")]
    #[sqlx(rename = "B-")]
    BNegative,
    #[serde(rename = "AB+")]
    #[sqlx(rename = "AB+")]
    AbPositive,
    #[serde(rename = "AB-")]
    #[sqlx(rename = "AB-")]
    AbNegative,
    #[serde(rename = "O+")]
    #[sqlx(rename = "O+")]
    OPositive,
    #[serde(rename = "O-")]
    #[sqlx(rename = "O-")]
    ONegative,
}

/// OMB category of race, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum RaceCode {
    #[serde(rename = "1002-5")]
    AmericanIndianOrAlaskaNative,
    #[serde(rename = "2028-9")]
    Asian,
    #[serde(rename = "2054-5")]
    BlackOrAfricanAmerican,
    #[serde(rename = "2076-8")]
    NativeHawaiianOrPacificIslander,
    #[serde(rename = "2106-3")]
    White,
    #[serde(rename = "2131-1")]
    Other,
    #[serde(rename = "UNK")]
    Unknown,
    /// Asked, and declined to say.
    #[serde(rename = "ASKU")]
    Declined,
}

/// OMB category of ethnicity, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum EthnicityCode {
    #[serde(rename = "2135-2")]
    HispanicOrLatino,
    #[serde(rename = "2186-5")]
    NotHispanicOrLatino,
    #[serde(rename = "UNK")]
    Unknown,
    /// Asked, and declined to say.
    #[serde(rename = "ASKU")]
    Declined,
}

/// One race; a person may have several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Race {
    pub code: RaceCode,
    /// In the person's own words, such as `Hmong`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Ethnicity {
    pub code: EthnicityCode,
    /// In the person's own words, such as `Puerto Rican`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Whether the text has the form of a BCP 47 language tag, such as `es` or `zh-Hant-TW`.
pub(super) fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn language_tags_have_a_form() {
        for tag in ["en", "en-US", "zh-Hant-TW", "yue", "es-419"] {
            assert!(is_language(tag), "{tag}");
        }
        for tag in ["", "e", "English", "en_US", "en-", "12", "en-toolongpart"] {
            assert!(!is_language(tag), "{tag}");
        }
    }
}

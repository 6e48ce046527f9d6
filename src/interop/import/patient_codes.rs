//! FHIR's and US Core's codes for what we keep from closed lists.

use clinical::patients::{
    Ethnicity, EthnicityCode, GenderIdentity, MaritalStatus, Race, RaceCode, Relationship, Sex,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::elements::{at_most, codings, extension, list, text, tidy};

const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/";

/// The extensions of a patient that are read, by how their URLs end.
pub(super) const EXTENSIONS: [&str; 4] = [
    "/us-core-race",
    "/us-core-ethnicity",
    "/us-core-birthsex",
    "/us-core-genderIdentity",
];

fn us_core<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    extension(value, &format!("{US_CORE}{name}"))
}

/// The administrative gender; where it is not told, the sex at birth.
pub(super) fn sex(value: &Value) -> Sex {
    let birth =
        us_core(value, "us-core-birthsex").and_then(|extension| text(extension, "/valueCode"));
    match (text(value, "/gender"), birth) {
        (Some("female"), _) | (None | Some("unknown"), Some("F")) => Sex::Female,
        (Some("male"), _) | (None | Some("unknown"), Some("M")) => Sex::Male,
        (Some("other"), _) => Sex::Other,
        _ => Sex::Unknown,
    }
}

pub(super) fn gender_identity(value: &Value) -> Option<GenderIdentity> {
    let concept = us_core(value, "us-core-genderIdentity")?.pointer("/valueCodeableConcept")?;
    codings(concept).find_map(|coding| match coding.code {
        "446141000124107" | "female" => Some(GenderIdentity::Female),
        "446151000124109" | "male" => Some(GenderIdentity::Male),
        "407376001" | "transgender-female" => Some(GenderIdentity::TransgenderFemale),
        "407377005" | "transgender-male" => Some(GenderIdentity::TransgenderMale),
        "446131000124102" | "33791000087105" | "non-binary" => Some(GenderIdentity::NonBinary),
        "OTH" | "other" => Some(GenderIdentity::Other),
        "ASKU" | "asked-declined" | "non-disclose" => Some(GenderIdentity::Undisclosed),
        _ => None,
    })
}

/// The preferred language, else the first, as a BCP 47 tag.
pub(super) fn language(value: &Value) -> Option<String> {
    let spoken = list(value, "/communication");
    let preferred = spoken
        .iter()
        .find(|one| one.pointer("/preferred") == Some(&Value::Bool(true)));
    let concept = preferred.or_else(|| spoken.first())?.pointer("/language")?;
    codings(concept)
        .map(|coding| coding.code.replace('_', "-"))
        .find(|tag| is_language(tag))
}

fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let primary = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=3).contains(&primary.len())
        && primary.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// The OMB categories, and the person's own words where they say more.
pub(super) fn races(value: &Value) -> Vec<Race> {
    let Some(extension) = us_core(value, "us-core-race") else {
        return Vec::new();
    };
    let (codes, words) = categories::<RaceCode>(extension);
    let mut races: Vec<Race> = codes
        .into_iter()
        .map(|code| Race { code, text: None })
        .collect();
    if races.is_empty() && words.is_some() {
        races.push(Race {
            code: RaceCode::Other,
            text: None,
        });
    }
    if let Some(first) = races.first_mut() {
        first.text = words;
    }
    races.truncate(10);
    races
}

pub(super) fn ethnicity(value: &Value) -> Option<Ethnicity> {
    let (codes, text) = categories::<EthnicityCode>(us_core(value, "us-core-ethnicity")?);
    let code = codes
        .first()
        .copied()
        .or(text.as_ref().map(|_| EthnicityCode::Unknown))?;
    Some(Ethnicity { code, text })
}

/// Known categories, and words that are not merely their names.
fn categories<T: DeserializeOwned + PartialEq>(extension: &Value) -> (Vec<T>, Option<String>) {
    let parts = || list(extension, "/extension").iter();
    let of = |kind: &'static str| {
        let found = parts().filter(move |part| text(part, "/url") == Some(kind));
        found
            .filter_map(|part| part.pointer("/valueCoding"))
            .flat_map(codings)
    };
    let mut codes: Vec<T> = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for coding in of("ombCategory") {
        if let Ok(code) = serde_json::from_value(Value::from(coding.code))
            && !codes.contains(&code)
        {
            codes.push(code);
        }
        named.extend(coding.display);
    }
    let detailed: Vec<&str> = of("detailed").filter_map(|coding| coding.display).collect();
    let said = parts()
        .find(|part| text(part, "/url") == Some("text"))
        .and_then(|part| text(part, "/valueString"));
    let words = match said {
        _ if !detailed.is_empty() => Some(detailed.join(", ")),
        Some(words) if !named.iter().any(|name| name.eq_ignore_ascii_case(words)) => {
            Some(words.to_owned())
        }
        _ => None,
    };
    (
        codes,
        words
            .map(|words| at_most(&tidy(&words), 200))
            .filter(|words| !words.is_empty()),
    )
}

pub(super) fn marital_status(value: &Value) -> Option<MaritalStatus> {
    let concept = value.pointer("/maritalStatus")?;
    codings(concept).find_map(|coding| match coding.code {
        "S" | "U" => Some(MaritalStatus::NeverMarried),
        "M" | "P" | "C" => Some(MaritalStatus::Married),
        "D" => Some(MaritalStatus::Divorced),
        "W" => Some(MaritalStatus::Widowed),
        "L" | "I" => Some(MaritalStatus::Separated),
        "T" => Some(MaritalStatus::DomesticPartner),
        "A" => Some(MaritalStatus::Annulled),
        "UNK" => Some(MaritalStatus::Unknown),
        _ => None,
    })
}

/// HL7 v3 role codes; the older v2 letters tell a function rather than a kinship.
pub(super) fn relationship(contact: &Value) -> Relationship {
    let codes = list(contact, "/relationship").iter().flat_map(codings);
    let known = codes.map(|coding| coding.code).find_map(|code| match code {
        "SPS" | "HUSB" | "WIFE" => Some(Relationship::Spouse),
        "DOMPART" | "SIGOTHR" => Some(Relationship::Partner),
        "PRN" | "MTH" | "FTH" | "NMTH" | "NFTH" | "ADOPTP" | "STPPRN" => Some(Relationship::Parent),
        "CHILD" | "SON" | "DAU" | "SONC" | "DAUC" | "STPCHLD" | "CHLDADOPT" => {
            Some(Relationship::Child)
        }
        "SIB" | "BRO" | "SIS" | "NBRO" | "NSIS" => Some(Relationship::Sibling),
        "GRPRN" | "GRMTH" | "GRFTH" => Some(Relationship::Grandparent),
        "GRNDCHILD" | "GRNDSON" | "GRNDDAU" => Some(Relationship::Grandchild),
        "GUARD" | "GUADLTM" => Some(Relationship::Guardian),
        "FRND" => Some(Relationship::Friend),
        "NBOR" => Some(Relationship::Neighbor),
        _ => None,
    });
    known.unwrap_or(Relationship::Other)
}

//! Numbers by which others know a person, and the one that must not be seen.
//!
//! A Social Security number comes in as `value` and is never shown again: it is sealed, and stands here with its last four
//! digits. Sent back like that, without a value, it means the one that is known already.

use std::fmt;

use kernel::{Checks, Validate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What kind of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IdentifierType {
    Ssn,
    DriversLicense,
    Passport,
    Other,
}

/// A number by which others know the person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientIdentifier {
    pub r#type: IdentifierType,
    /// Who gave it out: a URI, a state, a country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Of an SSN: written, never shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Of an SSN only: shown. Sent without a value, it keeps the number as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last4: Option<String>,
}

impl PatientIdentifier {
    pub const fn is_ssn(&self) -> bool {
        matches!(self.r#type, IdentifierType::Ssn)
    }

    /// The SSN among them.
    pub fn ssn(all: &[Self]) -> Option<(usize, &Self)> {
        all.iter()
            .enumerate()
            .find(|(_, identifier)| identifier.is_ssn())
    }

    /// As it may be shown and kept in the clear.
    pub(in crate::patients) fn shown(&self) -> Self {
        match self.value.as_deref().and_then(Ssn::read) {
            Some(ssn) if self.is_ssn() => Self {
                value: None,
                last4: Some(ssn.last4().to_owned()),
                ..self.clone()
            },
            _ => self.clone(),
        }
    }
}

/// A Social Security number: nine digits. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Ssn(String);

impl Ssn {
    /// Reads `123-45-6789` or `123456789`. `None` for what the Social Security Administration never gives out: areas 000,
    /// 666 and 900 to 999, group 00, serial 0000.
    pub fn parse(text: &str) -> Option<Self> {
        Self::read(text).filter(Self::may_exist)
    }

    /// Reads any number of that form. An import brings taxpayers' numbers and invented ones too: not ours to refuse, and as
    /// much to be sealed.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        let digits: String = match text.len() {
            9 => text.to_owned(),
            11 => {
                let parts: Vec<&str> = text.split(['-', ' ']).collect();
                if parts.iter().map(|part| part.len()).ne([3, 2, 4]) {
                    return None;
                }
                parts.concat()
            }
            _ => return None,
        };
        digits
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then_some(Self(digits))
    }

    fn may_exist(&self) -> bool {
        let digits = &self.0;
        !matches!(&digits[..3], "000" | "666")
            && !digits.starts_with('9')
            && &digits[3..5] != "00"
            && &digits[5..] != "0000"
    }

    /// The nine digits: its canonical form, to be sealed and indexed.
    pub fn digits(&self) -> &str {
        &self.0
    }

    pub fn last4(&self) -> &str {
        &self.0[5..]
    }
}

impl fmt::Debug for Ssn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ssn(…)")
    }
}

impl Validate for PatientIdentifier {
    fn check(&self, checks: &mut Checks) {
        checks.text_if("system", self.system.as_deref(), 200);
        match (self.is_ssn(), &self.value, &self.last4) {
            (true, Some(value), _) => {
                let message = "must be a Social Security number";
                checks.require(Ssn::parse(value).is_some(), "value", "not_an_ssn", message);
            }
            (true, None, Some(last4)) => {
                let digits = last4.len() == 4 && last4.bytes().all(|b| b.is_ascii_digit());
                checks.require(digits, "last4", "wrong_form", "must be four digits");
            }
            (false, Some(value), None) => checks.text("value", value, 200),
            (_, None, None) => checks.fail_here("missing_field", "needs the field value"),
            (false, _, Some(_)) => {
                checks.fail(
                    "last4",
                    "unknown_field",
                    "is not a field here; only an SSN has it",
                );
            }
        }
    }
}

/// Checks them together: a person has one SSN.
pub(super) fn check_all(checks: &mut Checks, identifiers: &[PatientIdentifier]) {
    checks.each("identifiers", identifiers, 20, |checks, identifier| {
        identifier.check(checks);
    });
    if identifiers
        .iter()
        .filter(|identifier| identifier.is_ssn())
        .count()
        > 1
    {
        checks.fail(
            "identifiers",
            "too_many",
            "must not have two of the type ssn",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_are_never_given_out_are_no_ssn() {
        for text in [
            "000-12-3456",
            "666-12-3456",
            "900-12-3456",
            "999-64-5020",
            "123-00-4567",
            "123-45-0000",
            "12345678",
            "1234567890",
            "123-456-789",
            "12-345-6789",
            "123-45-678x",
            "１２３",
            "123 45-67 9",
            "",
        ] {
            assert!(Ssn::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_ssn_is_nine_digits_however_written() {
        for text in ["123-45-6789", "123 45 6789", "123456789", " 123-45-6789 "] {
            let ssn = Ssn::parse(text).expect("an SSN");
            assert_eq!((ssn.digits(), ssn.last4()), ("123456789", "6789"), "{text}");
        }
        assert!(!format!("{:?}", Ssn::parse("123-45-6789")).contains('6'));
    }

    #[test]
    fn a_number_nobody_was_given_is_read_and_sealed_all_the_same() {
        assert_eq!(
            Ssn::read("999-64-5020").as_ref().map(Ssn::last4),
            Some("5020")
        );
        for text in ["12345678", "123-456-789", "123-45-678x", "１２３", ""] {
            assert!(Ssn::read(text).is_none(), "{text}");
        }
    }

    #[test]
    fn an_ssn_is_shown_with_its_last_four_only() {
        let identifier: PatientIdentifier =
            serde_json::from_value(serde_json::json!({ "type": "ssn", "value": "123-45-6789" }))
                .expect("one");
        let shown = serde_json::to_value(identifier.shown()).expect("JSON");
        assert_eq!(shown, serde_json::json!({ "type": "ssn", "last4": "6789" }));
    }
}

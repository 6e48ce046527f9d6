//! Names of a person. Exactly one is legal; the others are what he likes to be called and what he was called before.

use chrono::NaiveDate;
use kernel::{Checks, Validate, is_blank};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_period;

/// What a name is to its bearer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NameUse {
    Legal,
    Preferred,
    /// A birth name, or another one that was given up.
    Former,
}

/// A name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PatientName {
    pub r#use: NameUse,
    /// Of somebody with one name only: that name.
    pub family: String,
    /// In their order, at most five.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suffix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day it was borne.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

impl PatientName {
    /// As it is said: given names, family name, suffix.
    pub fn spoken(&self) -> String {
        let parts = self.given.iter().chain([&self.family]).chain(&self.suffix);
        parts.map(String::as_str).collect::<Vec<_>>().join(" ")
    }

    /// The legal one.
    pub fn legal(names: &[Self]) -> Option<&Self> {
        names.iter().find(|name| name.r#use == NameUse::Legal)
    }
}

impl Validate for PatientName {
    fn check(&self, checks: &mut Checks) {
        checks.text("family", &self.family, 100);
        checks.each("given", &self.given, 5, |checks, given| {
            if is_blank(given) || given.chars().count() > 100 || given.chars().any(char::is_control)
            {
                checks.fail_here("wrong_form", "must be a name of 1 to 100 characters");
            }
        });
        checks.text_if("prefix", self.prefix.as_deref(), 40);
        checks.text_if("suffix", self.suffix.as_deref(), 40);
        check_period(checks, self.from, self.until);
    }
}

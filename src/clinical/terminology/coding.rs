//! A code in a chart, and the question whether it may stand there.

use chrono::NaiveDate;
use kernel::{Checks, Error, FieldError, Result, Validate};
use platform::db::TenantTx;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::index::Listed;
use super::store::Version;
use super::system::System;
use super::{memory, store};

/// A code as it is sent and kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "system": "icd10cm", "code": "E11.9", "display": "Type 2 diabetes mellitus without complications" }))]
pub struct Coding {
    pub system: System,
    pub code: String,
    /// What the code means. Where the system is loaded, its own display takes the place of the one given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display: Option<String>,
}

impl Validate for Coding {
    fn check(&self, checks: &mut Checks) {
        checks.text("code", &self.code, 40);
        checks.text_if("display", self.display.as_deref(), 500);
    }
}

/// A code that may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concept {
    pub system: System,
    /// In its canonical form.
    pub code: String,
    /// What it means, where that is known: not, if the system is not loaded and the starter set lacks the code.
    pub display: Option<String>,
    /// False for a heading, too coarse for a diagnosis or a bill. True where it is not known.
    pub assignable: bool,
}

/// The concept of a code that may be used on the day.
///
/// # Errors
/// `422` at `pointer`, with up to five `nearest` codes that may be used: `code_unknown` where the system is loaded and
/// has no such code, `code_not_valid_at_date` where it has it, but not on that day. Where only part of the system is
/// loaded: `code_malformed`, if the code has not the system's form or its check digit is wrong.
pub async fn require(
    tx: &mut TenantTx,
    pointer: &str,
    system: System,
    code: &str,
    on: NaiveDate,
) -> Result<Concept> {
    let code = system.canonical(code);
    let (version, listed) = store::in_force_with(tx, system, &code, on).await?;
    if let Some(listed) = &listed
        && listed.is_valid(on)
    {
        return Ok(Concept {
            system,
            code,
            display: Some(listed.display.clone()),
            assignable: listed.assignable,
        });
    }
    match version {
        Some(version) if version.complete || listed.is_some() => {
            let known = listed.is_some() || store::was_ever(tx, system, &code).await?;
            Err(refusal(tx, pointer, system, &code, on, &version, known).await?)
        }
        _ if system.has_form(&code) => Ok(Concept {
            system,
            code,
            display: None,
            assignable: true,
        }),
        _ => Err(Error::field(pointer, "code_malformed", system.form())),
    }
}

/// As [`require`], for a [`Coding`]: hands it back in canonical form, with the system's display where it is known.
/// `pointer` is where the coding stands; what is refused is its member `code`.
pub async fn settle(
    tx: &mut TenantTx,
    pointer: &str,
    coding: &Coding,
    on: NaiveDate,
) -> Result<Coding> {
    let pointer = format!("{pointer}/code");
    let concept = require(tx, &pointer, coding.system, &coding.code, on).await?;
    Ok(Coding {
        system: concept.system,
        code: concept.code,
        display: concept.display.or_else(|| coding.display.clone()),
    })
}

/// The concept of a code on a day, if it is known and valid; never an error about the code. For imports, which keep what
/// came and only add a missing display.
pub async fn find(
    tx: &mut TenantTx,
    system: System,
    code: &str,
    on: NaiveDate,
) -> Result<Option<Concept>> {
    let code = system.canonical(code);
    let (_, listed) = store::in_force_with(tx, system, &code, on).await?;
    Ok(listed
        .filter(|listed| listed.is_valid(on))
        .map(|listed| Concept {
            system,
            code,
            display: Some(listed.display),
            assignable: listed.assignable,
        }))
}

/// Checks the form alone, for a `Validate` that has no transaction at hand.
pub fn check_form(checks: &mut Checks, field: &str, system: System, code: &str) {
    if !system.has_form(&system.canonical(code)) {
        checks.fail(field, "code_malformed", system.form());
    }
}

async fn refusal(
    tx: &mut TenantTx,
    pointer: &str,
    system: System,
    code: &str,
    on: NaiveDate,
    version: &Version,
    known: bool,
) -> Result<Error> {
    let index = memory::index(tx, version).await?;
    let nearest: Vec<_> = index
        .nearest(code, on, 5)
        .into_iter()
        .map(|Listed { code, display, .. }| json!({ "code": code, "display": display }))
        .collect();
    let (rule, message) = if known {
        let message = format!(
            "must be a code of {} that is valid on the day",
            system.name()
        );
        ("code_not_valid_at_date", message)
    } else {
        (
            "code_unknown",
            format!("must be a code of {}", system.name()),
        )
    };
    Ok(
        Error::invalid(vec![FieldError::new(pointer, rule, message)])
            .with("nearest", json!(nearest)),
    )
}

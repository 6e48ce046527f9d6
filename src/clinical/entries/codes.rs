//! Codes of entries: each must be in its loaded code set and good on the day; the name is the code's, unless one was given.
//!
//! A code that an entry has already is not asked for again: a set may have dropped it since.

use chrono::NaiveDate;
use kernel::{Error, Result};
use platform::db::TenantTx;

use crate::terminology::{self, Coding, System};

/// How a problem or a diagnosis is coded, and what it is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConditionCodes {
    pub icd10cm: Option<String>,
    pub snomed: Option<String>,
    pub name: Option<String>,
}

/// How exact an ICD-10-CM code must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exactness {
    /// A heading will do, as on a problem list.
    Any,
    /// No heading, as on an encounter, which is billed.
    Assignable,
}

/// Checks the codes that are new, and finds a name. What comes back has one.
pub(crate) async fn code_condition(
    tx: &mut TenantTx,
    present: Option<&ConditionCodes>,
    wanted: ConditionCodes,
    exactness: Exactness,
    on: NaiveDate,
) -> Result<ConditionCodes> {
    let ConditionCodes {
        mut icd10cm,
        mut snomed,
        mut name,
    } = wanted;
    for (pointer, system, code, before) in [
        (
            "/icd10cm",
            System::Icd10cm,
            &mut icd10cm,
            present.and_then(|present| present.icd10cm.as_deref()),
        ),
        (
            "/snomed",
            System::Snomed,
            &mut snomed,
            present.and_then(|present| present.snomed.as_deref()),
        ),
    ] {
        if let Some(said) = code {
            if before == Some(said) && name.is_some() {
                continue;
            }
            let concept = terminology::require(tx, pointer, system, said, on).await?;
            if exactness == Exactness::Assignable && !concept.assignable {
                let rule = "must be more exact: it is a heading, which can't be billed";
                return Err(Error::field(pointer, "code_is_a_heading", rule));
            }
            *said = concept.code;
            name = name.or(concept.display);
        }
    }
    if name.is_none() {
        return Err(nameless());
    }
    Ok(ConditionCodes {
        icd10cm,
        snomed,
        name,
    })
}

/// Checks a code, if it is new, and finds a name for it.
pub(crate) async fn code_one(
    tx: &mut TenantTx,
    place: (&str, System),
    present: Option<&str>,
    wanted: &str,
    name: Option<String>,
    on: NaiveDate,
) -> Result<(String, String)> {
    let (code, name) = named(tx, place, present, wanted, name, on).await?;
    Ok((code, name.ok_or_else(nameless)?))
}

/// Checks a code that only goes with an entry, such as that of a reaction.
pub(crate) async fn code_part(
    tx: &mut TenantTx,
    (pointer, system): (&str, System),
    wanted: &str,
    on: NaiveDate,
) -> Result<String> {
    Ok(terminology::require(tx, pointer, system, wanted, on)
        .await?
        .code)
}

/// Checks a code, and finds a name for it where the set has one and none was given.
pub(crate) async fn code_named(
    tx: &mut TenantTx,
    place: (&str, System),
    wanted: &str,
    name: Option<String>,
    on: NaiveDate,
) -> Result<(String, Option<String>)> {
    named(tx, place, None, wanted, name, on).await
}

async fn named(
    tx: &mut TenantTx,
    (pointer, system): (&str, System),
    present: Option<&str>,
    wanted: &str,
    name: Option<String>,
    on: NaiveDate,
) -> Result<(String, Option<String>)> {
    if present == Some(wanted) && name.is_some() {
        return Ok((wanted.to_owned(), name));
    }
    let concept = terminology::require(tx, pointer, system, wanted, on).await?;
    Ok((concept.code, name.or(concept.display)))
}

/// Settles a coding that was not there before.
pub(crate) async fn settle_one(
    tx: &mut TenantTx,
    pointer: &str,
    present: &[Coding],
    wanted: &mut Coding,
    on: NaiveDate,
) -> Result<()> {
    if !present.contains(wanted) {
        *wanted = terminology::settle(tx, pointer, wanted, on).await?;
    }
    Ok(())
}

/// Settles those of a list that were not there before.
pub(crate) async fn settle_all(
    tx: &mut TenantTx,
    pointer: &str,
    present: &[Coding],
    wanted: &mut [Coding],
    on: NaiveDate,
) -> Result<()> {
    for (place, coding) in wanted.iter_mut().enumerate() {
        settle_one(tx, &format!("{pointer}/{place}"), present, coding, on).await?;
    }
    Ok(())
}

fn nameless() -> Error {
    let rule = "must be given: the loaded code sets have no name for the code";
    Error::field("/name", "missing_field", rule)
}

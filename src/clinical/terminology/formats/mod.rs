//! The files in which publishers distribute their code systems, read into concepts. Pure: text in, concepts out.
//!
//! | system | files |
//! |---|---|
//! | `icd10cm`, `icd10pcs` | CMS order file (`icd10cm_order_2026.txt`), code file (`icd10cm_codes_2026.txt`) |
//! | `cvx` | CDC `cvx.txt` (pipes) |
//! | `loinc` | `Loinc.csv` |
//! | `rxnorm` | `RXNCONSO.RRF` |
//! | `snomed` | RF2 description snapshot, and the concept snapshot of the same release |
//! | `hcpcs` | CMS `HCPC20xx_…_ANWEB.txt` (fixed columns), or the sheet saved as CSV |
//! | `cpt` | AMA `LONGULT.txt` and its kind (code, tab or blanks, description), or CSV |
//! | every one | CSV or tab-separated text with a heading: `code`, `display`, and if there are any `also`, `assignable`, `valid_from`, `valid_until` |

mod fixed;
mod rows;
mod rrf;
mod table;

use chrono::NaiveDate;
use kernel::{Error, Result};

use super::index::Listed;
use super::system::System;

/// A concept, and the line it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// From 1.
    pub number: usize,
    pub concept: Listed,
    /// Not to be used any more, its publisher says; since when, `concept.valid_until` may tell.
    pub retired: bool,
}

impl Line {
    pub fn new(number: usize, code: impl Into<String>, display: impl Into<String>) -> Self {
        Self {
            number,
            retired: false,
            concept: Listed {
                code: code.into(),
                display: display.into(),
                also: None,
                assignable: true,
                valid_from: None,
                valid_until: None,
            },
        }
    }
}

/// Reads the text of a distribution file. `companion` is SNOMED CT's file of concepts, which says which are in use.
///
/// # Errors
/// `validation_failed`, if the text has none of the forms the system is distributed in.
pub fn read(system: System, text: &str, companion: Option<&str>) -> Result<Vec<Line>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(lines) = table::read(text)? {
        return Ok(lines);
    }
    let lines = match system {
        System::Icd10cm | System::Icd10pcs => fixed::icd10(text),
        System::Cvx => rrf::cvx(text),
        System::Rxnorm => rrf::rxnorm(text),
        System::Snomed => rrf::snomed(text, companion),
        System::Hcpcs if fixed::is_hcpcs(text) => fixed::hcpcs(text),
        System::Cpt | System::Hcpcs | System::PlaceOfService => fixed::code_and_text(text),
        System::Loinc | System::Ndc | System::Atc => {
            return Err(unreadable(
                "must have a heading with a column of codes and one of displays",
            ));
        }
    };
    if lines.is_empty() {
        return Err(unreadable(
            "must have one of the forms this system is distributed in",
        ));
    }
    Ok(lines)
}

fn unreadable(rule: &'static str) -> Error {
    Error::field("line 1", "unreadable", rule)
}

/// A day as files write it: `2026-01-31`, `20260131`, `2026/01/31`, `01/31/2026`.
fn day(text: &str) -> Option<NaiveDate> {
    ["%Y-%m-%d", "%Y%m%d", "%Y/%m/%d", "%m/%d/%Y"]
        .into_iter()
        .find_map(|form| NaiveDate::parse_from_str(text.trim(), form).ok())
}

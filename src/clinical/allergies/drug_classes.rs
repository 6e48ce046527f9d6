//! Classes of drugs a patient may be allergic to: facts of a data file, with their source.
//!
//! The keys are those by which decision support knows the classes. A pharmacist must review them before clinical use.

use kernel::{Error, Result};
use serde_json::json;

const CLASSES: &str = include_str!("drug_classes.csv");

/// How many keys a refusal names.
const NEAREST: usize = 5;

/// The label of a class.
///
/// # Errors
/// `code_unknown` at the pointer, with the `nearest` keys.
pub(super) fn require(pointer: &str, key: &str) -> Result<&'static str> {
    if let Some((_, label)) = classes().find(|(known, _)| *known == key) {
        return Ok(label);
    }
    let wanted = key.to_lowercase();
    let mut nearest: Vec<(f64, &str, &str)> = classes()
        .map(|(known, label)| {
            let by_label = strsim::jaro_winkler(&label.to_lowercase(), &wanted);
            (
                strsim::jaro_winkler(known, &wanted).max(by_label),
                known,
                label,
            )
        })
        .collect();
    nearest.sort_by(|a, b| b.0.total_cmp(&a.0));
    let nearest: Vec<_> = nearest
        .into_iter()
        .take(NEAREST)
        .map(|(_, code, display)| json!({ "code": code, "display": display }))
        .collect();
    let rule = "must be the key of a drug class; see nearest";
    Err(Error::field(pointer, "code_unknown", rule).with("nearest", json!(nearest)))
}

fn classes() -> impl Iterator<Item = (&'static str, &'static str)> {
    CLASSES.lines().skip(1).filter_map(|line| {
        let mut fields = line.split('|');
        Some((fields.next()?, fields.next()?))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_class_has_a_key_of_its_own_a_label_and_a_source() {
        let keys: BTreeSet<_> = classes().map(|(key, _)| key).collect();
        assert!(keys.len() > 90, "{} classes", keys.len());
        for line in CLASSES.lines().skip(1) {
            let fields: Vec<_> = line.split('|').collect();
            assert!(
                fields.len() == 3 && fields.iter().all(|field| !field.trim().is_empty()),
                "{line}"
            );
        }
        assert_eq!(keys.len(), CLASSES.lines().count() - 1);
    }

    #[test]
    fn an_unknown_class_names_those_that_are_near() {
        assert!(require("/substance/code", "penicillin").is_ok());
        let error = require("/substance/code", "penicilin").expect_err("misspelt");
        let (name, nearest) = error.extension().expect("the nearest");
        assert_eq!(*name, "nearest");
        assert_eq!(nearest[0]["code"], "penicillin");
    }
}

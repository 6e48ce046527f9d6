//! What is linked in may be given away with the rest: every dependency is under a licence that `deny.toml` allows.

use std::process::Command;

use serde_json::Value;

/// The names between the brackets of `allow = […]`.
fn allowed() -> Vec<String> {
    let text = std::fs::read_to_string(super::project("deny.toml")).expect("deny.toml");
    let (_, rest) = text.split_once("allow = [").expect("a list");
    let (list, _) = rest.split_once(']').expect("its end");
    let names = list.split(',').map(|name| name.trim().trim_matches('"'));
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Whether an expression of SPDX, or of the older form with slashes, can be met by what is allowed: all parts of an `AND`,
/// one of an `OR`.
fn fits(expression: &str, allowed: &[String]) -> bool {
    let expression = expression.replace('/', " OR ");
    parts(&expression, " AND ").iter().all(|part| {
        let part = part
            .strip_prefix('(')
            .map_or(*part, |inner| inner.trim_end_matches(')'));
        parts(part, " OR ")
            .iter()
            .any(|name| allowed.iter().any(|one| one == name))
    })
}

/// An expression split where no parenthesis is open.
fn parts<'a>(expression: &'a str, word: &str) -> Vec<&'a str> {
    let (mut found, mut start, mut depth) = (Vec::new(), 0, 0);
    for (at, letter) in expression.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ' ' if depth == 0 && expression[at..].starts_with(word) => {
                found.push(expression[start..at].trim());
                start = at + word.len();
            }
            _ => {}
        }
    }
    found.push(expression[start..].trim());
    found
}

#[test]
fn every_dependency_is_under_a_licence_that_is_allowed() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked"])
        .current_dir(super::project(""))
        .output()
        .expect("cargo runs");
    let said = String::from_utf8_lossy(&metadata.stderr);
    assert!(metadata.status.success(), "{said}");
    let metadata: Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "only {} packages", packages.len());
    let allowed = allowed();
    let strange: Vec<String> = packages
        .iter()
        .filter(|package| {
            let licence = package["license"].as_str();
            !licence.is_some_and(|licence| fits(licence, &allowed))
        })
        .map(|package| {
            format!(
                "{} {}: {}",
                package["name"], package["version"], package["license"]
            )
        })
        .collect();
    assert!(strange.is_empty(), "{strange:#?}");
}

#[test]
fn expressions_are_read_as_they_are_meant() {
    let allowed = ["MIT", "Unicode-3.0", "Apache-2.0 WITH LLVM-exception"].map(str::to_owned);
    for (expression, expected) in [
        ("MIT", true),
        ("MIT/Apache-2.0", true),
        ("Apache-2.0 / MIT", true),
        ("GPL-3.0-only OR MIT", true),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception OR GPL-2.0-only", true),
        ("AGPL-3.0-only", false),
        ("MIT AND GPL-3.0-only", false),
        ("(GPL-2.0-only OR LGPL-2.1-only) AND MIT", false),
        ("", false),
    ] {
        assert_eq!(fits(expression, &allowed), expected, "{expression}");
    }
}

//! The borders inside the house, read from the sources: where HTTP may be, where SQL may be, how long a file may get.

use super::sources;

/// Lines of a source that are code.
fn code(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.starts_with("//"))
}

fn breaches(folder: &str, may: impl Fn(&str) -> bool, forbidden: &[&str]) -> Vec<String> {
    sources(folder)
        .into_iter()
        .filter(|(name, _)| {
            std::path::Path::new(name)
                .extension()
                .is_some_and(|kind| kind == "rs")
                && !may(name)
        })
        .flat_map(|(name, text)| {
            code(&text)
                .filter(|line| forbidden.iter().any(|word| line.contains(word)))
                .map(|line| format!("{name}: {line}"))
                .collect::<Vec<_>>()
        })
        .collect()
}

const AREAS: [&str; 5] = [
    "src/identity",
    "src/clinical",
    "src/compliance",
    "src/interop",
    "src/scheduling",
];

#[test]
fn http_is_spoken_only_by_routes() {
    for area in AREAS {
        let found = breaches(
            area,
            |name| name.contains("routes") || name.ends_with("/lib.rs"),
            &["use axum::", " axum::", "utoipa::path"],
        );
        assert!(found.is_empty(), "{found:#?}");
    }
    let found = breaches(
        "src/platform",
        |name| name.contains("/http/"),
        &["use axum::", " axum::"],
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn sql_is_spoken_only_by_stores() {
    for area in AREAS {
        let found = breaches(area, |name| name.contains("store"), &["sqlx::query"]);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn the_kernel_knows_no_transport_and_no_pool() {
    let found = breaches(
        "src/kernel",
        |_| false,
        &["axum", "tokio", "PgPool", "hyper"],
    );
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn what_reckons_only_is_pure() {
    let impure = ["axum", "tokio", "sqlx", "std::fs", "std::net", "kernel::"];
    for reckons in [
        "crates/matching/src",
        "crates/planner/src",
        "crates/forecast/src",
    ] {
        let found = breaches(reckons, |_| false, &impure);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn arrows_between_areas_point_one_way() {
    let forbidden = [
        (
            "src/kernel",
            &[
                "platform::",
                "identity::",
                "clinical::",
                "compliance::",
                "interop::",
            ][..],
        ),
        (
            "src/platform",
            &["identity::", "clinical::", "compliance::", "interop::"],
        ),
        ("src/identity", &["clinical::", "compliance::", "interop::"]),
        ("src/clinical", &["identity::", "compliance::", "interop::"]),
        ("src/compliance", &["identity::", "clinical::", "interop::"]),
    ];
    for (area, others) in forbidden {
        let uses: Vec<String> = others.iter().map(|other| format!("use {other}")).collect();
        let uses: Vec<&str> = uses.iter().map(String::as_str).collect();
        let found = breaches(area, |_| false, &uses);
        assert!(found.is_empty(), "{found:#?}");
    }
}

#[test]
fn stores_are_private_to_their_feature() {
    let public: Vec<String> = AREAS
        .iter()
        .flat_map(|area| breaches(area, |_| false, &["pub mod store", "pub(crate) mod store"]))
        .collect();
    assert!(public.is_empty(), "{public:#?}");
}

#[test]
fn no_file_is_longer_than_six_hundred_lines() {
    let mut long: Vec<String> = ["src", "tests", "migrations", "benches"]
        .iter()
        .filter(|folder| super::project(folder).exists())
        .flat_map(|folder| sources(folder))
        .filter(|(_, text)| text.lines().count() > 600)
        .map(|(name, text)| format!("{name}: {}", text.lines().count()))
        .collect();
    long.sort();
    assert!(long.is_empty(), "{long:#?}");
}

/// The document has one list of schemas: of two types of one name it would describe one, and answer with the other.
#[test]
fn no_two_wire_types_share_a_name_in_the_document() {
    let mut places: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for (file, text) in sources("src") {
        let mut derived = false;
        let mut given = None;
        for line in code(&text) {
            derived |= line.contains("ToSchema") && !line.starts_with("use ");
            if let Some((_, name)) = line.split_once("#[schema(as = ") {
                given = Some(name.trim_end_matches(")]").to_owned());
            }
            let mut words = line
                .split_whitespace()
                .skip_while(|word| word.starts_with("pub"));
            if let (Some("struct" | "enum"), Some(name)) = (words.next(), words.next()) {
                let name: String = name.chars().take_while(|c| c.is_alphanumeric()).collect();
                let given = given.take();
                // A macro's type has the name its caller gives it.
                if std::mem::take(&mut derived) && !name.is_empty() {
                    places
                        .entry(given.unwrap_or(name))
                        .or_default()
                        .push(file.clone());
                }
            }
        }
    }
    assert!(places.len() > 300, "too few to be all: {}", places.len());
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

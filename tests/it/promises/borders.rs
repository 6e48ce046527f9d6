//! The borders inside the house, read from the sources: where HTTP may be, where SQL may be, how long a file may get.

use platform::db::isolation::SHARED_TABLES;

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
fn the_planner_is_pure() {
    let found = breaches(
        "crates/planner/src",
        |_| false,
        &["axum", "tokio", "sqlx", "std::fs", "std::net", "kernel::"],
    );
    assert!(found.is_empty(), "{found:#?}");
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
fn every_statement_on_a_tenants_table_binds_the_tenant() {
    let folder = super::project(".sqlx");
    let mut unbound = Vec::new();
    for entry in std::fs::read_dir(folder)
        .expect(".sqlx is committed")
        .flatten()
    {
        let text = std::fs::read_to_string(entry.path()).expect("readable");
        let query: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        let sql = query["query"].as_str().unwrap_or_default();
        // The sealer works in the order of transactions, across tenants, under a role of its own.
        let logs = ["app.phi_access_log", "app.audit_log"];
        let sealing = logs.iter().any(|log| sql.contains(log)) && sql.contains("xid >= $1");
        let on_tenants = tables(sql).any(|table| !SHARED_TABLES.contains(&&table["app.".len()..]));
        // A question about the catalogue reads no tenant's row.
        let catalogue = ["from pg_inherits", "from pg_trigger", "to_regclass"]
            .iter()
            .any(|part| sql.contains(part));
        if on_tenants && !sealing && !catalogue && !sql.contains("tenant_id") {
            unbound.push(sql.to_owned());
        }
    }
    assert!(unbound.is_empty(), "{unbound:#?}");
}

/// The tables of the schema a statement names: what is followed by a parenthesis is a function, which binds the tenant
/// itself.
fn tables(sql: &str) -> impl Iterator<Item = &str> {
    sql.match_indices("app.").filter_map(move |(start, _)| {
        let rest = &sql[start..];
        let end = rest[4..]
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .map_or(rest.len(), |end| end + 4);
        (!rest[end..].starts_with('(')).then_some(&rest[..end])
    })
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

//! What must be true of everything, including what is added tomorrow.

mod access_matrix;
mod audit_coverage;
mod bad_input;
mod borders;
mod canaries;
mod configuration;
mod examples;
mod export_columns;
mod isolation;
mod licences;
mod made_by_jobs;
mod migrations;
pub mod openapi;
mod round_trip;
mod strangers;
mod tenant_predicates;

use std::path::{Path, PathBuf};

/// A file of the project.
fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Compares with a golden file; `UPDATE_GOLDEN=1` writes it.
#[track_caller]
fn golden(name: &str, actual: &str) {
    let path = project("tests/it/golden").join(name);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, actual).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = expected
        .lines()
        .zip(actual.lines())
        .find(|(expected, actual)| expected != actual);
    assert!(
        expected == actual,
        "{name} differs (UPDATE_GOLDEN=1 writes it anew; read the difference first): {difference:?}, {} lines expected, {} found",
        expected.lines().count(),
        actual.lines().count()
    );
}

/// Every Rust source below a folder.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder)
            .expect("a folder of the project")
            .flatten()
        {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path
                .extension()
                .is_some_and(|kind| kind == "rs" || kind == "sql")
            {
                found.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&project(folder), &mut paths);
    let root = project("");
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&root)
                .expect("below the project")
                .to_string_lossy()
                .into_owned();
            (
                name,
                std::fs::read_to_string(&path).expect("a readable source"),
            )
        })
        .collect()
}

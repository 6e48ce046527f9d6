//! Every variable is documented, and the compose file knows each.

use std::collections::BTreeSet;

use chartwell::config::{VARIABLES, example_file};

use super::project;

/// Four are for `migrate` alone, two for a machine that runs PostgreSQL's programs itself.
const NOT_THE_SERVERS: [&str; 6] = [
    "CHARTWELL_ADMIN_DATABASE_URL",
    "CHARTWELL_ADMIN_DATABASE_URL_FILE",
    "CHARTWELL_RUNTIME_PASSWORD",
    "CHARTWELL_RUNTIME_PASSWORD_FILE",
    "CHARTWELL_PG_BIN",
    "CHARTWELL_CACHE_DIR",
];

#[test]
fn the_example_environment_is_the_table_of_variables() {
    let committed = std::fs::read_to_string(project(".env.example")).unwrap_or_default();
    assert_eq!(
        committed,
        example_file(),
        "write it anew with scripts/generated.sh"
    );
}

#[test]
fn the_compose_file_hands_the_server_every_variable_that_is_its_business() {
    let compose = std::fs::read_to_string(project("docker-compose.yml")).expect("it is there");
    let (before, server) = compose.split_once("\n  server:\n").expect("a service");
    let names = |text: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.trim().split_once(": "))
            .map(|(name, _)| name.to_owned())
            .filter(|name| name.starts_with("CHARTWELL_"))
            .collect()
    };
    let every = VARIABLES.iter().map(|variable| variable.name);
    let wanted: BTreeSet<String> = every
        .filter(|name| !NOT_THE_SERVERS.contains(name))
        .map(str::to_owned)
        .collect();
    assert_eq!(names(server), wanted);
    let migrate: BTreeSet<String> = NOT_THE_SERVERS[..4]
        .iter()
        .map(|name| (*name).to_owned())
        .collect();
    assert_eq!(names(before), migrate);
}

//! Every variable is documented, and the compose file sets none that does not exist.

use chartwell::config::{VARIABLES, example_file};

use super::project;

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
fn the_compose_file_sets_only_variables_that_exist() {
    let compose = std::fs::read_to_string(project("docker-compose.yml")).expect("it is there");
    let set = compose
        .lines()
        .filter_map(|line| line.trim().split_once(": "))
        .map(|(name, _)| name);
    for name in set.filter(|name| name.starts_with("CHARTWELL_")) {
        assert!(
            VARIABLES.iter().any(|variable| variable.name == name),
            "{name} is not a variable"
        );
    }
}

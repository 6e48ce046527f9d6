use super::*;
use serde_json::json;
use std::path::Path;

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("chartwell-index-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.0.join(name), text).expect("a file");
    }
    fn index(&self) -> Index {
        let files = files::collect(std::slice::from_ref(&self.0)).expect("files");
        build(
            &files,
            Origin {
                source: None,
                zone: Tz::UTC,
            },
            2,
            &|_| (),
        )
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(Path::new(&self.0));
    }
}

fn line(value: &serde_json::Value) -> String {
    format!("{value}\n")
}

#[test]
fn units_come_in_the_order_of_what_they_hold_whatever_the_names_of_the_files() {
    let folder = Folder::new("order");
    folder.write(
        "a.ndjson",
        &line(&json!({"resourceType": "Condition", "id": "c"})),
    );
    folder.write(
        "b.ndjson",
        &line(&json!({"resourceType": "Encounter", "id": "e"})),
    );
    folder.write("c.json", &json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "Observation", "id": "o"}}, {"resource": {"resourceType": "Patient", "id": "p"}}]}).to_string());
    folder.write(
        "d.ndjson",
        &line(&json!({"resourceType": "Organization", "id": "g"})),
    );
    let index = folder.index();
    let order: Vec<_> = index
        .units
        .iter()
        .map(|unit| (unit.file, unit.stage))
        .collect();
    assert_eq!(
        order,
        [
            (2, Stage::Patient),
            (1, Stage::Encounter),
            (0, Stage::Other)
        ]
    );
    assert_eq!(index.foundation.len(), 1);
    assert_eq!(index.total(), 5);
}

#[test]
fn large_line_files_are_cut_and_every_line_lies_in_one_unit() {
    let folder = Folder::new("cut");
    let text: String = (0..4_500)
        .map(|n| line(&json!({"resourceType": "Observation", "id": format!("o{n}")})))
        .collect();
    folder.write("x.ndjson", &text);
    let index = folder.index();
    assert_eq!(index.units.len(), 3);
    for number in 1..=4_500 {
        let place = Place {
            file: 0,
            line: number,
            entry: 0,
        };
        assert_eq!(
            index
                .units
                .iter()
                .filter(|unit| unit.places().contains(&place))
                .count(),
            1,
            "line {number}"
        );
    }
}

#[test]
fn of_several_states_the_last_counts_or_the_last_updated_or_under_if_none_exist_the_first() {
    let folder = Folder::new("states");
    folder.write("a.ndjson", &[
        line(&json!({"resourceType": "Patient", "id": "p"})),
        line(&json!({"resourceType": "Patient", "id": "q", "meta": {"lastUpdated": "2024-01-01T00:00:00Z"}})),
        line(&json!({"resourceType": "Patient", "id": "p"})),
        line(&json!({"resourceType": "Patient", "id": "q", "meta": {"lastUpdated": "2023-01-01T00:00:00Z"}})),
        line(&json!({"resourceType": "Patient", "id": "alone"})),
    ].concat());
    let entry = |id: &str| {
        json!({"fullUrl": format!("urn:uuid:{id}"), "resource": {"resourceType": "Organization", "id": id},
        "request": {"method": "POST", "url": "Organization", "ifNoneExist": "identifier=s|1"}})
    };
    folder.write(
        "b.json",
        &json!({"resourceType": "Bundle", "type": "batch", "entry": [entry("x"), entry("y")]})
            .to_string(),
    );
    let index = folder.index();
    let winner = |id: &str| {
        index
            .winners
            .get(&mark(&Name::new("Patient", id)))
            .map(|place| place.line)
    };
    assert_eq!(
        (winner("p"), winner("q"), winner("alone")),
        (Some(3), Some(2), None)
    );
    assert_eq!(index.foundation.len(), 1);
    assert_eq!(index.foundation[0].name.id, "x");
    assert_eq!(index.foundation[0].aliases, ["y"]);
    assert_eq!(index.superseded.counts.get("Organization"), Some(&1));
}

#[test]
fn files_that_can_not_be_read_are_faults_and_stop_nothing() {
    let folder = Folder::new("faults");
    folder.write(
        "a.json",
        "{\"resourceType\": \"Bundle\", \"type\": \"collection\", \"entry\": [",
    );
    std::fs::write(folder.0.join("b.json"), [0xff, 0xfe, 0x00]).expect("a file");
    folder.write("c.ndjson", "{\"resourceType\":\"Patient\",\"id\":\"p\"}\nnot json\n\n{\"resourceType\":\"Patient\",\"id\":\"q\"}\n");
    let index = folder.index();
    let places: Vec<_> = index
        .faults
        .iter()
        .map(|fault| (fault.place.file, fault.place.line))
        .collect();
    assert_eq!(places, [(0, 0), (1, 0), (2, 2)]);
    assert_eq!(index.read.get("Patient"), Some(&2));
    assert_eq!(index.total(), 5);
}

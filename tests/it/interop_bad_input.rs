//! Import of what no exporter should have written: each is reported with its file, its line and the reason, and the rest is imported.

use std::io::Write as _;
use std::path::PathBuf;

use interop::import::{Failure, Report};
use serde_json::{Value, json};

use crate::interop::{Files, encounter, patient, run};
use crate::support::TestTenant;

fn problem(id: &str) -> Value {
    json!({ "resourceType": "Condition", "id": id, "subject": { "reference": "Patient/p1" },
        "code": { "coding": [{ "system": "http://snomed.info/sct", "code": "40055000", "display": "Chronic sinusitis" }] } })
}

fn packed(files: &Files, name: &str, content: &[u8]) -> PathBuf {
    let path = files.0.join(name);
    let file = std::fs::File::create(&path).expect("a file");
    let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
    packed.write_all(content).expect("written");
    packed.finish().expect("packed");
    path
}

/// 600 MiB of a byte in 600 KiB.
fn bomb(files: &Files, name: &str, byte: u8) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&vec![byte; 1 << 20]).expect("written");
    let once = packed.finish().expect("packed");
    std::fs::write(files.0.join(name), once.repeat(600)).expect("a file");
}

fn at<'r>(found: &'r [Failure], file: &str) -> Vec<(&'r Failure, u32)> {
    let of_file = found.iter().filter(|one| one.file.ends_with(file));
    of_file
        .map(|one| (one, one.line.unwrap_or_default()))
        .collect()
}

fn only(found: &[Failure], file: &str, line: u32, reason: &str, report: &Report) {
    let here = at(found, file);
    assert_eq!(here.len(), 1, "{file}: {report}");
    assert_eq!(here[0].1, line, "{file}: {report}");
    assert!(here[0].0.reason.contains(reason), "{file}: {report}");
}

#[tokio::test]
async fn what_can_not_be_read_is_reported_where_it_stands_and_the_rest_is_imported() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("0.ndjson", &[patient("p1"), encounter("e1", "Patient/p1")]);
    let line = |id: &str| format!("{}\n", problem(id));
    std::fs::write(
        files.0.join("broken.ndjson"),
        format!("{}{{\"resourceType\":\n{}", line("c1"), line("c2")),
    )
    .expect("a file");
    // Nothing that packs well, so that the cut is in the middle.
    let many: Vec<String> = (0..3_000)
        .map(|number| format!("b{number}-{}", kernel::ids::mint()))
        .map(|id| format!("{}\n", json!({ "resourceType": "Basic", "id": id })))
        .collect();
    let many = many.concat();
    let whole = packed(&files, "cut.ndjson.gz", many.as_bytes());
    let bytes = std::fs::read(&whole).expect("packed");
    std::fs::write(&whole, &bytes[..bytes.len() / 2]).expect("cut");
    bomb(&files, "bomb.json.gz", b' ');
    bomb(&files, "bomb.ndjson.gz", b'{');
    let report = run(&clinic, &files.0).await;
    only(
        &report.failures,
        "broken.ndjson",
        2,
        "is not readable JSON",
        &report,
    );
    only(&report.failures, "bomb.json.gz", 0, "given up", &report);
    only(&report.failures, "bomb.ndjson.gz", 1, "given up", &report);
    let cut = at(&report.failures, "cut.ndjson.gz");
    assert_eq!(cut.len(), 1, "{report}");
    assert!(cut[0].0.reason.contains("cut off"), "{report}");
    let before_the_cut = u64::from(cut[0].1 - 1);
    assert!(before_the_cut > 500, "{report}");
    let basic = report.types["Basic"];
    assert_eq!(
        (basic.read, basic.created),
        (before_the_cut, before_the_cut),
        "{report}"
    );
    assert_eq!(report.types["Condition"].created, 2, "{report}");
}

#[tokio::test]
async fn what_stands_twice_or_leads_nowhere_is_named_with_its_file_and_line() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("1.ndjson", &[patient("p1"), problem("c1")]);
    let mut other = problem("c1");
    other["clinicalStatus"] = json!({ "coding": [{ "code": "resolved" }] });
    let mut lost = problem("c2");
    lost["encounter"] = json!({ "reference": "Encounter/nowhere" });
    lost["code"]["coding"][0]["code"] = json!("59621000");
    let mut nobodys = problem("c3");
    nobodys["subject"] = json!({ "reference": "Patient/nobody" });
    files.lines("2.ndjson", &[other, lost, nobodys]);
    let report = run(&clinic, &files.0).await;
    only(&report.remarks, "1.ndjson", 2, "another counts", &report);
    only(&report.remarks, "2.ndjson", 2, "without a link", &report);
    only(&report.failures, "2.ndjson", 3, "was not imported", &report);
    let conditions = report.types["Condition"];
    assert_eq!(
        (conditions.created, conditions.skipped, conditions.failed),
        (2, 1, 1),
        "{report}"
    );
    let written = files.0.join("report.jsonl");
    report.write_failures(&written).expect("written");
    let text = std::fs::read_to_string(written).expect("a report");
    assert_eq!(text.matches("\"remark\":true").count(), 2, "{text}");
}

#[tokio::test]
async fn a_resource_of_twenty_megabytes_is_taken_as_any_other() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    let mut large = problem("c1");
    large["note"] = json!([{ "text": "x".repeat(20 << 20) }]);
    files.lines("1.ndjson", &[patient("p1"), large, problem("c2")]);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.types["Condition"].created, 2, "{report}");
    assert_eq!(report.failed(), 0, "{report}");
}

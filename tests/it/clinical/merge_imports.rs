//! What an import enters for a registration while it is merged away.

use platform::access::Role;
use serde_json::json;

use crate::interop::{Files, patient, run};
use crate::interop_entries::{a_record, items, only_patient, vital};
use crate::support::TestTenant;

const KINDS: [&str; 8] = [
    "encounters",
    "problems",
    "allergies",
    "procedures",
    "immunizations",
    "social-history",
    "care-plans",
    "goals",
];

#[tokio::test]
async fn what_an_import_entered_for_the_one_who_goes_back_goes_with_him() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let mut other = patient("p2");
    other["identifier"][0]["value"] = json!("900-11-2233");
    other["name"] = json!([{ "use": "official", "family": "Okafor", "given": ["Ada"] }]);
    other["birthDate"] = json!("1988-02-01");
    other["telecom"] = json!([]);
    let files = Files::new();
    files.lines("people.ndjson", &[patient("p1"), other]);
    run(&clinic, &files.0).await;
    let found = admin.get("/api/v1/patients?family=okafor").await;
    let found = found.expect(200)["items"][0]["id"].clone();
    let (merged, survivor) = (
        only_patient(&admin).await,
        found.as_str().expect("an id").to_owned(),
    );
    let merge = json!({ "duplicate_id": merged, "reason": "The same passport" });
    let path = format!("/api/v1/patients/{survivor}/merge");
    admin.post(path, merge).await.expect(200);

    let mut record = a_record();
    let mut own = vital("v9", "29463-7", 55.1, "kg");
    own["subject"] = json!({ "reference": "Patient/p2" });
    own.as_object_mut().expect("a resource").remove("encounter");
    record.push(own);
    files.lines("later.ndjson", &record);
    let report = run(&clinic, &files.0).await;
    assert_eq!(report.failed(), 0, "{report}");
    for kind in KINDS {
        let there = items(&admin, &survivor, kind).await;
        assert_eq!(there.len(), 1, "{kind}: {there:?}");
    }
    assert_eq!(items(&admin, &survivor, "vitals").await.len(), 2);

    let why = json!({ "reason": "Two people" });
    let path = format!("/api/v1/patients/{merged}/unmerge");
    let told = admin.post(path, why).await.expect(200);
    // What is the survivor's own stays, and is named.
    let stays = told["added"].as_array().expect("what stays").clone();
    let stays: Vec<_> = stays
        .iter()
        .map(|of| (&of["table"], &of["count"]))
        .collect();
    let (resources, vitals) = (json!("imported_resources"), json!("vitals"));
    assert_eq!(
        stays,
        [(&resources, &json!(1)), (&vitals, &json!(1))],
        "{told}"
    );
    for kind in KINDS {
        let (his, hers) = (
            items(&admin, &merged, kind).await,
            items(&admin, &survivor, kind).await,
        );
        assert_eq!((his.len(), hers.len()), (1, 0), "{kind}");
    }
    for (patient, weight) in [(&merged, 71.3), (&survivor, 55.1)] {
        let sets = items(&admin, patient, "vitals").await;
        assert_eq!(sets.len(), 1, "{sets:?}");
        assert!(
            sets[0].to_string().contains(&weight.to_string()),
            "{sets:?}"
        );
    }
    // Their sources say nothing new, but that the visit is his again.
    let again = run(&clinic, &files.0).await.total();
    assert_eq!((again.created, again.updated), (0, 1));
    for kind in KINDS {
        let (his, hers) = (
            items(&admin, &merged, kind).await,
            items(&admin, &survivor, kind).await,
        );
        assert_eq!((his.len(), hers.len()), (1, 0), "{kind}");
    }
}

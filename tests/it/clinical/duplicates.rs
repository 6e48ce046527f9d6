//! The work list of duplicates: who comes on it, who never does, and that nobody is merged by it.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant};

fn person(family: &str, given: &str) -> Value {
    json!({
        "names": [{ "use": "legal", "family": family, "given": [given] }], "birth_date": "1980-03-14", "sex": "female",
        "telecoms": [{ "system": "phone", "value": "+1 312 555 0142" }],
        "addresses": [{ "use": "home", "lines": ["12 Elm Street"], "city": "Springfield", "postal_code": "62701" }]
    })
}

async fn register(caller: &Caller, body: Value) -> String {
    let made = caller
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn open_pairs(caller: &Caller) -> Vec<Value> {
    loop {
        let report = caller
            .act("/api/v1/patients/duplicates/scan")
            .await
            .expect(200);
        if report["more"] == false {
            break;
        }
    }
    let page = caller.get("/api/v1/patients/duplicates").await.expect(200);
    page["items"].as_array().expect("items").clone()
}

fn ids(pair: &Value) -> Vec<String> {
    let mut ids: Vec<String> = pair["patients"]
        .as_array()
        .expect("two patients")
        .iter()
        .map(|patient| patient["id"].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn one_person_entered_twice_comes_on_the_list_with_its_reasons() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let one = register(&staff, person("Okafor", "Adaeze")).await;
    let mut misspelt = person("Okafro", "Adaeze");
    misspelt["telecoms"] = json!([]);
    let other = register(&staff, misspelt).await;
    register(&staff, json!({ "names": [{ "use": "legal", "family": "Quill", "given": ["Xavier"] }], "birth_date": "1944-09-01", "sex": "male" })).await;
    let pairs = open_pairs(&staff).await;
    assert_eq!(pairs.len(), 1, "{pairs:?}");
    let mut expected = vec![one, other];
    expected.sort();
    assert_eq!(ids(&pairs[0]), expected);
    assert!(
        pairs[0]["probability"].as_f64().expect("a number") > 0.9,
        "{pairs:?}"
    );
    let reasons = pairs[0]["agrees_on"].to_string();
    for reason in ["family_name", "given_name", "\"birth_date\"", "address"] {
        assert!(reasons.contains(reason), "{reasons}");
    }
    assert!(!reasons.contains("phone"), "{reasons}");
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_begins_no_other_look() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    for family in ["Okafor", "Okafro"] {
        register(&staff, person(family, "Adaeze")).await;
    }
    let listed = async || {
        let page = staff.get("/api/v1/patients/duplicates").await.expect(200);
        page["items"].as_array().expect("items").len()
    };
    let (switch, stop) = tokio::sync::watch::channel(true);
    clinical::patients::look_in(&clinic.app, clinic.id, &stop).await;
    assert_eq!(listed().await, 0);
    switch.send_replace(false);
    clinical::patients::look_in(&clinic.app, clinic.id, &stop).await;
    assert_eq!(listed().await, 1);
}

#[tokio::test]
async fn twins_households_and_placeholders_never_come_on_the_list() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    // Twins, their mother of the same name as one of them, and a neighbour of the same age.
    for (family, given, born) in [
        ("Okafor", "Adaeze", "1980-03-14"),
        ("Okafor", "Ngozi", "1980-03-14"),
        ("Okafor", "Adaeze", "1951-11-02"),
        ("Baker", "Tom", "1980-03-14"),
    ] {
        let mut body = person(family, given);
        body["birth_date"] = json!(born);
        register(&staff, body).await;
    }
    // Two foundlings, of whom nothing is known but what the form wanted.
    for _ in 0..2 {
        register(&staff, json!({ "names": [{ "use": "legal", "family": "Doe", "given": ["Unknown"] }], "birth_date": "1900-01-01", "sex": "unknown",
                                 "telecoms": [{ "system": "phone", "value": "000 000 0000" }] })).await;
    }
    let pairs = open_pairs(&staff).await;
    assert!(pairs.is_empty(), "{pairs:#?}");
}

#[tokio::test]
async fn a_dismissed_pair_is_remembered_even_when_both_are_compared_again() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let one = register(&staff, person("Okafor", "Adaeze")).await;
    register(&staff, person("Okafor", "Adaeze")).await;
    let pairs = open_pairs(&staff).await;
    let path = format!(
        "/api/v1/patients/duplicates/{}/dismiss",
        pairs[0]["id"].as_str().expect("an id")
    );
    let reason = json!({ "reason": "Cousins, both seen" });
    staff
        .post(&path, json!({ "reason": "" }))
        .await
        .expect_problem(422, "validation_failed");
    let dismissed = staff.post(&path, reason.clone()).await.expect(200);
    assert_eq!(
        (&dismissed["status"], &dismissed["reason"]),
        (&json!("dismissed"), &reason["reason"])
    );
    staff
        .post(&path, reason)
        .await
        .expect_problem(409, "illegal_transition");
    staff
        .patch(
            format!("/api/v1/patients/{one}"),
            1,
            json!({ "language": "en" }),
        )
        .await
        .expect(200);
    assert!(open_pairs(&staff).await.is_empty());
    let kept = staff
        .get("/api/v1/patients/duplicates?status=dismissed")
        .await
        .expect(200);
    assert_eq!(kept["items"].as_array().map(Vec::len), Some(1), "{kept}");
}

#[tokio::test]
async fn an_amended_name_takes_a_pair_off_the_list_and_a_page_goes_on_where_the_last_ended() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let one = register(&staff, person("Okafor", "Adaeze")).await;
    for given in ["Adaeze", "Adaez", "Adaeeze"] {
        register(&staff, person("Okafor", given)).await;
    }
    let all = open_pairs(&staff).await;
    assert_eq!(all.len(), 6);
    let mut paged = Vec::new();
    let mut path = "/api/v1/patients/duplicates?limit=2".to_owned();
    loop {
        let page = staff.get(&path).await.expect(200);
        paged.extend(page["items"].as_array().expect("items").clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/patients/duplicates?limit=2&cursor={cursor}");
    }
    assert_eq!(paged, all);
    let other = json!({ "names": [{ "use": "legal", "family": "Lindqvist", "given": ["Ingrid"] }], "birth_date": "1961-12-24" });
    staff
        .patch(format!("/api/v1/patients/{one}"), 1, other)
        .await
        .expect(200);
    let left = open_pairs(&staff).await;
    assert_eq!(left.len(), 3, "{left:#?}");
    assert!(left.iter().all(|pair| !ids(pair).contains(&one)));
}

#[tokio::test]
async fn the_list_is_for_admins_and_staff_and_the_thresholds_are_the_admins() {
    let clinic = TestTenant::new().await;
    let (staff, admin) = (
        clinic.user(Role::Staff).await,
        clinic.user(Role::Admin).await,
    );
    for role in [Role::Provider, Role::Nurse, Role::Billing, Role::Patient] {
        clinic
            .user(role)
            .await
            .get("/api/v1/patients/duplicates")
            .await
            .expect_problem(403, "forbidden");
    }
    let strict = json!({ "review_from": 999, "refuse_from": 999 });
    staff
        .patch("/api/v1/patients/matching", 1, strict.clone())
        .await
        .expect_problem(403, "forbidden");
    admin
        .patch(
            "/api/v1/patients/matching",
            1,
            json!({ "review_from": 1200 }),
        )
        .await
        .expect_problem(422, "validation_failed");
    let set = admin
        .patch("/api/v1/patients/matching", 1, strict)
        .await
        .expect(200);
    assert_eq!(
        set["review_from"],
        staff.get("/api/v1/patients/matching").await.expect(200)["review_from"]
    );
    admin
        .patch(
            "/api/v1/patients/matching",
            1,
            json!({ "review_from": 600 }),
        )
        .await
        .expect_problem(412, "version_stale");
    // Only the name agrees in its sound, and the date in two of its parts: a question for the list, but not at 999.
    register(&staff, person("Okafor", "Adaeze")).await;
    let mut vague = json!({ "names": [{ "use": "legal", "family": "Okaforr", "given": ["Adaeze"] }], "birth_date": "1980-03-17", "sex": "female" });
    let refused = staff.post("/api/v1/patients", vague.clone()).await;
    assert_eq!(refused.status, 201, "{}", refused.text);
    admin
        .patch(
            "/api/v1/patients/matching",
            2,
            json!({ "review_from": 500, "refuse_from": 500 }),
        )
        .await
        .expect(200);
    vague["names"][0]["family"] = json!("Okafforr");
    staff
        .post("/api/v1/patients", vague)
        .await
        .expect_problem(409, "possible_duplicate");
    admin
        .act("/api/v1/patients/matching/learn")
        .await
        .expect_problem(409, "too_few_patients");
}

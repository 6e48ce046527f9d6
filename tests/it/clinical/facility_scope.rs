//! `chart_access` = `facility`: a provider or nurse sees who is seen where he works, by every door, and nobody else.

use platform::access::Role;
use serde_json::json;

use crate::support::{Caller, TestTenant, id};

/// A facility with one department; returns both ids.
async fn place(admin: &Caller, code: &str) -> (String, String) {
    let body =
        json!({ "code": code, "name": code, "kind": "clinic", "time_zone": "America/New_York" });
    let facility = id(&admin.post("/api/v1/facilities", body).await.expect(201));
    let department = admin
        .post(
            format!("/api/v1/facilities/{facility}/departments"),
            json!({ "code": "MED", "name": "Medicine" }),
        )
        .await;
    (facility, id(&department.expect(201)))
}

/// A patient registered at a facility, or at none.
async fn person(admin: &Caller, given: &str, facility: Option<&str>) -> String {
    let body = json!({ "names": [{ "use": "legal", "family": "Scope", "given": [given] }], "birth_date": "1980-02-29",
                       "sex": "female", "facility_id": facility });
    let made = admin
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

async fn visit(admin: &Caller, patient: &str, facility: &str) -> String {
    let made = admin
        .post(
            format!("/api/v1/patients/{patient}/encounters"),
            json!({ "class": "office_visit", "scheduled_start": "2026-12-10T09:00:00-05:00", "facility_id": facility }),
        )
        .await
        .expect(201);
    format!("/api/v1/patients/{patient}/encounters/{}", id(&made))
}

/// The patients a list shows, by the member that names them.
async fn shown(caller: &Caller, path: &str, member: &str) -> Vec<String> {
    let page = caller.get(path).await.expect(200);
    let items = page["items"].as_array().expect("items").iter();
    let mut ids: Vec<_> = items
        .map(|row| row[member].as_str().expect("an id").to_owned())
        .collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn who_works_at_one_facility_sees_its_patients_by_every_door_and_no_others() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (north, ward) = place(&admin, "NORTH").await;
    let (south, _) = place(&admin, "SOUTH").await;
    let registered = person(&admin, "Registered", Some(&north)).await;
    let visiting = person(&admin, "Visiting", None).await;
    let elsewhere = person(&admin, "Elsewhere", Some(&south)).await;
    let nowhere = person(&admin, "Nowhere", None).await;
    visit(&admin, &registered, &north).await;
    visit(&admin, &visiting, &north).await;
    visit(&admin, &elsewhere, &south).await;
    admin
        .patch("/api/v1/tenant", 1, json!({ "chart_access": "facility" }))
        .await
        .expect(200);

    for role in [Role::Provider, Role::Nurse] {
        let caller = clinic.user(role).await;
        let assigned = admin
            .post(
                format!("/api/v1/users/{}/assignments", caller.user_id),
                json!({ "department_id": ward }),
            )
            .await
            .expect(201);
        let mut his = vec![registered.clone(), visiting.clone()];
        his.sort();
        for own in &his {
            caller
                .get(format!("/api/v1/patients/{own}"))
                .await
                .expect(200);
        }
        for search in ["family=scope", "name=scope", "birth_date=1980-02-29"] {
            let path = format!("/api/v1/patients?{search}");
            assert_eq!(shown(&caller, &path, "id").await, his, "{role:?} {search}");
        }
        let day =
            |facility: &str| format!("/api/v1/facilities/{facility}/encounters?date=2026-12-10");
        assert_eq!(shown(&caller, &day(&north), "patient_id").await, his);
        assert!(shown(&caller, &day(&south), "patient_id").await.is_empty());
        for other in [&elsewhere, &nowhere] {
            let chart = format!("/api/v1/patients/{other}");
            for part in [
                "",
                "/encounters",
                "/care-team",
                "/history",
                "/imported-resources",
            ] {
                caller
                    .get(format!("{chart}{part}"))
                    .await
                    .expect_problem(404, "not_found");
            }
            caller
                .patch(&chart, 1, json!({ "language": "fr" }))
                .await
                .expect_problem(404, "not_found");
            caller
                .post(
                    format!("{chart}/encounters"),
                    json!({ "class": "office_visit", "scheduled_start": "2026-12-11T09:00:00-05:00" }),
                )
                .await
                .expect_problem(404, "not_found");
        }
        // He works there no more: at once he sees nobody.
        let id = assigned["id"].as_str().expect("an id");
        admin
            .act(format!("/api/v1/assignments/{id}/end"))
            .await
            .expect(200);
        caller
            .get(format!("/api/v1/patients/{registered}"))
            .await
            .expect_problem(404, "not_found");
        assert!(
            shown(&caller, "/api/v1/patients?family=scope", "id")
                .await
                .is_empty()
        );
    }
    // The setting narrows clinicians. The front desk and billing serve whoever comes.
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        assert_eq!(
            shown(&caller, "/api/v1/patients?family=scope", "id")
                .await
                .len(),
            4
        );
    }
}

/// A nurse who works in a department, in a clinic where that decides.
async fn nurse_of(clinic: &TestTenant, admin: &Caller, department: &str) -> Caller {
    let facility = json!({ "chart_access": "facility" });
    admin.patch("/api/v1/tenant", 1, facility).await.expect(200);
    let nurse = clinic.user(Role::Nurse).await;
    let place = format!("/api/v1/users/{}/assignments", nurse.user_id);
    let body = json!({ "department_id": department });
    admin.post(place, body).await.expect(201);
    nurse
}

async fn opens(caller: &Caller, patient: &str) -> bool {
    let reply = caller.get(format!("/api/v1/patients/{patient}")).await;
    if reply.status != 200 {
        reply.expect_problem(404, "not_found");
        return false;
    }
    true
}

#[tokio::test]
async fn a_visit_that_is_cancelled_or_was_meant_elsewhere_opens_the_chart_no_more() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (north, ward) = place(&admin, "NORTH").await;
    let (south, _) = place(&admin, "SOUTH").await;
    let nurse = nurse_of(&clinic, &admin, &ward).await;
    let patient = person(&admin, "Visiting", Some(&south)).await;
    let (first, second) = (
        visit(&admin, &patient, &north).await,
        visit(&admin, &patient, &north).await,
    );
    let why = json!({ "reason": "Feels better" });
    assert!(opens(&nurse, &patient).await);
    admin
        .post(format!("{first}/cancel"), why.clone())
        .await
        .expect(200);
    assert!(opens(&nurse, &patient).await, "the other is planned");
    // Who gives up the chart has the answer.
    nurse
        .post(format!("{second}/cancel"), why)
        .await
        .expect(200);
    assert!(!opens(&nurse, &patient).await);

    let misfiled = visit(&admin, &patient, &north).await;
    assert!(opens(&nurse, &patient).await);
    admin
        .patch(&misfiled, 1, json!({ "facility_id": south }))
        .await
        .expect(200);
    assert!(!opens(&nurse, &patient).await);
    let later = json!({ "scheduled_start": "2027-02-10T09:00:00-05:00" });
    admin
        .patch(&misfiled, 2, json!({ "facility_id": north }))
        .await
        .expect(200);
    admin
        .post(format!("{misfiled}/reschedule"), later)
        .await
        .expect(200);
    assert!(
        opens(&nurse, &patient).await,
        "it was put off to another month"
    );
}

#[tokio::test]
async fn a_registration_that_moves_is_known_where_it_is() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (north, ward) = place(&admin, "NORTH").await;
    let (south, _) = place(&admin, "SOUTH").await;
    let nurse = nurse_of(&clinic, &admin, &ward).await;
    let patient = person(&admin, "Moving", Some(&south)).await;
    let path = format!("/api/v1/patients/{patient}");
    assert!(!opens(&nurse, &patient).await);
    let here = json!({ "facility_id": north });
    admin.patch(&path, 1, here).await.expect(200);
    assert!(opens(&nurse, &patient).await);
    let there = json!({ "facility_id": south });
    admin.patch(&path, 2, there).await.expect(200);
    assert!(!opens(&nurse, &patient).await);
}

#[tokio::test]
async fn what_a_merge_brought_goes_back_with_it() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (north, ward) = place(&admin, "NORTH").await;
    let (south, _) = place(&admin, "SOUTH").await;
    let nurse = nurse_of(&clinic, &admin, &ward).await;
    let survivor = person(&admin, "Survivor", Some(&south)).await;
    let merged = person(&admin, "Merged", Some(&north)).await;
    let seen = visit(&admin, &merged, &north).await;
    let body = json!({ "duplicate_id": merged, "reason": "The same passport" });
    let merge = format!("/api/v1/patients/{survivor}/merge");
    admin.post(merge, body).await.expect(200);
    assert!(opens(&nurse, &survivor).await);
    let moved = seen.replace(&merged, &survivor);
    let why = json!({ "reason": "Feels better" });
    admin
        .post(format!("{moved}/cancel"), why.clone())
        .await
        .expect(200);
    assert!(opens(&nurse, &survivor).await, "he is registered here, too");
    let unmerge = format!("/api/v1/patients/{merged}/unmerge");
    admin.post(unmerge, why).await.expect(200);
    assert!(!opens(&nurse, &survivor).await);
    assert!(opens(&nurse, &merged).await);
}

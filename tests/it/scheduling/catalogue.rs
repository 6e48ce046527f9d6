//! Services, rooms and devices.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Chart, TestTenant, id};

fn consultation(code: &str) -> Value {
    json!({ "code": code, "name": format!("Consultation {code}"), "appointment_type": "consultation", "duration_minutes": 30 })
}

async fn facility(admin: &Caller) -> String {
    let main = json!({ "code": "MAIN", "name": "Main", "time_zone": "America/New_York" });
    id(&admin.post("/api/v1/facilities", main).await.expect(201))
}

#[tokio::test]
async fn a_skill_is_one_that_a_provider_has_whatever_the_spelling() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let mut service = consultation("CARD");
    service["skills"] = json!(["Cardiovascular Disease", "CARDIOVASCULAR-DISEASE"]);
    let refused = admin
        .post("/api/v1/scheduling/services", service.clone())
        .await;
    assert_eq!(refused.pointers(), ["/skills/0", "/skills/1"]);
    refused.expect_problem(422, "validation_failed");
    let provider = json!({ "given_name": "Ada", "family_name": "Lovelace", "specialties": ["Cardiovascular disease"] });
    admin.post("/api/v1/providers", provider).await.expect(201);
    let made = admin
        .post("/api/v1/scheduling/services", service)
        .await
        .expect(201);
    assert_eq!(made["skills"], json!(["cardiovascular disease"]));
    let place = format!("/api/v1/scheduling/services/{}", id(&made));
    let refused = admin
        .patch(&place, 1, json!({ "skills": ["Phrenology"] }))
        .await;
    assert_eq!(refused.pointers(), ["/skills/0"]);
    let changed = admin
        .patch(&place, 1, json!({ "duration_minutes": 45, "skills": null }))
        .await
        .expect(200);
    assert_eq!(
        (&changed["duration_minutes"], &changed["version"]),
        (&json!(45), &json!(2))
    );
    assert!(changed["skills"].is_null());
    assert_eq!(admin.get(place).await.expect(200), changed);
}

#[tokio::test]
async fn another_organisations_specialties_are_no_skills_here() {
    let theirs = TestTenant::new().await;
    let provider =
        json!({ "given_name": "Ada", "family_name": "Lovelace", "specialties": ["Cardiology"] });
    theirs
        .user(Role::Admin)
        .await
        .post("/api/v1/providers", provider)
        .await
        .expect(201);
    let ours = TestTenant::new().await;
    let mut service = consultation("CARD");
    service["skills"] = json!(["Cardiology"]);
    ours.user(Role::Admin)
        .await
        .post("/api/v1/scheduling/services", service)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn services_are_listed_to_everybody_and_changed_by_admins() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    for code in ["C", "A", "B"] {
        let mut service = consultation(code);
        service["self_booking"] = json!(code != "C");
        admin
            .post("/api/v1/scheduling/services", service)
            .await
            .expect(201);
    }
    admin
        .post("/api/v1/scheduling/services", consultation("A"))
        .await
        .expect_problem(409, "slug_taken");
    for role in Role::ALL {
        let caller = clinic.user(role).await;
        let listed = caller
            .get("/api/v1/scheduling/services?self_booking=true")
            .await
            .expect(200);
        let codes: Vec<&Value> = listed["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|item| &item["code"])
            .collect();
        assert_eq!(codes, [&json!("A"), &json!("B")]);
        if role != Role::Admin {
            caller
                .post("/api/v1/scheduling/services", consultation("D"))
                .await
                .expect_problem(403, "forbidden");
        }
    }
    let first = admin
        .get("/api/v1/scheduling/services?limit=2")
        .await
        .expect(200);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    let rest = admin
        .get(format!(
            "/api/v1/scheduling/services?limit=2&cursor={cursor}"
        ))
        .await
        .expect(200);
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["items"][0]["code"], "C");
}

#[tokio::test]
async fn a_room_stays_what_it_is_where_it_is() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let place = facility(&admin).await;
    let room = json!({ "facility_id": place, "kind": "room", "asset_kind": "exam", "code": "EX-1", "name": "Exam 1" });
    let made = admin
        .post("/api/v1/scheduling/assets", room.clone())
        .await
        .expect(201);
    admin
        .post("/api/v1/scheduling/assets", room.clone())
        .await
        .expect_problem(409, "slug_taken");
    let path = format!("/api/v1/scheduling/assets/{}", id(&made));
    for (field, value) in [("kind", "equipment"), ("asset_kind", "mri")] {
        let refused = admin.patch(&path, 1, json!({ field: value })).await;
        assert_eq!(refused.pointers(), [format!("/{field}")]);
    }
    let stale = admin.patch(&path, 7, json!({ "name": "Exam one" })).await;
    stale.expect_problem(412, "version_stale");
    let changed = admin
        .patch(
            &path,
            1,
            json!({ "name": "Exam one", "status": "inactive" }),
        )
        .await
        .expect(200);
    assert_eq!(changed["name"], "Exam one");
    let active = admin
        .get(format!(
            "/api/v1/scheduling/assets?facility_id={place}&kind=room&asset_kind=exam&status=active"
        ))
        .await
        .expect(200);
    assert_eq!(active["items"], json!([]));
}

#[tokio::test]
async fn another_organisations_facility_is_none() {
    let theirs = TestTenant::new().await;
    let foreign = Chart::open(&theirs).await.fill("{facility_id}");
    let ours = TestTenant::new().await;
    let admin = ours.user(Role::Admin).await;
    let room = json!({ "facility_id": foreign, "kind": "room", "asset_kind": "exam", "code": "EX-1", "name": "Exam 1" });
    let refused = admin.post("/api/v1/scheduling/assets", room).await;
    assert_eq!(refused.pointers(), ["/facility_id"]);
}

#[tokio::test]
async fn a_new_service_may_come_before_its_rooms_and_is_told() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let mut service = consultation("A");
    service["room_kind"] = json!("exma");
    service["equipment_kinds"] = json!(["ecg"]);
    let made = admin.post("/api/v1/scheduling/services", service).await;
    let made = made.expect(201);
    let warned = made["warnings"].as_array().expect("warnings").iter();
    let warned: Vec<&Value> = warned.map(|it| &it["pointer"]).collect();
    assert_eq!(warned, ["/room_kind", "/equipment_kinds/0"]);
    assert_eq!(made["warnings"][0]["code"], "unknown_kind");
    let path = format!("/api/v1/scheduling/services/{}", id(&made));
    assert_eq!(admin.get(path).await.expect(200).get("warnings"), None);
}

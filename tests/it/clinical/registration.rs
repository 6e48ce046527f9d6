//! What becomes of a registration: amended, moved, handed to another doctor, retired; and who finds it meanwhile.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant};

fn person(family: &str, given: &str) -> Value {
    json!({ "names": [{ "use": "legal", "family": family, "given": [given] }], "birth_date": "1980-03-14", "sex": "female" })
}

async fn register(caller: &Caller, body: Value) -> (String, Value) {
    let made = caller
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    (
        format!("/api/v1/patients/{}", made["id"].as_str().expect("an id")),
        made,
    )
}

async fn found(caller: &Caller, query: &str) -> Vec<String> {
    let page = caller
        .get(format!("/api/v1/patients?{query}"))
        .await
        .expect(200);
    page["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|row| row["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// A provider with an account, and his id.
async fn doctor(clinic: &TestTenant, admin: &Caller, family: &str) -> (Caller, String) {
    let caller = clinic.user(Role::Provider).await;
    let body = json!({ "user_id": caller.user_id, "given_name": "Ada", "family_name": family });
    let made = admin.post("/api/v1/providers", body).await.expect(201);
    (caller, made["id"].as_str().expect("an id").to_owned())
}

#[tokio::test]
async fn an_ssn_sent_back_as_it_was_shown_stays_and_one_that_is_left_out_goes() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let mut body = person("Okafor", "Ada");
    body["identifiers"] = json!([{ "type": "ssn", "value": "123-45-6789" }]);
    let (path, made) = register(&staff, body).await;
    let mut identifiers = made["identifiers"].clone();
    identifiers
        .as_array_mut()
        .expect("a list")
        .push(json!({ "type": "passport", "value": "X123" }));
    let changed = staff
        .patch(&path, 1, json!({ "identifiers": identifiers }))
        .await
        .expect(200);
    assert_eq!(
        changed["identifiers"],
        json!([{ "type": "ssn", "last4": "6789" }, { "type": "passport", "value": "X123" }])
    );
    assert_eq!(found(&staff, "ssn=123-45-6789").await, ["Ada Okafor"]);
    let wrong = staff
        .patch(
            &path,
            2,
            json!({ "identifiers": [{ "type": "ssn", "last4": "1111" }] }),
        )
        .await;
    assert_eq!(wrong.pointers(), ["/identifiers/0/value"], "{}", wrong.text);
    staff
        .patch(&path, 2, json!({ "identifiers": null }))
        .await
        .expect(200);
    assert!(found(&staff, "ssn=123-45-6789").await.is_empty());
    let admin = clinic.user(Role::Admin).await;
    let history = admin
        .get(format!("{path}/history"))
        .await
        .expect(200)
        .to_string();
    assert!(
        history.contains("\"sealed\"") && !history.contains("v1.") && !history.contains("sort_key"),
        "{history}"
    );
}

#[tokio::test]
async fn a_day_shows_where_somebody_lived_and_a_new_name_finds_him() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let mut body = person("Okafor", "Ada");
    body["addresses"] = json!([{ "use": "home", "city": "Peoria", "from": "2008-05-01", "until": "2014-12-31" },
                               { "use": "home", "city": "Springfield", "from": "2015-01-01" }]);
    let (path, _) = register(&admin, body).await;
    for (day, cities) in [
        ("2010-01-01", vec!["Peoria"]),
        ("2015-01-01", vec!["Springfield"]),
        ("2001-01-01", vec![]),
    ] {
        let then = admin.get(format!("{path}?as_of={day}")).await.expect(200);
        let lived: Vec<_> = then["addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|address| address["city"].clone())
            .collect();
        assert_eq!(lived, cities, "{day}");
    }
    let names = json!([{ "use": "legal", "family": "Lindqvist", "given": ["Ada"] }, { "use": "former", "family": "Okafor", "given": ["Ada"] }]);
    admin
        .patch(&path, 1, json!({ "names": names }))
        .await
        .expect(200);
    assert_eq!(found(&admin, "family=lind").await, ["Ada Lindqvist"]);
    let page = admin.get("/api/v1/patients?family=oka").await.expect(200);
    assert_eq!(
        page["items"][0]["matched"],
        json!(["family_prefix", "other_name"]),
        "{page}"
    );
    // Sounds like, and is spelt otherwise.
    assert_eq!(
        found(&admin, "name=Ada%20Lindquist").await,
        ["Ada Lindqvist"]
    );
    admin
        .get("/api/v1/patients?name=ada&sort=name")
        .await
        .expect_problem(400, "invalid_parameter");
    admin
        .get("/api/v1/patients?family=%27")
        .await
        .expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn the_primary_provider_opens_the_chart_as_long_as_he_is_that() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (first, first_id) = doctor(&clinic, &admin, "Lovelace").await;
    let (second, second_id) = doctor(&clinic, &admin, "Hopper").await;
    let mut body = person("Okafor", "Ada");
    body["primary_provider_id"] = json!(first_id);
    let (path, _) = register(&admin, body).await;
    assert_eq!(first.get(&path).await.status, 200);
    assert_eq!(second.get(&path).await.status, 404);
    admin
        .patch(&path, 1, json!({ "primary_provider_id": second_id }))
        .await
        .expect(200);
    assert_eq!(first.get(&path).await.status, 404);
    assert_eq!(second.get(&path).await.status, 200);
    let row = &admin
        .get(format!("/api/v1/patients?provider_id={second_id}"))
        .await
        .expect(200)["items"][0];
    assert_eq!(row["primary_provider"], "Ada Hopper", "{row}");
    let team = admin.get(format!("{path}/care-team")).await.expect(200);
    assert_eq!(team["items"].as_array().map(Vec::len), Some(1), "{team}");
    assert!(team["items"][0]["name"].is_string(), "{team}");
}

#[tokio::test]
async fn every_way_of_searching_finds_own_patients_only() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    let doctor = clinic.user(Role::Provider).await;
    let mut own = person("Okafor", "Ada");
    own["telecoms"] = json!([{ "system": "phone", "value": "212 555 0142" }]);
    let mut strange = own.clone();
    strange["names"][0]["given"] = json!(["Adaeze"]);
    register(&doctor, own).await;
    register(&staff, strange).await;
    for query in [
        "",
        "family=oka",
        "given=ada",
        "name=ada%20okafor",
        "name=okafor",
        "birth_date=1980-03-14",
        "phone=2125550142",
        "status=active",
        "sort=birth_date",
        "family=oka&status=active",
        "family=oka&given=ad&phone=212-555-0142",
        "name=okafor&birth_date=1980-03-14",
    ] {
        assert_eq!(found(&doctor, query).await, ["Ada Okafor"], "{query}");
        assert_eq!(found(&staff, query).await.len(), 2, "{query}");
    }
}

#[tokio::test]
async fn a_team_of_few_among_many_strangers_is_found_whole_and_in_order() {
    let clinic = TestTenant::new().await;
    let doctor = clinic.user(Role::Provider).await;
    let mut connection = clinic.behind_the_curtain().await;
    // 900 people of one family, every hundredth of them the doctor's.
    sqlx::query(
        "with people as (
             insert into app.patients (tenant_id, id, mrn, names, sort_key, birth_date, sex, created_at, updated_at)
             select $1, gen_random_uuid(), 'M' || n, jsonb_build_array(jsonb_build_object('use', 'legal', 'family', 'Many', 'given',
                    jsonb_build_array(to_char(n, 'FM0000')))), 'many ' || to_char(n, 'FM0000'), '1980-01-01', 'female', now(), now()
               from generate_series(1, 900) n returning id, sort_key),
         found as (
             insert into app.patient_keys (tenant_id, kind, key, patient_id) select $1, 'family', sort_key, id from people)
         insert into app.care_team_members (tenant_id, id, patient_id, user_id, role, valid_from, created_at, updated_at)
         select $1, gen_random_uuid(), id, $2::uuid, 'primary_care', now(), now(), now() from people where sort_key like '%00'",
    )
    .bind(clinic.id.0)
    .bind(&doctor.user_id)
    .execute(&mut connection)
    .await
    .expect("people");
    let mut names = Vec::new();
    let mut path = "/api/v1/patients?family=many&limit=2".to_owned();
    loop {
        let page = doctor.get(&path).await.expect(200);
        names.extend(
            page["items"]
                .as_array()
                .expect("items")
                .iter()
                .map(|row| row["name"].as_str().expect("a name").to_owned()),
        );
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/v1/patients?family=many&limit=2&cursor={cursor}");
    }
    let expected: Vec<String> = (1..=9).map(|n| format!("{n:02}00 Many")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn a_retired_registration_is_gone_but_for_its_history() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let account = clinic.user(Role::Patient).await;
    let mut body = person("Okafor", "Ada");
    body["portal_user_id"] = json!(account.user_id);
    let (path, _) = register(&admin, body.clone()).await;
    let himself = account.with_token(Some(clinic.log_in(&account.email).await));
    assert_eq!(himself.get(&path).await.status, 200);
    admin
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect_problem(409, "already_exists");
    admin.act(format!("{path}/retire")).await.expect(204);
    assert_eq!(himself.get(&path).await.status, 404);
    assert_eq!(admin.get(&path).await.status, 404);
    assert!(
        found(&admin, "family=oka").await.is_empty()
            && found(&admin, "birth_date=1980-03-14").await.is_empty()
    );
    admin
        .act(format!("{path}/retire"))
        .await
        .expect_problem(404, "not_found");
    let history = admin.get(format!("{path}/history")).await.expect(200);
    assert_eq!(history["items"][0]["change"], "retired", "{history}");
}

#[tokio::test]
async fn linking_an_account_is_for_admins_and_staff() {
    let clinic = TestTenant::new().await;
    let doctor = clinic.user(Role::Provider).await;
    let staff = clinic.user(Role::Staff).await;
    let account = clinic.user(Role::Patient).await;
    let (path, _) = register(&doctor, person("Okafor", "Ada")).await;
    let link = json!({ "portal_user_id": account.user_id });
    doctor
        .patch(&path, 1, link.clone())
        .await
        .expect_problem(403, "forbidden");
    let nobody = staff
        .patch(&path, 1, json!({ "portal_user_id": doctor.user_id }))
        .await;
    assert_eq!(nobody.pointers(), ["/portal_user_id"], "{}", nobody.text);
    assert_eq!(account.get(&path).await.status, 404);
    staff.patch(&path, 1, link).await.expect(200);
    // The token from before the link opens the chart now: what was remembered of it is forgotten.
    assert_eq!(account.get(&path).await.status, 200);
    staff
        .patch(&path, 2, json!({ "deceased_on": "2024-01-01" }))
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn what_was_imported_is_read_as_it_came() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (path, made) = register(&admin, person("Okafor", "Ada")).await;
    sqlx::query(
        "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, content, content_hash, created_at, updated_at)
         select $1, gen_random_uuid(), kind, kind || '-1', $2::uuid, jsonb_build_object('resourceType', kind), '', now(), now()
           from unnest(array['Condition', 'Observation', 'Procedure']) kind",
    )
    .bind(clinic.id.0)
    .bind(made["id"].as_str())
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("resources");
    let first = admin
        .get(format!("{path}/imported-resources?limit=2"))
        .await
        .expect(200);
    let kinds = |page: &Value| -> Vec<Value> {
        page["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|row| row["resource_type"].clone())
            .collect()
    };
    assert_eq!(kinds(&first), ["Condition", "Observation"]);
    let cursor = first["next_cursor"].as_str().expect("a cursor");
    assert_eq!(
        kinds(
            &admin
                .get(format!("{path}/imported-resources?limit=2&cursor={cursor}"))
                .await
                .expect(200)
        ),
        ["Procedure"]
    );
    let one = admin
        .get(format!("{path}/imported-resources?type=Observation"))
        .await
        .expect(200);
    assert_eq!(kinds(&one), ["Observation"]);
    let id = one["items"][0]["id"].as_str().expect("an id");
    let whole = admin
        .get(format!("{path}/imported-resources/{id}"))
        .await
        .expect(200);
    assert_eq!(whole["content"], json!({ "resourceType": "Observation" }));
    let stranger = clinic.user(Role::Provider).await;
    stranger
        .get(format!("{path}/imported-resources/{id}"))
        .await
        .expect_problem(404, "not_found");
}

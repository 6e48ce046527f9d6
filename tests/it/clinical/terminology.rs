//! Codes are found, looked up and checked; what is loaded decides. A test loads only systems that no other test uses: what is
//! loaded is shared by all tenants.

use chrono::NaiveDate;
use clinical::terminology::{self, Release, System};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Caller, TestTenant, run_database};

async fn load(clinic: &TestTenant, system: System, version: &str, from: &str, text: &str) {
    let release = Release {
        system,
        version: version.to_owned(),
        effective_from: day(from),
        complete: true,
    };
    let lines = terminology::read(system, text, None).expect("a table");
    terminology::load(&clinic.app.db, &release, lines, clinic.clock.now())
        .await
        .expect("loaded");
}

fn day(text: &str) -> NaiveDate {
    text.parse().expect("a date")
}

fn codes(found: &Value) -> Vec<&str> {
    let items = found["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["code"].as_str().expect("a code"))
        .collect()
}

/// A provider with a patient, and where the patient's goals are.
async fn goals(clinic: &TestTenant) -> (Caller, String) {
    let provider = clinic.user(Role::Provider).await;
    let patient = clinic.patient(&provider).await;
    (provider, format!("/api/v1/patients/{patient}/goals"))
}

fn goal(system: &str, code: &str) -> Value {
    json!({ "description": "Feel better", "addresses": [{ "system": system, "code": code }] })
}

#[tokio::test]
async fn the_starter_set_answers_without_any_file() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let found = nurse
        .get("/api/v1/terminology/icd10cm?q=diab+typ+2")
        .await
        .expect(200);
    assert!(codes(&found).contains(&"E11.9"), "{found}");
    let by_code = nurse
        .get("/api/v1/terminology/icd10cm?q=e11.&limit=2")
        .await
        .expect(200);
    assert!(codes(&by_code).iter().all(|code| code.starts_with("E11.")));
    assert_eq!(codes(&by_code).len(), 2);
    let one = nurse
        .get("/api/v1/terminology/icd10cm/e119")
        .await
        .expect(200);
    assert_eq!(one["code"], "E11.9");
    assert_eq!(one["version"], "starter");
}

#[tokio::test]
async fn every_role_may_look_codes_up() {
    let clinic = TestTenant::new().await;
    for role in Role::ALL {
        let caller = clinic.user(role).await;
        let systems = caller.get("/api/v1/terminology").await.expect(200);
        let cvx = systems["items"]
            .as_array()
            .expect("items")
            .iter()
            .find(|system| system["system"] == "cvx")
            .expect("CVX")
            .clone();
        assert_eq!(cvx["uri"], "http://hl7.org/fhir/sid/cvx");
        caller.get("/api/v1/terminology/cvx/3").await.expect(200);
    }
}

#[tokio::test]
async fn a_question_that_is_none_is_refused() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    for (path, status) in [
        ("cvx?q=%20", 400),
        ("cvx", 400),
        ("cvx?q=a&limit=51", 400),
        ("cvx?q=a&limit=0", 400),
        ("cvx?q=a&colour=red", 400),
        ("cvx?q=a&on=yesterday", 400),
        ("no_such_system?q=a", 404),
        ("cvx/9999", 404),
    ] {
        let reply = nurse.get(format!("/api/v1/terminology/{path}")).await;
        assert_eq!(reply.status, status, "{path}: {}", reply.text);
    }
}

#[tokio::test]
async fn without_a_file_codes_are_checked_by_form_and_check_digit() {
    let clinic = TestTenant::new().await;
    let (provider, goals) = goals(&clinic).await;
    let made = provider
        .post(&goals, goal("snomed", "44054006"))
        .await
        .expect(201);
    assert_eq!(made["addresses"][0]["code"], "44054006");
    let refused = provider.post(&goals, goal("snomed", "44054007")).await;
    assert_eq!(refused.pointers(), ["/addresses/0/code"]);
    let problem = refused.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "code_malformed");
}

#[tokio::test]
async fn a_code_that_a_loaded_system_lacks_is_refused_with_the_nearest_ones() {
    let clinic = TestTenant::new().await;
    let text = "code,display\nA10BA02,metformin\nA10BB01,glibenclamide\nA10BH01,sitagliptin\nC09AA05,ramipril\n";
    load(&clinic, System::Atc, "2026", "2026-01-01", text).await;
    let (provider, goals) = goals(&clinic).await;
    let made = provider
        .post(&goals, goal("atc", "a10ba02"))
        .await
        .expect(201);
    let settled = json!({ "system": "atc", "code": "A10BA02", "display": "metformin" });
    assert_eq!(made["addresses"][0], settled);
    let refused = provider.post(&goals, goal("atc", "A10BA03")).await;
    assert_eq!(refused.pointers(), ["/addresses/0/code"]);
    let problem = refused.expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "code_unknown");
    let nearest = problem["nearest"].as_array().expect("the nearest codes");
    assert_eq!(
        nearest[0],
        json!({ "code": "A10BA02", "display": "metformin" })
    );
    assert!(nearest.len() <= 5);
    assert!(!problem.to_string().contains("A10BA03"), "{problem}");
}

#[tokio::test]
async fn a_code_is_valid_at_a_date_if_the_version_in_force_then_has_it() {
    let clinic = TestTenant::new().await;
    let before =
        "code,display\n0DTJ4ZZ,Resection of appendix\n0DTJ0ZZ,Resection of appendix; open\n";
    let after = "code,display\n0DTJ4ZZ,Resection of appendix endoscopic\n0DTJ8ZZ,Resection of appendix through an opening\n";
    load(&clinic, System::Icd10pcs, "2020", "2019-10-01", before).await;
    load(&clinic, System::Icd10pcs, "2021", "2020-10-01", after).await;
    let (provider, goals) = goals(&clinic).await;
    let ask = async |code: &str, on: &str| {
        let reply = provider
            .get(format!("/api/v1/terminology/icd10pcs/{code}?on={on}"))
            .await;
        (reply.status.as_u16(), reply.json()["display"].clone())
    };
    // Before the first version, that one answers.
    for on in ["2015-01-01", "2020-09-30"] {
        assert_eq!(
            ask("0DTJ4ZZ", on).await,
            (200, json!("Resection of appendix"))
        );
        assert_eq!(ask("0DTJ8ZZ", on).await.0, 404);
    }
    let now = ask("0DTJ4ZZ", "2020-10-01").await;
    assert_eq!(now, (200, json!("Resection of appendix endoscopic")));
    assert_eq!(ask("0DTJ0ZZ", "2020-10-01").await.0, 404);
    let problem = provider
        .post(&goals, goal("icd10pcs", "0DTJ0ZZ"))
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "code_not_valid_at_date");
    assert_eq!(problem["nearest"].as_array().map(Vec::len), Some(2));
    let then = provider
        .get("/api/v1/terminology/icd10pcs?q=open&on=2020-01-01")
        .await
        .expect(200);
    assert_eq!(codes(&then), ["0DTJ0ZZ"]);
}

#[tokio::test]
async fn a_new_load_of_a_version_is_what_the_next_question_finds() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let found = async || {
        let reply = nurse.get("/api/v1/terminology/ndc?q=atorva").await;
        reply.expect(200)
    };
    let (first, second) = (
        "code,display\n0071-0155-23,Atorvastatin 10 mg\n",
        "code,display\n0071-0156-23,Atorvastatin 20 mg\n",
    );
    load(&clinic, System::Ndc, "1", "2026-01-01", first).await;
    assert_eq!(codes(&found().await), ["0071-0155-23"]);
    load(&clinic, System::Ndc, "1", "2026-01-01", second).await;
    assert_eq!(codes(&found().await), ["0071-0156-23"]);
    let systems = nurse.get("/api/v1/terminology").await.expect(200);
    let items = systems["items"].as_array().expect("items");
    let ndc = items.iter().find(|one| one["system"] == "ndc");
    let versions = &ndc.expect("NDC")["versions"];
    assert_eq!(versions.as_array().map(Vec::len), Some(1), "{versions}");
    assert_eq!(versions[0]["concepts"], 1);
}

#[tokio::test]
async fn a_file_of_something_else_changes_nothing() {
    let clinic = TestTenant::new().await;
    let release = Release {
        system: System::Hcpcs,
        version: "wrong".to_owned(),
        effective_from: day("2026-01-01"),
        complete: true,
    };
    let text = "code,display\nG0008,A vaccine\n99213,A visit\n";
    let lines = terminology::read(System::Hcpcs, text, None).expect("a table");
    let refused = terminology::load(&clinic.app.db, &release, lines, clinic.clock.now()).await;
    assert_eq!(
        refused.expect_err("99213 is CPT").fields()[0].pointer,
        "line 3"
    );
    let nurse = clinic.user(Role::Nurse).await;
    let one = nurse
        .get("/api/v1/terminology/hcpcs/G0008")
        .await
        .expect(200);
    assert_eq!(one["version"], "starter");
}

#[tokio::test]
async fn nothing_done_for_a_tenant_writes_what_all_tenants_share() {
    let mut connection = PgConnection::connect_with(&run_database().runtime.connect)
        .await
        .expect("the runtime role can connect");
    for attempt in [
        "delete from app.terminology_concepts",
        "delete from app.terminology_versions",
        "update app.terminology_versions set complete = true",
        "update app.terminology_concepts set display = 'x'",
        "insert into app.terminology_concepts (version_id, code, display) values (gen_random_uuid(), 'x', 'x')",
        "truncate app.terminology_concepts",
    ] {
        connection
            .execute("begin; set local app.context = '00000000-0000-0000-0000-000000000001 admin organization   '")
            .await
            .expect("a context");
        let outcome = connection.execute(attempt).await;
        connection.execute("rollback").await.expect("rollback");
        assert!(outcome.is_err(), "{attempt} went through");
    }
}

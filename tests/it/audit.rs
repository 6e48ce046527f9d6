//! The access log: complete, sealed, and telling when somebody was at it.

use platform::access::Role;
use platform::audit::{Sealer, verify};
use platform::db::SystemTx;

use serde_json::json;

use crate::support::{Chart, TestTenant, admin_connection, as_role};

async fn seal(clinic: &TestTenant) {
    let mut sealer = Sealer::new(
        clinic.app.db.clone(),
        clinic.app.keys.clone(),
        clinic.clock.clone(),
        None,
    );
    // Another test may be sealing, or a transaction may still be open somewhere: what is ours is sealed in the end.
    for _ in 0..200 {
        let _ = sealer.round().await;
        let open: i64 = sqlx::query_scalar("select count(*) from app.phi_access_log where tenant_id = $1 and xid >= (select until_xid from app.seal_progress where log = 'access')")
            .bind(clinic.id.0)
            .fetch_one(&mut admin_connection().await)
            .await
            .expect("a count");
        if open == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the records were not sealed");
}

async fn faults(clinic: &TestTenant) -> Vec<String> {
    let range = verify::Range {
        tenant: Some(clinic.id),
        from: None,
        to: None,
    };
    let report = verify::verify(&clinic.app, &range, None)
        .await
        .expect("it can be verified");
    report
        .faults
        .iter()
        .map(|fault| format!("{fault:?}"))
        .collect()
}

/// A clinic with five reads on record.
async fn clinic_with_reads() -> (TestTenant, Vec<String>) {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    for _ in 0..5 {
        admin
            .get(format!("/api/v1/patients/{patient}"))
            .await
            .expect(200);
    }
    let ids = sqlx::query_scalar(
        "select id::text from app.phi_access_log where tenant_id = $1 order by id",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("ids");
    (clinic, ids)
}

#[tokio::test]
async fn a_log_nobody_touched_verifies() {
    let (clinic, _) = clinic_with_reads().await;
    assert!(faults(&clinic).await.is_empty(), "before it is sealed");
    seal(&clinic).await;
    assert!(faults(&clinic).await.is_empty(), "after it is sealed");
}

#[tokio::test]
async fn whatever_a_superuser_does_to_the_log_is_found_and_named() {
    let attacks: [(&str, &str); 4] = [
        ("changed", "update app.phi_access_log set user_agent = 'nobody' where id = $1::uuid"),
        ("removed", "delete from app.phi_access_log where id = $1::uuid"),
        ("reassigned", "update app.phi_access_log set patient_id = null where id = $1::uuid"),
        (
            "inserted",
            "insert into app.phi_access_log select tenant_id, at, overlay(id::text placing '0000' from 33)::uuid, user_id, session_id, patient_id,
                    resource_id, request_id, xid, break_glass, role, resource, action, outcome, purpose, method, route, address, user_agent, mac
               from app.phi_access_log where id = $1::uuid",
        ),
    ];
    for (attack, statement) in attacks {
        let (clinic, ids) = clinic_with_reads().await;
        seal(&clinic).await;
        let done = sqlx::query(statement)
            .bind(&ids[2])
            .execute(&mut admin_connection().await)
            .await
            .expect("a superuser may");
        assert_eq!(done.rows_affected(), 1, "{attack}");
        let found = faults(&clinic).await;
        let named = &ids[2][..32];
        assert!(
            found.iter().any(|fault| fault.contains(named)),
            "{attack} {named} was not named in {found:#?}"
        );
    }
}

#[tokio::test]
async fn a_record_that_somebody_wrote_past_the_server_is_found_before_it_is_sealed() {
    let (clinic, ids) = clinic_with_reads().await;
    let statement = "insert into app.phi_access_log select tenant_id, at, overlay(id::text placing '0000' from 33)::uuid, user_id, session_id, patient_id,
            resource_id, request_id, xid, break_glass, role, resource, action, outcome, purpose, method, route, address, user_agent, mac
       from app.phi_access_log where id = $1::uuid";
    sqlx::query(statement)
        .bind(&ids[0])
        .execute(&mut admin_connection().await)
        .await
        .expect("a superuser may");
    assert!(!faults(&clinic).await.is_empty());
}

#[tokio::test]
async fn a_search_records_every_patient_it_shows() {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    for _ in 0..3 {
        clinic.patient(&staff).await;
    }
    let reply = staff.get("/api/v1/patients?family=fam").await;
    let request = reply.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let shown = reply.expect(200)["items"].as_array().map(Vec::len);
    let recorded: i64 = sqlx::query_scalar("select count(distinct patient_id) from app.phi_accesses where request_id = $1::uuid and action = 'search'")
        .bind(&request)
        .fetch_one(&mut admin_connection().await)
        .await
        .expect("a count");
    assert_eq!((shown, recorded), (Some(3), 3));
}

/// A search that showed three, sealed: the id of its record, and whom it showed.
async fn clinic_with_a_search() -> (TestTenant, String, Vec<String>) {
    let clinic = TestTenant::new().await;
    let staff = clinic.user(Role::Staff).await;
    for _ in 0..3 {
        clinic.patient(&staff).await;
    }
    let reply = staff.get("/api/v1/patients?family=fam").await;
    let request = reply.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    reply.expect(200);
    let (id, shown) = sqlx::query_as(
        "select id::text, shown::text[] from app.phi_access_log where request_id = $1::uuid",
    )
    .bind(&request)
    .fetch_one(&mut admin_connection().await)
    .await
    .expect("one record");
    seal(&clinic).await;
    (clinic, id, shown)
}

#[tokio::test]
async fn whoever_takes_a_patient_out_of_a_search_s_record_is_found() {
    for (attack, change) in [
        (
            "shortened",
            "shown = shown[1:2], shown_resources = shown_resources[1:2]",
        ),
        ("turned", "shown = array[shown[2], shown[1], shown[3]]"),
        ("unnamed", "shown = array[shown[1], shown[2], null]"),
        (
            "another piece",
            "shown_resources = array[null, null, null]::uuid[]",
        ),
    ] {
        let (clinic, id, _) = clinic_with_a_search().await;
        assert!(faults(&clinic).await.is_empty(), "as it was");
        sqlx::query(sqlx::AssertSqlSafe(format!(
            "update app.phi_access_log set {change} where id = $1::uuid"
        )))
        .bind(&id)
        .execute(&mut admin_connection().await)
        .await
        .expect("a superuser may");
        let found = faults(&clinic).await;
        assert!(
            found.iter().any(|fault| fault.contains(&id)),
            "{attack} {id} was not named in {found:#?}"
        );
    }
}

/// What is no plain list can't be read as one, and one such record would keep all others from being verified.
#[tokio::test]
async fn the_patients_of_a_record_are_a_plain_list() {
    let (_, id, _) = clinic_with_a_search().await;
    for change in [
        "shown = array[shown]",
        "shown = ('[0:2]=' || shown::text)::uuid[]",
        "shown_resources = array[shown_resources]",
        "shown = '{}', shown_resources = '{}'",
    ] {
        let done = sqlx::query(sqlx::AssertSqlSafe(format!(
            "update app.phi_access_log set {change} where id = $1::uuid"
        )))
        .bind(&id)
        .execute(&mut admin_connection().await)
        .await;
        assert!(done.is_err(), "{change}");
    }
}

#[tokio::test]
async fn the_log_of_a_search_is_read_patient_by_patient_over_any_page() {
    let (clinic, id, shown) = clinic_with_a_search().await;
    let admin = clinic.user(Role::Admin).await;
    let mut read = Vec::new();
    let mut cursor = String::new();
    loop {
        let path = format!("/api/v1/audit/access?action=search&limit=2{cursor}");
        let page = admin.get(path).await.expect(200);
        for entry in page["items"].as_array().expect("entries") {
            if entry["id"] == id.as_str() {
                read.push(entry["patient_id"].as_str().expect("a patient").to_owned());
            }
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    read.sort();
    let mut shown_sorted = shown.clone();
    shown_sorted.sort();
    assert_eq!(read, shown_sorted);
    for patient in &shown {
        let page = admin
            .get(format!(
                "/api/v1/audit/access?action=search&patient_id={patient}"
            ))
            .await
            .expect(200);
        let of_search: Vec<&serde_json::Value> = page["items"]
            .as_array()
            .expect("entries")
            .iter()
            .filter(|entry| entry["id"] == id.as_str())
            .collect();
        assert_eq!(of_search.len(), 1);
        assert_eq!(of_search[0]["patient_id"], patient.as_str());
    }
}

/// Which looks at many showed one of these.
fn looks(patients: &[String]) -> String {
    let patients = patients.join(",");
    format!(
        "select from app.looks_that_showed('{{{patients}}}', null, null) where resource = 'patient'"
    )
}

#[tokio::test]
async fn a_patient_reads_that_a_list_showed_him_and_not_who_else_was_on_it() {
    let (clinic, id, shown) = clinic_with_a_search().await;
    let admin = clinic.user(Role::Admin).await;
    let account = clinic.user(Role::Patient).await;
    admin
        .patch(
            format!("/api/v1/patients/{}", shown[1]),
            1,
            json!({ "portal_user_id": account.user_id }),
        )
        .await
        .expect(200);
    let patient = account.with_token(Some(clinic.log_in(&account.email).await));
    let log = patient.get("/api/v1/me/access-log").await.expect(200);
    let entry = log["items"]
        .as_array()
        .expect("entries")
        .iter()
        .find(|entry| entry["id"] == id.as_str())
        .expect("the search");
    assert_eq!(
        (&entry["action"], &entry["resource"]),
        (&"search".into(), &"patient".into())
    );
    assert!(entry["user_name"].is_string(), "who searched is named");
    let text = log.to_string();
    assert!(
        !text.contains(&shown[0]) && !text.contains(&shown[2]),
        "{text}"
    );
    // In the database he sees no row with others on it, and asking for another's looks gives none.
    let caller = format!("{} {}", account.user_id, shown[1]);
    for (statement, seen) in [
        (
            "select from app.phi_access_log where shown is not null".to_owned(),
            0,
        ),
        (looks(&shown[1..2]), 1),
        (looks(&[shown[0].clone(), shown[2].clone()]), 0),
    ] {
        let mut connection = admin_connection().await;
        let himself = (clinic.id, Some(caller.as_str()));
        let rows = as_role(&mut connection, himself, ("patient", "self"), &statement).await;
        assert_eq!(rows.expect("rows"), seen, "{statement}");
    }
}

#[tokio::test]
async fn without_the_log_no_chart_is_shown() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    let blind = admin.on(clinic.server_without_log().await);
    for path in [
        format!("/api/v1/patients/{patient}"),
        "/api/v1/patients?family=fam".to_owned(),
        format!("/api/v1/patients/{}", kernel::ids::mint()),
    ] {
        let refused = blind.get(&path).await;
        assert!(refused.headers.contains_key("retry-after"), "{path}");
        assert!(!refused.text.contains("Fam"), "{path}: {}", refused.text);
        refused.expect_problem(503, "audit_unavailable");
    }
    blind.get("/api/v1/facilities").await.expect(200);
    admin
        .get(format!("/api/v1/patients/{patient}"))
        .await
        .expect(200);
}

#[tokio::test]
async fn the_purpose_of_use_is_on_record() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let path = format!("/api/v1/patients/{}", chart.patient);
    admin
        .send(
            axum::http::Method::GET,
            &path,
            &[("x-purpose-of-use", "HRESCH")],
            None,
        )
        .await
        .expect(200);
    let log = admin
        .get(format!(
            "/api/v1/audit/access?patient_id={}&user_id={}",
            chart.patient, admin.user_id
        ))
        .await
        .expect(200);
    assert!(
        log["items"]
            .as_array()
            .is_some_and(|items| items.iter().any(|item| item["purpose"] == "HRESCH")),
        "{log}"
    );
    let changes = admin
        .get(format!(
            "/api/v1/audit/changes?resource=patients&id={}",
            chart.patient
        ))
        .await
        .expect(200);
    assert!(
        changes["items"]
            .as_array()
            .is_some_and(|items| !items.is_empty()),
        "{changes}"
    );
}

#[tokio::test]
async fn nobody_who_does_not_treat_may_say_that_he_does() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let path = format!("/api/v1/patients/{}", chart.patient);
    let (admin, billing) = (
        clinic.user(Role::Admin).await,
        clinic.user(Role::Billing).await,
    );
    for (caller, purpose, may) in [
        (&chart.portal_user, "TREAT", false),
        (&chart.portal_user, "ETREAT", false),
        (&chart.portal_user, "PATRQT", true),
        (&billing, "TREAT", false),
        (&billing, "ETREAT", false),
        (&billing, "HOPERAT", true),
        (&admin, "ETREAT", false),
        (&chart.nurse, "ETREAT", true),
        (&chart.doctor, "HRESCH", true),
    ] {
        let why = [("x-purpose-of-use", purpose)];
        let reply = caller
            .send(axum::http::Method::GET, &path, &why, None)
            .await;
        if may {
            reply.expect(200);
        } else {
            let problem = reply.expect_problem(400, "invalid_header");
            let rule = problem["detail"].as_str().expect("a rule");
            assert!(rule.starts_with("X-Purpose-Of-Use"), "{rule}");
        }
    }
    // Nor in the record of what he may not do at all.
    let why = [("x-purpose-of-use", "TREAT")];
    let refused = chart
        .portal_user
        .send(axum::http::Method::GET, "/api/v1/audit/access", &why, None)
        .await;
    let purpose: String =
        sqlx::query_scalar("select purpose from app.phi_accesses where request_id = $1::uuid")
            .bind(refused.headers["x-request-id"].to_str().expect("an id"))
            .fetch_one(&mut clinic.behind_the_curtain().await)
            .await
            .expect("a record");
    refused.expect_problem(403, "forbidden");
    assert_eq!(purpose, "PATRQT");
}

/// The tests' cluster has it off, as one of a careless operator.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_answered_for_is_durable_whatever_the_cluster_says() {
    let clinic = TestTenant::new().await;
    let setting = "select current_setting('synchronous_commit')";
    let of_cluster: String = sqlx::query_scalar(setting)
        .fetch_one(&mut admin_connection().await)
        .await
        .expect("a setting");
    assert_eq!(of_cluster, "off");
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("begun");
    let of_server: String = sqlx::query_scalar(setting)
        .fetch_one(tx.conn())
        .await
        .expect("a setting");
    assert_eq!(of_server, "on");
}

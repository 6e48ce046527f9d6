//! The problem list says what is known, as it was said, and each open problem once.

use chrono::TimeDelta;
use kernel::ids::mint;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Chart, TestTenant, id, run_database};

fn diabetes() -> Value {
    json!({ "icd10cm": "E11.9", "onset": "2019-03", "severity": "moderate", "status": "chronic" })
}

#[tokio::test]
async fn a_problem_is_named_after_its_code_and_its_date_is_as_exact_as_it_was_said() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let made = chart.doctor.post(&list, diabetes()).await.expect(201);
    assert_eq!(
        made["name"],
        "Type 2 diabetes mellitus without complications"
    );
    assert_eq!(made["onset"], "2019-03");
    assert_eq!(made["verification"], "confirmed");
    assert_eq!(made["recorded_by"], json!(chart.doctor.user_id));
    let written = json!({ "icd10cm": "k219", "name": "Reflux" });
    let made = chart.doctor.post(&list, written).await.expect(201);
    assert_eq!(
        (&made["icd10cm"], &made["name"]),
        (&json!("K21.9"), &json!("Reflux"))
    );
}

#[tokio::test]
async fn another_code_brings_its_name_unless_one_is_given() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let made = chart.doctor.post(&list, diabetes()).await.expect(201);
    let place = format!("{list}/{}", id(&made));
    let recoded = chart
        .doctor
        .patch(&place, 1, json!({ "icd10cm": "E11.65" }))
        .await
        .expect(200);
    assert_eq!(
        recoded["name"],
        "Type 2 diabetes mellitus with hyperglycemia"
    );
    let stale = json!({ "note": "Late" });
    chart
        .doctor
        .patch(&place, 1, stale)
        .await
        .expect_problem(412, "version_stale");
}

#[tokio::test]
async fn an_open_problem_stands_on_the_list_once() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let doctor = &chart.doctor;
    let first = id(&doctor.post(&list, diabetes()).await.expect(201));
    let refused = doctor
        .post(&list, diabetes())
        .await
        .expect_problem(409, "problem_already_open");
    assert_eq!(refused["problem_id"], json!(first));
    doctor
        .post(
            format!("{list}/{first}/resolve"),
            json!({ "abatement": "2024" }),
        )
        .await
        .expect(200);
    let second = id(&doctor.post(&list, diabetes()).await.expect(201));
    doctor
        .post(format!("{list}/{first}/reactivate"), json!({}))
        .await
        .expect_problem(409, "problem_already_open");
    let refuted = json!({ "verification": "refuted" });
    doctor
        .patch(format!("{list}/{second}"), 1, refuted)
        .await
        .expect(200);
    doctor
        .post(
            format!("{list}/{first}/reactivate"),
            json!({ "status": "chronic" }),
        )
        .await
        .expect(200);
}

#[tokio::test]
async fn two_at_once_can_not_add_the_same_problem_twice() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let (one, two) = tokio::join!(
        chart.doctor.post(&list, diabetes()),
        chart.doctor.post(&list, diabetes())
    );
    let mut statuses = [one.status.as_u16(), two.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", one.text, two.text);
}

#[tokio::test]
async fn a_problem_is_resolved_and_comes_back_with_its_first_onset() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let doctor = &chart.doctor;
    let place = format!(
        "{list}/{}",
        id(&doctor.post(&list, diabetes()).await.expect(201))
    );
    let early = json!({ "abatement": "2018" });
    let reply = doctor.post(format!("{place}/resolve"), early).await;
    assert_eq!(reply.pointers(), ["/abatement"], "{}", reply.text);
    let over = doctor
        .post(
            format!("{place}/resolve"),
            json!({ "abatement": "2024-06" }),
        )
        .await
        .expect(200);
    assert_eq!(
        (&over["status"], &over["abatement"]),
        (&json!("resolved"), &json!("2024-06"))
    );
    doctor
        .post(format!("{place}/resolve"), json!({}))
        .await
        .expect_problem(409, "illegal_transition");
    let reply = doctor
        .patch(&place, 2, json!({ "status": "active", "abatement": null }))
        .await;
    assert_eq!(reply.pointers(), ["/status"], "{}", reply.text);
    let back = doctor
        .post(format!("{place}/reactivate"), json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&back["status"], &back["onset"], &back["abatement"]),
        (&json!("active"), &json!("2019-03"), &Value::Null)
    );
    let open = doctor
        .get(format!("{list}?status=active"))
        .await
        .expect(200);
    let found = open["items"].as_array().expect("a list").iter();
    assert_eq!(found.filter(|one| one["id"] == back["id"]).count(), 1);
}

#[tokio::test]
async fn what_was_entered_in_error_stays_with_its_reason_and_changes_no_more() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let doctor = &chart.doctor;
    let made = id(&doctor.post(&list, diabetes()).await.expect(201));
    let place = format!("{list}/{made}");
    let mistake = json!({ "reason": "The neighbour's" });
    let marked = doctor
        .post(format!("{place}/entered-in-error"), mistake.clone())
        .await
        .expect(200);
    assert_eq!(marked["verification"], "entered_in_error");
    assert_eq!(marked["error_reason"], "The neighbour's");
    doctor
        .patch(&place, 2, json!({ "note": "No" }))
        .await
        .expect_problem(409, "entered_in_error");
    doctor
        .post(format!("{place}/entered-in-error"), mistake)
        .await
        .expect_problem(409, "entered_in_error");
    let holds = |page: Value| {
        page["items"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|one| one["id"] == json!(made))
    };
    assert!(!holds(doctor.get(&list).await.expect(200)));
    assert!(holds(
        doctor
            .get(format!("{list}?include_errors=true"))
            .await
            .expect(200)
    ));
    doctor.post(&list, diabetes()).await.expect(201);
}

#[tokio::test]
async fn the_history_tells_who_changed_what() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    let doctor = &chart.doctor;
    let place = format!(
        "{list}/{}",
        id(&doctor.post(&list, diabetes()).await.expect(201))
    );
    doctor
        .patch(&place, 1, json!({ "severity": "severe" }))
        .await
        .expect(200);
    let mistake = json!({ "reason": "Wrong" });
    doctor
        .post(format!("{place}/entered-in-error"), mistake)
        .await
        .expect(200);
    let history = doctor.get(format!("{place}/history")).await.expect(200);
    let items = history["items"].as_array().expect("a list");
    let kinds: Vec<_> = items.iter().map(|one| &one["change"]).collect();
    assert_eq!(kinds, ["entered_in_error", "changed", "recorded"]);
    assert_eq!(
        items[1]["fields"],
        json!([{ "field": "severity", "before": "moderate", "after": "severe" }])
    );
    assert!(
        items
            .iter()
            .all(|one| one["user_id"] == json!(doctor.user_id))
    );
    chart
        .portal_user
        .get(format!("{place}/history"))
        .await
        .expect_problem(403, "forbidden");
    doctor
        .get(format!("{list}/{}/history", mint()))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn codes_dates_and_encounters_that_can_not_be_are_refused() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let other = Chart::open_another(&clinic, &chart).await;
    let admin = clinic.user(Role::Admin).await;
    let foreign = json!({ "class": "office_visit", "scheduled_start": "2026-11-01T09:00:00Z" });
    let foreign = admin
        .post(
            other.fill("/api/v1/patients/{patient_id}/encounters"),
            foreign,
        )
        .await
        .expect(201);
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    for (body, pointer) in [
        (json!({ "name": "Something" }), "/icd10cm"),
        (json!({ "icd10cm": "11E.9" }), "/icd10cm"),
        (json!({ "snomed": "44054007", "name": "x" }), "/snomed"),
        (json!({ "icd10cm": "E11.9", "onset": "2099" }), "/onset"),
        (json!({ "icd10cm": "E11.9", "onset": "1969" }), "/onset"),
        (json!({ "icd10cm": "E11.9", "onset": "2019-13" }), "/onset"),
        (
            json!({ "icd10cm": "E11.9", "abatement": "2020" }),
            "/abatement",
        ),
        (
            json!({ "icd10cm": "E11.9", "status": "resolved", "onset": "2020-05", "abatement": "2020-04" }),
            "/abatement",
        ),
        (
            json!({ "icd10cm": "E11.9", "verification": "entered_in_error" }),
            "/verification",
        ),
        (
            json!({ "icd10cm": "E11.9", "encounter_id": foreign["id"] }),
            "/encounter_id",
        ),
        (
            json!({ "icd10cm": "E11.9", "encounter_id": mint() }),
            "/encounter_id",
        ),
    ] {
        let reply = chart.doctor.post(&list, body).await;
        assert_eq!(reply.status, 422, "{pointer}: {}", reply.text);
        assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
    }
}

#[tokio::test]
async fn who_may_not_keep_the_list_may_read_it_or_not_even_that() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/problems");
    for reader in [
        &chart.nurse,
        &chart.portal_user,
        &clinic.user(Role::Admin).await,
    ] {
        reader.get(&list).await.expect(200);
        reader
            .post(&list, diabetes())
            .await
            .expect_problem(403, "forbidden");
    }
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        caller.get(&list).await.expect_problem(403, "forbidden");
    }
}

/// The second fence: what the policies of the tables let each role see, with the first one out of the way.
#[tokio::test]
async fn the_tables_let_no_role_see_what_the_matrix_does_not() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let mut connection = PgConnection::connect_with(&run_database().runtime.connect)
        .await
        .expect("the runtime role can connect");
    for (table, billing) in [
        ("problems", false),
        ("encounter_diagnoses", true),
        ("allergies", false),
        ("allergy_statements", false),
        ("procedures", false),
        ("procedure_codings", true),
        ("immunizations", false),
    ] {
        for (role, sees) in [
            ("provider", true),
            ("nurse", true),
            ("admin", true),
            ("billing", billing),
            ("staff", false),
        ] {
            connection
                .execute(sqlx::AssertSqlSafe(format!(
                    "begin; set local app.context = '{} {role} organization {}  '",
                    clinic.id, chart.doctor.user_id
                )))
                .await
                .expect("a context");
            let rows: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
                "select count(*) from app.{table} where tenant_id = '{}'",
                clinic.id
            )))
            .fetch_one(&mut connection)
            .await
            .expect("a count");
            connection.execute("rollback").await.expect("rollback");
            assert_eq!(rows > 0, sees, "{table} as {role}: {rows}");
        }
    }
}

#[tokio::test]
async fn a_day_that_has_not_come_at_any_place_of_the_organisation_is_refused() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let zone = json!({ "time_zone": "Pacific/Pago_Pago" });
    admin.patch("/api/v1/tenant", 1, zone).await.expect(200);
    let doctor = clinic.user(Role::Provider).await;
    let patient = clinic.patient(&doctor).await;
    // It is this day on Kiritimati, which is 25 hours ahead of Pago Pago.
    let day = (clinic.clock.now() + TimeDelta::hours(14)).date_naive();
    let latex = json!({ "kind": "environment", "text": "Latex" });
    let entries = [
        (
            "problems",
            json!({ "icd10cm": "I10", "onset": day }),
            "/onset",
        ),
        (
            "allergies",
            json!({ "substance": latex, "onset": day }),
            "/onset",
        ),
        (
            "immunizations",
            json!({ "cvx": "03", "occurred_on": day, "source": "registry" }),
            "/occurred_on",
        ),
    ];
    let place = |list: &str| format!("/api/v1/patients/{patient}/{list}");
    for (list, body, pointer) in &entries {
        let refused = doctor.post(place(list), body.clone()).await;
        assert_eq!(refused.pointers(), [*pointer], "{}", refused.text);
    }
    let problem = json!({ "icd10cm": "E11.9", "onset": "2019" });
    let problem = doctor.post(place("problems"), problem).await.expect(201);
    let problem = place(&format!("problems/{}", id(&problem)));
    let refused = doctor.patch(&problem, 1, json!({ "onset": day })).await;
    assert_eq!(refused.pointers(), ["/onset"], "{}", refused.text);
    // Where one of its facilities is, the day has come.
    let east = json!({ "code": "EAST", "name": "East", "kind": "clinic", "time_zone": "Pacific/Kiritimati" });
    admin.post("/api/v1/facilities", east).await.expect(201);
    let doctor = doctor.with_token(Some(clinic.log_in(&doctor.email).await));
    for (list, body, _) in entries {
        doctor.post(place(list), body).await.expect(201);
    }
}

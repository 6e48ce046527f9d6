//! Doses given here, told of, and not given; and which are due.

use kernel::ids::mint;
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Chart, TestTenant, id};

const LIST: &str = "/api/v1/patients/{patient_id}/immunizations";

fn tetanus() -> Value {
    json!({ "cvx": "115", "occurred_on": "2026-03-10", "lot_number": "3CK54", "expires_on": "2027-11-30", "site": "left_deltoid",
            "route": "intramuscular", "dose_quantity": 0.5, "dose_unit": "mL" })
}

fn with(mut body: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn series(caller: &Caller, chart: &Chart, key: &str) -> Value {
    let status = caller
        .get(format!("{}/status", chart.fill(LIST)))
        .await
        .expect(200);
    let all = status["series"].as_array().expect("series").clone();
    all.into_iter()
        .find(|one| one["series"] == key)
        .expect("the series")
}

#[tokio::test]
async fn a_dose_given_here_has_its_lot_and_a_dose_told_of_may_have_a_year() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let made = chart
        .nurse
        .post(chart.fill(LIST), tetanus())
        .await
        .expect(201);
    assert_eq!(
        (&made["name"], &made["dose_quantity"]),
        (&json!("Tdap"), &json!(0.5))
    );
    assert_eq!(made["recorded_by"], json!(chart.nurse.user_id));
    let told = json!({ "cvx": "10", "occurred_on": "1972", "source": "school_record" });
    let told = chart.nurse.post(chart.fill(LIST), told).await.expect(201);
    assert_eq!(told["occurred_on"], "1972");
    let listed = chart.nurse.get(chart.fill(LIST)).await.expect(200);
    let days: Vec<&Value> = listed["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["occurred_on"])
        .collect();
    assert_eq!(days, ["2026-03-10", "1972", "1971"]);
    let only = chart
        .nurse
        .get(format!("{}?cvx=115", chart.fill(LIST)))
        .await
        .expect(200);
    assert_eq!(only["items"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn the_same_vaccine_on_the_same_day_is_one_dose() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let made = chart
        .nurse
        .post(chart.fill(LIST), tetanus())
        .await
        .expect(201);
    chart
        .doctor
        .post(
            chart.fill(LIST),
            with(tetanus(), &json!({ "source": "registry" })),
        )
        .await
        .expect_problem(409, "dose_already_recorded");
    chart
        .nurse
        .post(
            format!("{}/{}/entered-in-error", chart.fill(LIST), id(&made)),
            json!({ "reason": "Drawn up and dropped" }),
        )
        .await
        .expect(200);
    chart
        .nurse
        .post(chart.fill(LIST), tetanus())
        .await
        .expect(201);
}

#[tokio::test]
async fn what_can_not_be_is_refused_at_its_place() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for (more, pointer) in [
        (json!({ "cvx": "x" }), "/cvx"),
        (json!({ "occurred_on": "2099-01-01" }), "/occurred_on"),
        (json!({ "occurred_on": "1969-12-31" }), "/occurred_on"),
        (json!({ "occurred_on": "2026-03" }), "/occurred_on"),
        (json!({ "lot_number": null }), "/lot_number"),
        (json!({ "expires_on": null }), "/expires_on"),
        (json!({ "given_at": "2026-04-10T09:00:00Z" }), "/given_at"),
        (json!({ "dose_quantity": 0.00001 }), "/dose_quantity"),
        (json!({ "dose_quantity": -1 }), "/dose_quantity"),
        (json!({ "dose_unit": null }), "/dose_unit"),
        (json!({ "dose_number": 0 }), "/dose_number"),
        (json!({ "status": "not_given" }), "/not_given_reason"),
        (
            json!({ "not_given_reason": "illness" }),
            "/not_given_reason",
        ),
        (json!({ "provider_id": mint() }), "/provider_id"),
        (json!({ "encounter_id": mint() }), "/encounter_id"),
    ] {
        let reply = chart
            .nurse
            .post(chart.fill(LIST), with(tetanus(), &more))
            .await;
        assert_eq!(reply.status, 422, "{pointer}: {}", reply.text);
        assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
    }
}

#[tokio::test]
async fn a_dose_moves_its_series_from_overdue_to_complete_and_a_mistake_moves_it_back() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    assert_eq!(
        series(&chart.nurse, &chart, "tdap").await["state"],
        "overdue"
    );
    let made = chart
        .nurse
        .post(chart.fill(LIST), tetanus())
        .await
        .expect(201);
    let done = series(&chart.portal_user, &chart, "tdap").await;
    assert_eq!(
        (&done["state"], &done["doses"][0]["number"]),
        (&json!("complete"), &json!(1))
    );
    assert_eq!(done["next"]["due_on"], "2036-03-10");
    chart
        .nurse
        .post(
            format!("{}/{}/entered-in-error", chart.fill(LIST), id(&made)),
            json!({ "reason": "Other arm, other patient" }),
        )
        .await
        .expect(200);
    assert_eq!(
        series(&chart.nurse, &chart, "tdap").await["state"],
        "overdue"
    );
}

#[tokio::test]
async fn who_refused_is_still_due_and_who_must_not_have_it_is_not() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let refusal = json!({ "cvx": "187", "status": "not_given", "occurred_on": "2026-03-10", "not_given_reason": "patient_refusal" });
    chart
        .nurse
        .post(chart.fill(LIST), refusal)
        .await
        .expect(201);
    let zoster = series(&chart.nurse, &chart, "zoster").await;
    assert_eq!(
        (&zoster["state"], &zoster["declined_on"]),
        (&json!("overdue"), &json!("2026-03-10"))
    );
    let reason = json!({ "cvx": "187", "status": "not_given", "occurred_on": "2026-03-11", "not_given_reason": "contraindication" });
    chart.nurse.post(chart.fill(LIST), reason).await.expect(201);
    assert_eq!(
        series(&chart.nurse, &chart, "zoster").await["state"],
        "exempt"
    );
}

#[tokio::test]
async fn a_dose_of_an_expired_lot_is_recorded_and_does_not_count() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let expired = with(tetanus(), &json!({ "expires_on": "2026-03-09" }));
    let made = chart
        .nurse
        .post(chart.fill(LIST), expired)
        .await
        .expect(201);
    let tdap = series(&chart.nurse, &chart, "tdap").await;
    assert_eq!(
        (&tdap["state"], &tdap["doses"][0]["invalid"]),
        (&json!("overdue"), &json!("expired"))
    );
    let place = format!("{}/{}", chart.fill(LIST), id(&made));
    let right = json!({ "expires_on": "2027-03-09" });
    chart.nurse.patch(&place, 1, right).await.expect(200);
    assert_eq!(
        series(&chart.nurse, &chart, "tdap").await["state"],
        "complete"
    );
}

#[tokio::test]
async fn nurses_and_providers_record_and_the_others_read_or_not_even_that() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    chart
        .doctor
        .post(chart.fill(LIST), tetanus())
        .await
        .expect(201);
    for reader in [&chart.portal_user, &clinic.user(Role::Admin).await] {
        reader.get(chart.fill(LIST)).await.expect(200);
        let refused = reader.post(chart.fill(LIST), tetanus()).await;
        refused.expect_problem(403, "forbidden");
    }
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        let refused = caller.get(chart.fill(LIST)).await;
        refused.expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn nothing_is_due_to_the_dead() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let due = async || {
        let shown = chart
            .doctor
            .get(chart.fill("/api/v1/patients/{patient_id}/chart"))
            .await;
        shown.expect(200)["immunizations_due"]["total"].clone()
    };
    assert_ne!(due().await, 0);
    let status = chart.fill("/api/v1/patients/{patient_id}/status");
    let death = json!({ "status": "deceased", "deceased_on": "2026-01-01" });
    admin.post(status, death).await.expect(200);
    assert_eq!(due().await, 0);
    let all = chart
        .nurse
        .get(format!("{}/status", chart.fill(LIST)))
        .await
        .expect(200);
    for one in all["series"].as_array().expect("series") {
        let state = one["state"].as_str().expect("a state");
        assert!(
            ["complete", "not_indicated", "exempt"].contains(&state),
            "{one}"
        );
        assert!(one.get("next").is_none(), "{one}");
    }
}

#[tokio::test]
async fn a_dose_of_some_day_of_a_year_is_not_taken_to_have_expired_in_it() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for (occurred, expires, spoilt) in [
        ("2015", "2015-06-30", None),
        ("2018", "2017-12-31", Some("expired")),
    ] {
        let dose = json!({ "cvx": "115", "occurred_on": occurred, "expires_on": expires, "lot_number": "X",
            "source": "other_provider" });
        chart.nurse.post(chart.fill(LIST), dose).await.expect(201);
        let status = chart
            .nurse
            .get(format!("{}/status", chart.fill(LIST)))
            .await
            .expect(200);
        let doses = status["series"].as_array().expect("series").iter();
        let doses: Vec<&Value> = doses
            .flat_map(|one| one["doses"].as_array().expect("doses"))
            .filter(|dose| {
                dose["cvx"] == "115"
                    && dose["given_on"]
                        .as_str()
                        .is_some_and(|on| on.starts_with(occurred))
            })
            .collect();
        assert!(!doses.is_empty(), "{status}");
        for dose in doses {
            assert_eq!(dose["invalid"] == "expired", spoilt.is_some(), "{dose}");
        }
    }
}

#[tokio::test]
async fn a_dose_is_given_on_its_day_by_a_clock_of_the_organisation() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let zone = json!({ "time_zone": "Pacific/Honolulu" });
    admin.patch("/api/v1/tenant", 1, zone).await.expect(200);
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let list = format!("/api/v1/patients/{patient}/immunizations");
    // In Honolulu the tenth of March lasts until ten in the morning of the eleventh, as UTC has it.
    for another in ["2026-03-10T09:59:00Z", "2026-03-11T10:00:00Z"] {
        let dose = with(tetanus(), &json!({ "given_at": another }));
        let refused = nurse.post(&list, dose).await;
        assert_eq!(refused.pointers(), ["/given_at"], "{}", refused.text);
    }
    let dose = with(tetanus(), &json!({ "given_at": "2026-03-11T09:59:00Z" }));
    let made = nurse.post(&list, dose).await.expect(201);
    let place = format!("{list}/{}", id(&made));
    let another = json!({ "given_at": "2026-03-10T09:59:00Z" });
    let refused = nurse.patch(&place, 1, another).await;
    assert_eq!(refused.pointers(), ["/given_at"], "{}", refused.text);
    let corrected = json!({ "occurred_on": "2026-03-09", "given_at": "2026-03-10T09:59:00Z" });
    nurse.patch(&place, 1, corrected).await.expect(200);
}

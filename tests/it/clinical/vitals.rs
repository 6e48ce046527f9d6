//! Vital signs: kept as said, refused when they can't be true, asked about when unusual, never changed.

use chrono::TimeDelta;
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Row;

use crate::support::{Caller, Chart, TestTenant};

/// A nurse and a patient of hers, born 1970.
async fn bedside() -> (TestTenant, Caller, String) {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let patient = clinic.patient(&nurse).await;
    let path = format!("/api/v1/patients/{patient}/vitals");
    (clinic, nurse, path)
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it reads as the body it makes"
)]
fn set(readings: Value) -> Value {
    json!({ "measured_at": "2024-03-10T09:35:00-04:00", "readings": readings })
}

/// A patient born on a day, cared for by who registers him.
async fn child(nurse: &Caller, birth_date: &str, sex: &str) -> String {
    let body = json!({ "names": [{ "use": "legal", "family": "Young", "given": [kernel::ids::mint().to_string()] }],
                       "birth_date": birth_date, "sex": sex });
    let made = nurse
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    format!(
        "/api/v1/patients/{}/vitals",
        made["id"].as_str().expect("an id")
    )
}

#[tokio::test]
async fn what_was_said_is_kept_beside_the_unit_of_the_house() {
    let (_clinic, nurse, path) = bedside().await;
    let made = nurse
        .post(
            &path,
            set(json!([
                { "kind": "temperature", "value": 98.6, "unit": "[degF]", "body_site": "oral" },
                { "kind": "weight", "value": 165.5, "unit": "[lb_av]", "device_id": "scale-2" },
                { "kind": "height", "value": 5, "plus": 10.5, "unit": "[ft_i]" },
                { "kind": "glucose", "value": 5.5, "unit": "mmol/L" },
                { "kind": "blood_pressure", "systolic": 128, "diastolic": 82, "position": "sitting", "body_site": "left_arm" }
            ])),
        )
        .await
        .expect(201);
    let found = nurse
        .get(format!("{path}/{}", made["id"].as_str().expect("an id")))
        .await
        .expect(200);
    assert_eq!(made, found, "what is answered is what is read");
    let reading = |place: usize| &found["readings"][place];
    assert_eq!(reading(0)["value"], 98.6);
    assert_eq!(reading(0)["unit"], "[degF]");
    assert_eq!(
        reading(0)["canonical"],
        json!({ "value": 37, "unit": "Cel" })
    );
    assert_eq!(reading(0)["loinc"], "8310-5");
    assert_eq!(reading(1)["canonical"]["value"], 75.0695);
    assert_eq!(
        reading(2)["canonical"],
        json!({ "value": 179.07, "unit": "cm" })
    );
    assert_eq!(
        reading(3)["canonical"],
        json!({ "value": 99.1, "unit": "mg/dL" })
    );
    assert_eq!(
        reading(4)["canonical"],
        json!({ "value": 128, "diastolic": 82, "unit": "mm[Hg]" })
    );
    assert_eq!(reading(4)["interpretation"], "high");
    assert_eq!(found["derived"]["bmi"], 23.4);
    assert_eq!(found["derived"]["mean_arterial_pressure"], 97.3);
}

#[tokio::test]
async fn a_temperature_in_the_wrong_unit_is_refused_with_the_hint() {
    let (_clinic, nurse, path) = bedside().await;
    let problem = nurse
        .post(
            &path,
            set(json!([{ "kind": "temperature", "value": 98.6, "unit": "Cel" }])),
        )
        .await
        .expect_problem(422, "validation_failed");
    let error = &problem["errors"][0];
    assert_eq!(error["pointer"], "/readings/0/value");
    assert_eq!(error["code"], "impossible_value");
    let message = error["message"].as_str().expect("a sentence");
    assert!(message.contains("between 25 and 45"), "{message}");
    assert!(
        message.contains("plausible in °F: unit \"[degF]\""),
        "{message}"
    );
    // Saying that it is right does not make it possible.
    nurse
        .post(
            format!("{path}?confirm=true"),
            set(json!([{ "kind": "temperature", "value": 98.6, "unit": "Cel" }])),
        )
        .await
        .expect_problem(422, "validation_failed");
    assert_eq!(
        nurse.get(&path).await.expect(200)["items"],
        json!([]),
        "nothing was written"
    );
}

#[tokio::test]
async fn an_unusual_value_is_written_only_when_somebody_says_that_it_is_right() {
    let (_clinic, nurse, path) = bedside().await;
    let body =
        || set(json!([{ "kind": "heart_rate", "value": 210 }, { "kind": "pain", "value": 9 }]));
    let problem = nurse
        .post(&path, body())
        .await
        .expect_problem(409, "unusual_value");
    assert_eq!(
        problem["errors"].as_array().map(Vec::len),
        Some(1),
        "pain is never asked about"
    );
    assert_eq!(problem["errors"][0]["pointer"], "/readings/0/value");
    let made = nurse
        .post(format!("{path}?confirm=true"), body())
        .await
        .expect(201);
    assert_eq!(made["readings"][0]["confirmed"], true);
    assert_eq!(made["readings"][1]["confirmed"], false);
}

#[tokio::test]
async fn plausibility_depends_on_age() {
    let (_clinic, nurse, adult) = bedside().await;
    let newborn = child(&nurse, "2024-03-05", "male").await;
    let body = || {
        set(
            json!([{ "kind": "heart_rate", "value": 150 }, { "kind": "weight", "value": 3250, "unit": "g" }]),
        )
    };
    nurse.post(&newborn, body()).await.expect(201);
    let problem = nurse
        .post(&adult, body())
        .await
        .expect_problem(409, "unusual_value");
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_weight_in_the_other_unit_shows_against_the_last_one() {
    let (_clinic, nurse, path) = bedside().await;
    nurse
        .post(
            &path,
            set(json!([{ "kind": "weight", "value": 72, "unit": "kg" }])),
        )
        .await
        .expect(201);
    let later = json!({ "measured_at": "2024-05-10T09:35:00-04:00", "readings": [{ "kind": "weight", "value": 159, "unit": "kg" }] });
    let problem = nurse
        .post(&path, later)
        .await
        .expect_problem(409, "unusual_value");
    assert_eq!(problem["errors"][0]["code"], "unusual_change");
}

#[tokio::test]
async fn a_blood_pressure_has_two_numbers_that_go_together() {
    let (_clinic, nurse, path) = bedside().await;
    for (reading, pointer) in [
        (
            json!({ "kind": "blood_pressure", "systolic": 120 }),
            "/readings/0/diastolic",
        ),
        (
            json!({ "kind": "blood_pressure", "value": 120 }),
            "/readings/0/systolic",
        ),
        (
            json!({ "kind": "blood_pressure", "systolic": 80, "diastolic": 120 }),
            "/readings/0/diastolic",
        ),
    ] {
        let reply = nurse.post(&path, set(json!([reading]))).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert!(
            reply.pointers().contains(&pointer.to_owned()),
            "{}",
            reply.text
        );
    }
}

#[tokio::test]
async fn nothing_is_measured_in_the_future_before_birth_or_in_another_patients_encounter() {
    let (clinic, nurse, path) = bedside().await;
    let chart = Chart::open(&clinic).await;
    let foreign = chart.localise(json!({ "encounter_id": "x" }));
    let soon = (clinic.clock.now() + TimeDelta::hours(1)).to_rfc3339();
    for (change, code) in [
        (json!({ "measured_at": soon }), "in_the_future"),
        (
            json!({ "measured_at": "1969-12-30T12:00:00Z" }),
            "before_birth",
        ),
        (
            json!({ "measured_at": "1899-12-30T12:00:00Z" }),
            "too_early",
        ),
        (foreign, "no_such_encounter"),
    ] {
        let mut body = set(json!([{ "kind": "heart_rate", "value": 72 }]));
        body.as_object_mut()
            .expect("an object")
            .extend(change.as_object().expect("an object").clone());
        let problem = nurse
            .post(&path, body)
            .await
            .expect_problem(422, "validation_failed");
        assert_eq!(problem["errors"][0]["code"], code);
    }
}

#[tokio::test]
async fn a_reading_of_long_ago_finds_its_month() {
    let (clinic, nurse, path) = bedside().await;
    for at in [
        "1971-05-02T10:00:00Z",
        "2009-12-31T23:59:59Z",
        "2011-07-04T12:00:00.123456Z",
        "2019-02-28T12:00:00Z",
    ] {
        let made = nurse
            .post(
                format!("{path}?confirm=true"),
                json!({ "measured_at": at, "readings": [{ "kind": "heart_rate", "value": 80 }] }),
            )
            .await
            .expect(201);
        let id = made["id"].as_str().expect("an id");
        let found = nurse.get(format!("{path}/{id}")).await.expect(200);
        assert_eq!(found["measured_at"], made["measured_at"]);
    }
    let listed = nurse.get(&path).await.expect(200);
    let times: Vec<&str> = listed["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|set| set["measured_at"].as_str().expect("a time"))
        .collect();
    assert_eq!(times.len(), 4);
    assert!(times.is_sorted_by(|a, b| a > b), "newest first: {times:?}");
    let mut connection = clinic.behind_the_curtain().await;
    let partition: String = sqlx::query(
        "select tableoid::regclass::text as place from app.vitals where tenant_id = $1 and measured_at = '2011-07-04T12:00:00.123456Z'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("the row")
    .get("place");
    assert!(partition.ends_with("vitals_y2011m07"), "{partition}");
}

#[tokio::test]
async fn what_was_measured_before_1970_is_found_too() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let path = child(&nurse, "1930-01-01", "male").await;
    let made = nurse
        .post(
            &path,
            json!({ "measured_at": "1951-05-02T10:00:00Z", "readings": [{ "kind": "heart_rate", "value": 80 }] }),
        )
        .await
        .expect(201);
    let id = made["id"].as_str().expect("an id");
    assert_eq!(nurse.get(format!("{path}/{id}")).await.expect(200), made);
}

#[tokio::test]
async fn pages_go_on_where_the_last_one_ended() {
    let (_clinic, nurse, path) = bedside().await;
    for minute in 10..17 {
        nurse
            .post(
                &path,
                json!({ "measured_at": format!("2024-03-10T09:{minute}:00Z"),
                        "readings": [{ "kind": "heart_rate", "value": 70 }, { "kind": "respiratory_rate", "value": 16 }] }),
            )
            .await
            .expect(201);
    }
    let (mut seen, mut next) = (Vec::new(), format!("{path}?limit=3&kind=heart_rate"));
    loop {
        let page = nurse.get(&next).await.expect(200);
        for set in page["items"].as_array().expect("items") {
            assert_eq!(
                set["readings"].as_array().map(Vec::len),
                Some(2),
                "a set is shown whole"
            );
            seen.push(set["id"].as_str().expect("an id").to_owned());
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{path}?limit=3&kind=heart_rate&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 7, "no set twice");
    let none = nurse.get(format!("{path}?kind=weight")).await.expect(200);
    assert_eq!(none["items"], json!([]));
}

#[tokio::test]
async fn a_correction_takes_the_place_of_what_it_corrects_and_nothing_is_lost() {
    let (clinic, nurse, path) = bedside().await;
    let wrong = nurse
        .post(&path, set(json!([{ "kind": "weight", "value": 72, "unit": "kg" }, { "kind": "heart_rate", "value": 70 }])))
        .await
        .expect(201);
    let id = wrong["id"].as_str().expect("an id");
    let correction = json!({ "reason": "Wrong scale", "replacement": set(json!([{ "kind": "weight", "value": 70, "unit": "kg" }])) });
    let right = nurse
        .post(format!("{path}/{id}/correct"), correction.clone())
        .await
        .expect(200);
    assert_eq!(right["replaces"], id);
    let old = nurse.get(format!("{path}/{id}")).await.expect(200);
    for reading in old["readings"].as_array().expect("readings") {
        assert_eq!(reading["status"], "entered_in_error");
        assert_eq!(reading["error_reason"], "Wrong scale");
        assert_eq!(reading["replaced_by"], right["id"]);
    }
    assert_eq!(old["readings"][0]["value"], 72, "what was written stays");
    let listed = nurse.get(&path).await.expect(200);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(1));
    let all = nurse
        .get(format!("{path}?include_errors=true"))
        .await
        .expect(200);
    assert_eq!(all["items"].as_array().map(Vec::len), Some(2));
    let latest = nurse
        .get(format!("{path}/latest?since=2024-01-01T00:00:00Z"))
        .await
        .expect(200);
    assert_eq!(
        latest["readings"].as_array().map(Vec::len),
        Some(1),
        "an error is no latest value: {latest}"
    );
    nurse
        .post(format!("{path}/{id}/correct"), correction)
        .await
        .expect_problem(409, "vitals_withdrawn");
    let mut connection = clinic.behind_the_curtain().await;
    let changes: i64 = sqlx::query_scalar(
        "select count(*) from app.audit_log where tenant_id = $1 and table_name = 'vitals' and action = 'update'",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut connection)
    .await
    .expect("a count");
    assert_eq!(
        changes, 2,
        "what happened to the two readings is remembered"
    );
}

#[tokio::test]
async fn one_reading_of_a_set_can_be_withdrawn() {
    let (_clinic, nurse, path) = bedside().await;
    let made = nurse
        .post(
            &path,
            set(json!([{ "kind": "heart_rate", "value": 70 },
                       { "kind": "blood_pressure", "systolic": 120, "diastolic": 80 }])),
        )
        .await
        .expect(201);
    let (id, reading) = (
        made["id"].as_str().expect("an id"),
        &made["readings"][1]["id"],
    );
    let body = json!({ "reason": "Cuff too small", "reading_ids": [reading] });
    let left = nurse
        .post(format!("{path}/{id}/withdraw"), body.clone())
        .await
        .expect(200);
    assert_eq!(left["readings"][0]["status"], "final");
    assert_eq!(left["readings"][1]["status"], "entered_in_error");
    assert!(
        left["derived"]["mean_arterial_pressure"].is_null(),
        "an error is not counted with"
    );
    nurse
        .post(format!("{path}/{id}/withdraw"), body)
        .await
        .expect_problem(409, "vitals_withdrawn");
    let stranger = json!({ "reason": "x", "reading_ids": [kernel::ids::mint()] });
    nurse
        .post(format!("{path}/{id}/withdraw"), stranger)
        .await
        .expect_problem(422, "validation_failed");
}

#[tokio::test]
async fn a_patient_reads_his_own_vital_signs_and_writes_none() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let path = format!("/api/v1/patients/{}/vitals", chart.patient);
    let body = || set(json!([{ "kind": "heart_rate", "value": 70 }]));
    admin.post(&path, body()).await.expect(201);
    let own = chart.portal_user.get(&path).await.expect(200);
    assert!(!own["items"].as_array().expect("items").is_empty());
    chart
        .portal_user
        .get(format!("{path}/latest"))
        .await
        .expect(200);
    chart
        .portal_user
        .get(format!("{path}/trend"))
        .await
        .expect(200);
    chart
        .portal_user
        .post(&path, body())
        .await
        .expect_problem(403, "forbidden");
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        caller.get(&path).await.expect_problem(403, "forbidden");
    }
}

/// The database says no by itself to who got past the permission.
#[tokio::test]
async fn the_table_refuses_staff_and_billing_and_a_patient_who_writes() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let path = format!("/api/v1/patients/{}/vitals", chart.patient);
    admin
        .post(&path, set(json!([{ "kind": "heart_rate", "value": 70 }])))
        .await
        .expect(201);
    for (role, sees) in [("staff", false), ("billing", false), ("nurse", true)] {
        let mut connection = clinic.behind_the_curtain().await;
        sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
            "set role chartwell_runtime; set app.context = '{} {role} organization   '",
            clinic.id
        )))
        .execute(&mut connection)
        .await
        .expect("the runtime role");
        let count: i64 = sqlx::query_scalar("select count(*) from app.vitals where tenant_id = $1")
            .bind(clinic.id.0)
            .fetch_one(&mut connection)
            .await
            .expect("a count");
        assert_eq!(count > 0, sees, "{role}");
    }
}

#[tokio::test]
async fn everybody_who_charts_can_read_what_is_usual() {
    let clinic = TestTenant::new().await;
    let nurse = clinic.user(Role::Nurse).await;
    let kinds = nurse.get("/api/v1/vitals/kinds").await.expect(200);
    assert!(
        kinds["notice"]
            .as_str()
            .expect("a notice")
            .contains("clinician must review")
    );
    let rate = kinds["quantities"]
        .as_array()
        .expect("quantities")
        .iter()
        .find(|info| info["quantity"] == "heart_rate")
        .expect("the heart rate");
    assert_eq!(rate["possible"], json!({ "low": 10, "high": 350 }));
    assert_eq!(rate["usual"].as_array().map(Vec::len), Some(8));
}

#[tokio::test]
async fn a_weight_is_set_beside_how_tall_the_patient_was() {
    let (clinic, nurse, path) = bedside().await;
    let at = |days: i64| clinic.clock.now() - TimeDelta::days(days);
    let put = async |path: &str, days: i64, readings: Value| {
        let body = json!({ "measured_at": at(days), "readings": readings });
        nurse.post(path, body).await.expect(201)
    };
    let height = json!([{ "kind": "height", "value": 175, "unit": "cm" }]);
    let weight = json!([{ "kind": "weight", "value": 70, "unit": "kg" }]);
    let alone = put(&path, 500, weight.clone()).await;
    assert!(alone["derived"].get("bmi").is_none(), "{alone}");
    let tall = put(&path, 400, height.clone()).await;
    let weighed = put(&path, 1, weight.clone()).await;
    assert_eq!(weighed["derived"]["bmi"], 22.9);
    let measured = &tall["measured_at"];
    assert_eq!(&weighed["derived"]["bmi_height_at"], measured, "{weighed}");
    let place = format!("{path}/{}", weighed["id"].as_str().expect("an id"));
    let shown = async |path: &str| nurse.get(path).await.expect(200);
    assert_eq!(shown(&place).await["derived"], weighed["derived"]);
    let listed = shown(&path).await;
    assert_eq!(listed["items"][0]["derived"], weighed["derived"]);
    let chart = path.replace("/vitals", "/chart");
    assert_eq!(shown(&chart).await["bmi"], 22.9);

    // What was on record then, when the height was a mistake.
    let then = clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let tall = format!("{path}/{}/withdraw", tall["id"].as_str().expect("an id"));
    let why = json!({ "reason": "Another patient's" });
    nurse.post(tall, why).await.expect(200);
    assert!(shown(&place).await["derived"].get("bmi").is_none());
    assert!(shown(&chart).await.get("bmi").is_none());
    let past = shown(&format!("{place}?as_of={then}")).await;
    assert_eq!(past["derived"], weighed["derived"]);
    assert_eq!(shown(&format!("{chart}?as_of={then}")).await["bmi"], 22.9);

    // A child grows.
    let birth = at(10 * 365).date_naive().to_string();
    let young = child(&nurse, &birth, "female").await;
    let weight = json!([{ "kind": "weight", "value": 30, "unit": "kg" }]);
    let height = json!([{ "kind": "height", "value": 135, "unit": "cm" }]);
    put(&young, 60, height).await;
    let soon = put(&young, 40, weight.clone()).await;
    assert_eq!(soon["derived"]["bmi"], 16.5);
    let late = put(&young, 20, weight).await;
    assert!(late["derived"].get("bmi").is_none(), "{late}");
}

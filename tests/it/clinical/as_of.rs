//! An entry can be read as it stood at any time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use kernel::Clock;

use crate::support::{Caller, Chart, TestTenant, id};

fn now(clinic: &TestTenant) -> String {
    clinic
        .clock
        .now()
        .format("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string()
}

#[tokio::test]
async fn an_entry_is_shown_as_it_stood_before_it_was_amended() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    for (path, change) in [
        ("problems/{problem_id}", json!({ "note": "Changed" })),
        ("allergies/{allergy_id}", json!({ "note": "Changed" })),
        ("procedures/{procedure_id}", json!({ "note": "Changed" })),
        (
            "immunizations/{immunization_id}",
            json!({ "note": "Changed" }),
        ),
    ] {
        let place = chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
        let before = chart.doctor.get(&place).await.expect(200);
        let then = now(&clinic);
        let after = chart.doctor.patch(&place, 1, change).await.expect(200);
        let shown = chart.doctor.get(format!("{place}?as_of={then}")).await;
        assert_eq!(shown.headers["etag"], "\"1\"", "{path}");
        assert_eq!(shown.expect(200), before, "{path}");
        let latest = format!("{place}?as_of={}", now(&clinic));
        assert_eq!(chart.doctor.get(latest).await.expect(200), after, "{path}");
    }
}

#[tokio::test]
async fn an_encounter_is_shown_as_it_stood_before_it_was_amended() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}");
    let then = now(&clinic);
    let change = json!({ "chief_complaint": "Cough" });
    chart.doctor.patch(&place, 1, change).await.expect(200);
    let shown = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert!(shown.get("chief_complaint").is_none_or(Value::is_null));
    assert_eq!(shown["version"], 1);
}

#[tokio::test]
async fn before_it_was_recorded_there_is_no_entry() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    chart
        .doctor
        .get(format!("{place}?as_of=2001-01-01"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_past_is_not_for_patients() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    let then = now(&clinic);
    chart
        .portal_user
        .get(format!("{place}?as_of={then}"))
        .await
        .expect_problem(403, "forbidden");
}

/// The items of a list.
async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let shown = caller.get(path).await.expect(200);
    shown["items"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_note_is_shown_with_the_text_that_counted_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let notes = chart.fill("/api/v1/patients/{patient_id}/notes");
    let draft = json!({ "type": "progress", "content": { "body": "First" } });
    let made = chart.doctor.post(&notes, draft).await.expect(201);
    let place = format!("/api/v1/notes/{}", id(&made));
    let then = now(&clinic);
    let change = json!({ "content": { "body": "Second" } });
    chart.doctor.patch(&place, 1, change).await.expect(200);
    let today = chart.doctor.get(&place).await.expect(200);
    assert_eq!(today["content"]["body"], "Second");
    let past = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(past["content"]["body"], "First");
    assert_eq!(past["version"], 1);
    let retract = json!({ "reason": "Wrong chart" });
    chart
        .doctor
        .post(format!("{place}/retract"), retract)
        .await
        .expect(200);
    let drafts = format!("{notes}?status=draft&as_of={then}");
    assert_eq!(items(&chart.doctor, &drafts).await[0]["id"], made["id"]);
    let drafts = format!("{notes}?status=draft&as_of={}", now(&clinic));
    assert!(items(&chart.doctor, &drafts).await.is_empty());
    let before = format!("{place}?as_of=2001-01-01");
    chart
        .doctor
        .get(before)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_document_is_shown_with_its_label_and_content_of_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/documents/{document_id}");
    let list = chart.fill("/api/v1/patients/{patient_id}/documents");
    let before = chart.doctor.get(&place).await.expect(200);
    let content = chart.doctor.get(format!("{place}/content")).await.bytes;
    let then = now(&clinic);
    let version = before["version"].as_i64().expect("a version");
    let renamed = json!({ "title": "Renamed" });
    chart
        .doctor
        .patch(&place, version, renamed)
        .await
        .expect(200);
    let file = ("new.txt", "text/plain", &b"Another text"[..]);
    chart
        .doctor
        .file(format!("{place}/versions"), None, file)
        .await
        .expect(201);
    let past = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(past["title"], before["title"]);
    assert_eq!(past["current"]["number"], before["current"]["number"]);
    assert_eq!(past["current"]["sha256"], before["current"]["sha256"]);
    let listed = items(&chart.doctor, &format!("{list}?as_of={then}")).await;
    assert_eq!(listed[0]["title"], before["title"]);
    let of_then = chart
        .doctor
        .get(format!("{place}/content?as_of={then}"))
        .await;
    assert_eq!(of_then.bytes, content);
    let today = chart.doctor.get(format!("{place}/content")).await;
    assert_eq!(&today.bytes[..], b"Another text");
    chart
        .portal_user
        .get(format!("{place}/content?as_of={then}"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn vital_signs_that_were_withdrawn_stood_before() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/vitals/{vitals_id}");
    let list = chart.fill("/api/v1/patients/{patient_id}/vitals");
    let before = chart.doctor.get(&place).await.expect(200);
    let then = now(&clinic);
    let why = json!({ "reason": "Wrong arm" });
    chart
        .doctor
        .post(format!("{place}/withdraw"), why)
        .await
        .expect(200);
    let today = chart.doctor.get(&place).await.expect(200);
    assert_eq!(today["readings"][0]["status"], "entered_in_error");
    let past = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(past["readings"], before["readings"]);
    let ids =
        |rows: Vec<Value>| -> Vec<Value> { rows.iter().map(|row| row["id"].clone()).collect() };
    let shown = ids(items(&chart.doctor, &format!("{list}?as_of={then}")).await);
    assert!(shown.contains(&before["id"]));
    let shown = ids(items(&chart.doctor, &list).await);
    assert!(!shown.contains(&before["id"]));
    chart
        .doctor
        .get(format!("{place}?as_of=2001-01-01"))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn lists_are_shown_as_they_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let asthma = json!({ "system": "icd10cm", "code": "J45.909" });
    let mut made = BTreeMap::new();
    for (list, body) in [
        ("goals", json!({ "description": "Walk" })),
        ("care-plans", json!({ "title": "Asthma" })),
        (
            "referrals",
            json!({ "to_organization": { "name": "Lung clinic" }, "reason": "Asthma" }),
        ),
        (
            "family-history",
            json!({ "relationship": "mother", "conditions": [{ "condition": asthma }] }),
        ),
        (
            "social-history",
            json!({ "category": "smoking_status", "smoking_status": "never", "effective_at": "2025-01-01T10:00:00Z" }),
        ),
    ] {
        let entry = chart.doctor.post(of(list), body).await.expect(201);
        made.insert(list, id(&entry));
    }
    let then = now(&clinic);
    let mistake = json!({ "reason": "Another person" });
    for (list, step) in [
        ("problems", "problems/{problem_id}/entered-in-error"),
        ("allergies", "allergies/{allergy_id}/entered-in-error"),
        ("procedures", "procedures/{procedure_id}/entered-in-error"),
        (
            "immunizations",
            "immunizations/{immunization_id}/entered-in-error",
        ),
        ("goals", "goals/{made}/entered-in-error"),
        ("care-plans", "care-plans/{made}/entered-in-error"),
        ("referrals", "referrals/{made}/entered-in-error"),
        ("family-history", "family-history/{made}/entered-in-error"),
        ("social-history", "social-history/{made}/entered-in-error"),
        (
            "encounters/{encounter_id}/diagnoses",
            "encounters/{encounter_id}/diagnoses/{diagnosis_id}/entered-in-error",
        ),
    ] {
        let entry = made.get(list).map_or("", String::as_str);
        let (list, step) = (of(list), of(&step.replace("{made}", entry)));
        let before = items(&chart.doctor, &list).await;
        assert!(!before.is_empty(), "{list}");
        chart.doctor.post(step, mistake.clone()).await.expect(200);
        let today = items(&chart.doctor, &list).await;
        assert_eq!(today.len(), before.len() - 1, "{list}");
        let past = items(&chart.doctor, &format!("{list}?as_of={then}")).await;
        assert_eq!(past, before, "{list}");
        let long_ago = items(&chart.doctor, &format!("{list}?as_of=2001-01-01")).await;
        assert!(long_ago.is_empty(), "{list}");
    }
}

#[tokio::test]
async fn encounters_teams_and_statements_are_shown_as_they_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let then = now(&clinic);
    // The statement was withdrawn before; it stood, withdrawn.
    let statements = of("allergy-statements");
    let shown = items(
        &chart.doctor,
        &format!("{statements}?as_of={then}&include_withdrawn=true"),
    )
    .await;
    let statement = of("allergy-statements/{statement_id}");
    let one = chart
        .doctor
        .get(format!("{statement}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(shown, [one]);
    assert!(
        items(&chart.doctor, &format!("{statements}?as_of={then}"))
            .await
            .is_empty()
    );
    let team = of("care-team");
    let before = items(&chart.doctor, &team).await;
    let mine = before
        .iter()
        .find(|member| member["user_id"] == chart.nurse.user_id.as_str())
        .expect("the nurse is on the team");
    let place = format!("{team}/{}", id(mine));
    chart.doctor.act(format!("{place}/end")).await.expect(200);
    let today = items(&chart.doctor, &team).await;
    let past = items(&chart.doctor, &format!("{team}?as_of={then}")).await;
    assert_eq!((past.len(), today.len()), (before.len(), before.len() - 1));
    let member = chart
        .doctor
        .get(format!("{place}?as_of={then}"))
        .await
        .expect(200);
    assert!(member["valid_until"].is_null());
    let diagnosis = of("encounters/{encounter_id}/diagnoses/{diagnosis_id}");
    let was = chart.doctor.get(&diagnosis).await.expect(200);
    chart
        .doctor
        .patch(&diagnosis, 1, json!({ "rank": 7 }))
        .await
        .expect(200);
    let past = chart
        .doctor
        .get(format!("{diagnosis}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(past, was);
    let encounter = of("encounters/{encounter_id}");
    let change = json!({ "chief_complaint": "Cough" });
    chart.doctor.patch(&encounter, 1, change).await.expect(200);
    let past = items(&chart.doctor, &format!("{}?as_of={then}", of("encounters"))).await;
    assert!(
        past.iter()
            .all(|encounter| encounter.get("chief_complaint") != Some(&json!("Cough")))
    );
    assert_eq!(
        past.len(),
        items(&chart.doctor, &of("encounters")).await.len()
    );
}

#[tokio::test]
async fn a_list_of_then_is_paged_over_what_it_leaves_out() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let goals = chart.fill("/api/v1/patients/{patient_id}/goals");
    for number in 0..6 {
        let goal = json!({ "description": format!("Goal {number}") });
        let made = chart.doctor.post(&goals, goal).await.expect(201);
        if number % 2 == 1 {
            let step = format!("{goals}/{}/entered-in-error", id(&made));
            let mistake = json!({ "reason": "Twice" });
            chart.doctor.post(step, mistake).await.expect(200);
        }
    }
    let whole = format!("{goals}?as_of={}", now(&clinic));
    let all = items(&chart.doctor, &whole).await;
    let mut paged = Vec::new();
    let mut next = format!("{whole}&limit=1");
    loop {
        let page = chart.doctor.get(&next).await.expect(200);
        paged.extend(page["items"].as_array().expect("a list").clone());
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        next = format!("{whole}&limit=1&cursor={cursor}");
    }
    assert_eq!(paged, all);
    assert!(all.len() >= 3);
}

#[tokio::test]
async fn alerts_allergies_codings_and_beds_can_be_read_as_of_then() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let now = || Clock::system().now().to_rfc3339().replace("+00:00", "Z");
    let place = |of: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{of}"));
    let then = now();
    let known = chart.doctor.get(place("allergy-summary")).await.expect(200);
    let allergy = known["active"][0]["id"].as_str().expect("an id").to_owned();
    let wrong = json!({ "reason": "Another patient's" });
    chart
        .doctor
        .post(
            place(&format!("allergies/{allergy}/entered-in-error")),
            wrong,
        )
        .await
        .expect(200);
    let alert = chart.fill("/api/v1/patients/{patient_id}/clinical-alerts/{alert_id}/acknowledge");
    chart.doctor.post(alert, json!({})).await.expect(200);
    let at = |of: &str| format!("{}?as_of={then}", place(of));
    let summary = chart.doctor.get(at("allergy-summary")).await.expect(200);
    assert_eq!(summary["state"], "known");
    let ids = summary["active"].as_array().expect("a list");
    assert!(ids.iter().any(|one| one["id"] == allergy.as_str()));
    let alerts = chart.doctor.get(at("clinical-alerts")).await.expect(200);
    assert!(
        alerts["items"]
            .as_array()
            .expect("a list")
            .iter()
            .all(|one| one["status"] == "open"),
        "{alerts}"
    );
    for of in [
        "encounters/{encounter_id}/procedures",
        "encounters/{encounter_id}/bed-moves",
    ] {
        let place = place(of);
        let today = chart.doctor.get(&place).await.expect(200);
        let before = chart
            .doctor
            .get(format!("{place}?as_of={then}"))
            .await
            .expect(200);
        assert_eq!(before["items"], today["items"], "{of}");
        let nothing = chart
            .doctor
            .get(format!("{place}?as_of=2020-01-01"))
            .await
            .expect(200);
        assert_eq!(nothing["items"], json!([]), "{of}");
    }
    chart
        .portal_user
        .get(at("allergy-summary"))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn who_took_part_and_what_a_patient_could_read_is_shown_as_it_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    // Who took part.
    let participants = of("encounters/{encounter_id}/participants");
    let before = items(&chart.doctor, &participants).await.len();
    let then = now(&clinic);
    let new = json!({ "user_id": chart.nurse.user_id, "role": "other" });
    chart.doctor.post(&participants, new).await.expect(201);
    assert_eq!(items(&chart.doctor, &participants).await.len(), before + 1);
    let past = items(&chart.doctor, &format!("{participants}?as_of={then}")).await;
    assert_eq!(past.len(), before);
    let encounter = chart.fill("/api/v1/encounters/{encounter_id}");
    let long_ago = chart.doctor.get(format!("{encounter}?as_of=2001-01-01"));
    long_ago.await.expect_problem(404, "not_found");
    let shown = chart
        .doctor
        .get(format!("{encounter}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(shown["id"], chart.fill("{encounter_id}"));

    // What he could read, before it was withheld.
    let draft = json!({ "type": "progress", "content": { "body": "Released" } });
    let made = chart.doctor.post(of("notes"), draft).await.expect(201);
    let note = format!("/api/v1/notes/{}", id(&made));
    chart
        .doctor
        .post(format!("{note}/sign"), json!({ "text_number": 1 }))
        .await
        .expect(200);
    let released = of(&format!("released-notes/{}", id(&made)));
    let seen = chart.doctor.get(&released).await.expect(200);
    let then = now(&clinic);
    chart
        .doctor
        .act(format!("{note}/withhold"))
        .await
        .expect(200);
    chart
        .doctor
        .get(&released)
        .await
        .expect_problem(404, "not_found");
    let past = chart
        .doctor
        .get(format!("{released}?as_of={then}"))
        .await
        .expect(200);
    assert_eq!(past, seen);
    let list = of("released-notes");
    let listed = items(&chart.doctor, &format!("{list}?as_of={then}")).await;
    assert!(listed.contains(&seen), "{listed:?}");
    let listed = items(&chart.doctor, &format!("{list}?as_of={}", now(&clinic))).await;
    assert!(listed.iter().all(|one| one["id"] != made["id"]));
    let after = format!("{released}?as_of={}", now(&clinic));
    chart
        .doctor
        .get(after)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn the_latest_readings_and_what_was_due_are_shown_as_they_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let at = (clinic.clock.now() - chrono::TimeDelta::minutes(2)).to_rfc3339();
    let weigh = |kilograms: f64| json!({ "measured_at": at, "readings": [{ "kind": "weight", "value": kilograms, "unit": "kg" }] });
    let set = chart
        .doctor
        .post(of("vitals?confirm=true"), weigh(70.5))
        .await
        .expect(201);
    let weight = |latest: Value| {
        let readings = latest["readings"].as_array().expect("readings").iter();
        let found = readings.clone().find(|one| one["kind"] == "weight");
        found.map(|one| one["value"].clone())
    };
    let then = now(&clinic);
    let why = json!({ "reason": "Another patient" });
    let place = of(&format!("vitals/{}/withdraw", id(&set)));
    chart.doctor.post(place, why).await.expect(200);
    let today = chart.doctor.get(of("vitals/latest")).await.expect(200);
    assert_ne!(weight(today), Some(json!(70.5)));
    let path = format!("{}?as_of={then}", of("vitals/latest"));
    let past = chart.doctor.get(path).await.expect(200);
    assert_eq!(weight(past), Some(json!(70.5)));

    let status = of("immunizations/status");
    let before = chart.doctor.get(&status).await.expect(200);
    let then = now(&clinic);
    let dose = json!({ "cvx": "187", "occurred_on": "2020-01-05", "source": "patient_recall" });
    chart
        .doctor
        .post(of("immunizations"), dose)
        .await
        .expect(201);
    let path = format!("{status}?as_of={then}");
    assert_eq!(chart.doctor.get(path).await.expect(200), before);
    assert_ne!(chart.doctor.get(&status).await.expect(200), before);
}

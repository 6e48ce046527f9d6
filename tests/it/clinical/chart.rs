//! A chart shows each role what its lists would show it, of one moment, and no more than fits.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Chart, TestTenant, Wire};

fn place(chart: &Chart) -> String {
    chart.fill("/api/v1/patients/{patient_id}/chart")
}

#[tokio::test]
async fn a_doctor_sees_who_it_is_and_every_section() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let shown = chart.doctor.get(place(&chart)).await.expect(200);
    let header = &shown["patient"];
    assert_eq!(header["name"], "Pat Chart");
    assert!(header["age"].as_i64().expect("an age") >= 56);
    let years = format!("{} years", header["age"]);
    assert_eq!(header["age_in_words"], years.as_str());
    assert_eq!(header["flags"], json!([]));
    assert_eq!(header["allergies"]["state"], "known");
    assert_eq!(shown["problems"]["items"][0]["icd10cm"], "J45.909");
    assert_eq!(shown["notes"]["items"][0]["status"], "signed");
    assert_eq!(shown["documents"]["items"][0]["title"], "Chart");
    assert_eq!(shown["upcoming_encounters"]["total"], 1);
    let kinds: Vec<&str> = shown["vitals"]["items"]
        .as_array()
        .expect("vital signs")
        .iter()
        .filter_map(|vital| vital["kind"].as_str())
        .collect();
    assert!(kinds.contains(&"blood_pressure") && kinds.contains(&"respiratory_rate"));
    assert!(shown["open_alerts"]["total"].as_i64() > Some(0));
    assert_eq!(shown["care_team"]["total"], 3, "{}", shown["care_team"]);
    assert!(shown["care_team"]["items"][0]["name"].is_string());
    for section in [
        "encounters",
        "open_referrals",
        "immunizations_due",
        "care_plans",
        "goals",
        "unsigned",
    ] {
        assert!(shown[section]["items"].is_array(), "{section}: {shown}");
    }
    for imported in ["medications", "results", "open_orders", "tasks"] {
        assert_eq!(shown[imported]["items"], json!([]), "nothing was imported");
    }
    let open = shown["not_told"].to_string();
    assert!(
        open.contains("medications:") && open.contains("results:"),
        "which is not to say that nothing is taken: {open}"
    );
}

#[tokio::test]
async fn a_patient_sees_his_own_chart_without_drafts_alerts_or_what_was_not_released() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let own = chart.portal_user.get(place(&chart)).await.expect(200);
    for hidden in ["notes", "unsigned", "open_alerts"] {
        assert!(own.get(hidden).is_none(), "{hidden}");
    }
    assert_eq!(own["documents"]["total"], 0, "nothing was released");
    assert_eq!(own["released_notes"]["total"], 1);
    assert_eq!(own["problems"]["total"], 1);
}

#[tokio::test]
async fn a_nurse_sees_it_and_the_front_desk_and_billing_have_no_chart() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let nurse = chart.nurse.get(place(&chart)).await.expect(200);
    assert!(nurse["notes"]["items"].is_array() && nurse["unsigned"]["items"].is_array());
    for role in [Role::Staff, Role::Billing] {
        let caller = clinic.user(role).await;
        caller
            .get(place(&chart))
            .await
            .expect_problem(403, "forbidden");
    }
}

#[tokio::test]
async fn a_stranger_finds_no_chart() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let stranger = clinic.user(Role::Provider).await;
    stranger
        .get(place(&chart))
        .await
        .expect_problem(404, "not_found");
    let elsewhere = TestTenant::new().await.user(Role::Admin).await;
    elsewhere
        .get(place(&chart))
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_section_is_cut_and_says_how_many_there_are_and_where() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let goals = chart.fill("/api/v1/patients/{patient_id}/goals");
    for number in 0..11 {
        let goal = json!({ "description": format!("Goal {number}") });
        chart.doctor.post(&goals, goal).await.expect(201);
    }
    let shown = chart.doctor.get(place(&chart)).await.expect(200);
    let section = &shown["goals"];
    assert_eq!(section["items"].as_array().map(Vec::len), Some(8));
    assert!(section["total"].as_i64() >= Some(11));
    assert_eq!(section["more"], true);
    assert_eq!(section["items"][0]["description"], "Goal 10");
    chart
        .doctor
        .get(section["href"].as_str().expect("a place"))
        .await
        .expect(200);
}

#[tokio::test]
async fn unsigned_work_is_the_callers_own() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let draft = json!({ "type": "nursing", "content": { "body": "Slept well." } });
    let notes = chart.fill("/api/v1/patients/{patient_id}/notes");
    let made = chart.nurse.post(&notes, draft).await.expect(201);
    let nurse = chart.nurse.get(place(&chart)).await.expect(200);
    assert_eq!(nurse["unsigned"]["items"][0]["note_id"], made["id"]);
    assert_eq!(nurse["unsigned"]["items"][0]["work"], "draft");
    let doctor = chart.doctor.get(place(&chart)).await.expect(200);
    assert_eq!(doctor["unsigned"]["total"], 0);
}

#[tokio::test]
async fn a_chart_of_the_past_is_the_chart_as_it_stood() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let then = clinic
        .clock
        .now()
        .format("%Y-%m-%dT%H:%M:%S%.6fZ")
        .to_string();
    let problem = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}");
    chart
        .doctor
        .post(format!("{problem}/resolve"), json!({}))
        .await
        .expect(200);
    let now = chart.doctor.get(place(&chart)).await.expect(200);
    assert_eq!(now["problems"]["total"], 0);
    let past = format!("{}?as_of={then}", place(&chart));
    let shown = chart.doctor.get(&past).await.expect(200);
    assert_eq!(shown["problems"]["items"][0]["status"], "active");
    assert_eq!(shown["patient"]["name"], "Pat Chart");
    assert_eq!(shown["notes"]["total"], 1);
    assert_ne!(shown["vitals"]["total"], Value::from(0));
    chart
        .portal_user
        .get(&past)
        .await
        .expect_problem(403, "forbidden");
    let before = format!("{}?as_of=2001-01-01T00:00:00Z", place(&chart));
    chart
        .doctor
        .get(before)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_section_is_cut_tells_how_many_there_are_and_leads_to_all_of_them() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let goals = chart.fill("/api/v1/patients/{patient_id}/goals");
    for number in 1..=203 {
        let goal = json!({ "description": format!("Goal {number}") });
        chart.doctor.post(&goals, goal).await.expect(201);
    }
    let then = clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let past = format!("{}?as_of={then}", place(&chart));
    let later = json!({ "description": "Later" });
    chart.doctor.post(&goals, later).await.expect(201);
    for (path, shown, newest, total) in [
        (place(&chart), 8, "Later", 204),
        (past, 200, "Goal 203", 203),
    ] {
        let opened = chart.doctor.get(&path).await.expect(200);
        let section = &opened["goals"];
        let items = section["items"].as_array().expect("goals");
        assert_eq!(
            (items.len(), &items[0]["description"]),
            (shown, &json!(newest))
        );
        assert_eq!(
            (&section["total"], &section["more"]),
            (&json!(total), &json!(true))
        );
        let list = section["href"].as_str().expect("a place");
        let sign = if list.contains('?') { '&' } else { '?' };
        let (mut found, mut next) = (Vec::new(), format!("{list}{sign}limit=200"));
        loop {
            let page = chart.doctor.get(&next).await.expect(200);
            found.extend(page["items"].as_array().expect("goals").clone());
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{list}{sign}limit=200&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(found.len(), total);
        assert_eq!(found[0]["id"], items[0]["id"]);
        // Whatever has all it has says so, and every section leads somewhere.
        for (name, section) in opened.as_object().expect("a chart") {
            let Some(list) = section["href"].as_str() else {
                continue;
            };
            let all = section["items"].as_array().expect("rows").len();
            let more = section["total"].as_u64() > u64::try_from(all).ok();
            assert_eq!(section["more"], more, "{name}");
            chart.doctor.get(list).await.expect(200);
        }
    }
}

/// Somebody at a server on a wire, who has asked once, so that statements are prepared and types known.
async fn on_a_wire(clinic: &TestTenant, caller: &Caller, path: &str) -> (Caller, Wire) {
    let (router, wire) = clinic.server_on_a_wire().await;
    let token = caller.token.clone();
    let mut caller = Caller::of(router);
    caller.token = token;
    for _ in 0..2 {
        caller.get(path).await.expect(200);
    }
    wire.passed();
    (caller, wire)
}

#[tokio::test]
async fn a_chart_takes_no_more_than_six_statements_however_much_is_in_it() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (doctor, wire) = on_a_wire(&clinic, &chart.doctor, &place(&chart)).await;
    doctor.get(place(&chart)).await.expect(200);
    let few = wire.passed();
    assert!((2..=6).contains(&few), "{few} statements");
    let goals = chart.fill("/api/v1/patients/{patient_id}/goals");
    let problems = chart.fill("/api/v1/patients/{patient_id}/problems");
    for number in 0..12 {
        let goal = json!({ "description": format!("Goal {number}") });
        chart.doctor.post(&goals, goal).await.expect(201);
    }
    for code in ["E11.9", "I10"] {
        let problem = json!({ "icd10cm": code, "name": code });
        chart.doctor.post(&problems, problem).await.expect(201);
    }
    doctor.get(place(&chart)).await.expect(200);
    assert_eq!(wire.passed(), few);
    // Nor of whom nothing was measured for years, or ever.
    let nurse = &chart.nurse;
    for measured in [true, false] {
        let patient = format!("/api/v1/patients/{}", clinic.patient(nurse).await);
        if measured {
            let set = json!({ "measured_at": "2008-05-30T10:00:00Z", "readings": [{ "kind": "pain", "value": 1 }] });
            nurse
                .post(format!("{patient}/vitals"), set)
                .await
                .expect(201);
        }
        let path = format!("{patient}/chart");
        let (nurse, wire) = on_a_wire(&clinic, nurse, &path).await;
        nurse.get(path).await.expect(200);
        let statements = wire.passed();
        assert!(statements <= 6, "{statements} statements");
    }
}

#[tokio::test]
async fn a_chart_is_of_one_moment_whatever_is_written_meanwhile() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (doctor, wire) = on_a_wire(&clinic, &chart.doctor, &place(&chart)).await;
    let before = doctor.get(place(&chart)).await.expect(200);
    let statements = wire.passed();
    // Before its last statement, which reads the vital signs, both they and what was read before it change.
    let (held, release) = wire.hold(statements);
    let path = place(&chart);
    let reading = tokio::spawn(async move { doctor.get(path).await.expect(200) });
    held.await.expect("the chart is being read");
    let vitals = chart.fill("/api/v1/patients/{patient_id}/vitals");
    let pulse = json!({ "measured_at": clinic.clock.now(), "readings": [{ "kind": "heart_rate", "value": 97 }] });
    chart.doctor.post(&vitals, pulse).await.expect(201);
    let problem = chart.fill("/api/v1/patients/{patient_id}/problems/{problem_id}/resolve");
    chart.doctor.post(problem, json!({})).await.expect(200);
    release.send(()).expect("it goes on");
    let shown = reading.await.expect("a chart");
    for section in ["problems", "vitals"] {
        assert_eq!(shown[section], before[section], "{section}");
    }
    let after = chart.doctor.get(place(&chart)).await.expect(200);
    assert_eq!(after["problems"]["total"], 0);
    assert_ne!(after["vitals"], before["vitals"]);
}

#[tokio::test]
async fn who_is_seen_before_his_time_does_not_fall_out_of_the_chart() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let encounter = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}");
    let start = format!("{encounter}/start");
    chart.doctor.act(start).await.expect(200);
    let past = format!(
        "{}?as_of={}",
        place(&chart),
        clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ")
    );
    for path in [place(&chart), past] {
        let shown = chart.doctor.get(path).await.expect(200);
        let here = &shown["encounters"]["items"][0];
        assert_eq!(here["status"], "in_progress", "{here}");
    }
}

#[tokio::test]
async fn what_the_patient_asked_to_have_amended_stands_in_the_chart_until_it_is_decided() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let requests = chart.fill("/api/v1/patients/{patient_id}/amendment-requests");
    let wish = json!({ "resource": { "type": "problem", "id": chart.fill("{problem_id}") },
                       "request": "I never had it", "reason": "Another person's" });
    let asked = chart.portal_user.post(&requests, wish).await;
    let asked = asked.expect(201);
    let open = async |caller: &Caller, query: &str| {
        let shown = caller.get(format!("{}{query}", place(&chart))).await;
        shown.expect(200)["open_amendment_requests"].clone()
    };
    for caller in [&chart.doctor, &chart.nurse, &chart.portal_user] {
        let section = open(caller, "").await;
        assert_eq!(section["items"], json!([asked]), "{section}");
        let list = section["href"].as_str().expect("a place");
        let listed = caller.get(list).await.expect(200);
        assert_eq!(listed["items"], section["items"]);
    }
    let then = clinic.clock.now().format("%Y-%m-%dT%H:%M:%S%.6fZ");
    let decision = format!(
        "/api/v1/amendment-requests/{}/deny",
        asked["id"].as_str().expect("an id")
    );
    let no = json!({ "basis": "accurate_and_complete", "reason": "Confirmed twice" });
    chart.doctor.post(decision, no).await.expect(200);
    assert_eq!(open(&chart.doctor, "").await["items"], json!([]));
    let past = open(&chart.doctor, &format!("?as_of={then}")).await;
    assert_eq!(past["items"], json!([asked]), "{past}");
}

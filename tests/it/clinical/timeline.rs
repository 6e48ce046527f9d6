//! A timeline tells everything once, in the order of time, page by page.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::support::{Chart, TestTenant, admin_connection};

fn events(page: &Value) -> Vec<(String, String)> {
    let text = |event: &Value, name: &str| event[name].as_str().expect("a text").to_owned();
    page["items"]
        .as_array()
        .expect("events")
        .iter()
        .map(|event| (text(event, "type"), text(event, "at")))
        .collect()
}

#[tokio::test]
async fn pages_together_are_the_whole_the_latest_first() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/timeline");
    let whole = events(&chart.doctor.get(&place).await.expect(200));
    for kind in [
        "encounter",
        "note",
        "vitals",
        "problem",
        "allergy",
        "procedure",
        "immunization",
        "document",
        "alert",
    ] {
        assert!(
            whole.iter().any(|(shown, _)| shown == kind),
            "{kind}: {whole:?}"
        );
    }
    assert!(whole.is_sorted_by(|one, next| one.1 >= next.1), "{whole:?}");
    let (mut paged, mut next) = (Vec::new(), format!("{place}?limit=3"));
    loop {
        let page = chart.doctor.get(&next).await.expect(200);
        paged.extend(events(&page));
        match page["next_cursor"].as_str() {
            Some(cursor) => next = format!("{place}?limit=3&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn a_problem_that_began_when_it_was_recorded_and_its_onset_are_both_told() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let mut connection = admin_connection().await;
    let context = format!("set app.context = '{} system organization   '", clinic.id);
    connection
        .execute(sqlx::AssertSqlSafe(context))
        .await
        .expect("set");
    sqlx::query(
        "update app.problems set onset = '2019-07-04', recorded_at = '2019-07-04'::timestamp at time zone (
            select t.time_zone from app.tenants t where t.tenant_id = $1) where tenant_id = $1",
    )
    .bind(clinic.id.0)
    .execute(&mut connection)
    .await
    .expect("a superuser may");
    let begin =
        chart.fill("/api/v1/patients/{patient_id}/timeline?types=problem,problem_onset&limit=1");
    let now = kernel::Clock::system().now().format("%FT%T%.6fZ");
    for place in [begin.clone(), format!("{begin}&as_of={now}")] {
        let mut told = Vec::new();
        let mut next = place.clone();
        loop {
            let page = chart.doctor.get(&next).await.expect(200);
            told.extend(events(&page).into_iter().map(|(kind, _)| kind));
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("{place}&cursor={cursor}"),
                None => break,
            }
        }
        let count = |wanted: &str| told.iter().filter(|kind| *kind == wanted).count();
        assert!(count("problem") > 0, "{told:?}");
        assert_eq!(count("problem"), count("problem_onset"), "{told:?}");
    }
}

#[tokio::test]
async fn kinds_and_times_narrow_it_and_what_is_no_kind_is_refused() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/timeline");
    let some = chart
        .doctor
        .get(format!("{place}?types=note,problem"))
        .await
        .expect(200);
    assert!(
        events(&some)
            .iter()
            .all(|(kind, _)| kind == "note" || kind == "problem")
    );
    let old = chart
        .doctor
        .get(format!(
            "{place}?to=2021-01-01T00:00:00Z&from=2019-01-01T00:00:00Z"
        ))
        .await
        .expect(200);
    assert_eq!(events(&old).len(), 1, "the document of 2020: {old}");
    let reply = chart.doctor.get(format!("{place}?types=letters")).await;
    assert_eq!(reply.pointers(), ["?types"]);
    reply.expect_problem(400, "invalid_parameter");
}

#[tokio::test]
async fn a_patient_is_told_of_no_alerts_and_strangers_of_nothing() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/timeline");
    let own = events(&chart.portal_user.get(&place).await.expect(200));
    assert!(own.iter().any(|(kind, _)| kind == "note"));
    assert!(
        own.iter()
            .all(|(kind, _)| kind != "alert" && kind != "document"),
        "{own:?}"
    );
    let stranger = clinic.user(Role::Provider).await;
    stranger.get(&place).await.expect_problem(404, "not_found");
    let desk = clinic.user(Role::Staff).await;
    desk.get(&place).await.expect_problem(403, "forbidden");
}

#[tokio::test]
async fn a_day_is_told_where_it_begins_in_the_clinic_and_as_a_day() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let zone = json!({ "time_zone": "America/New_York" });
    admin.patch("/api/v1/tenant", 1, zone).await.expect(200);
    let place = |list: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{list}"));
    let problem = json!({ "icd10cm": "E11.9", "onset": "2019-07-04" });
    chart
        .doctor
        .post(place("problems"), problem)
        .await
        .expect(201);
    let goal = json!({ "description": "Walk", "starts_on": "2019-01-05" });
    chart.doctor.post(place("goals"), goal).await.expect(201);
    let timeline = place("timeline");
    let of = async |query: &str| {
        let page = chart.doctor.get(format!("{timeline}?{query}")).await;
        page.expect(200)["items"]
            .as_array()
            .expect("events")
            .clone()
    };
    let onsets = of("types=problem_onset").await;
    let onset = onsets.iter().find(|event| event["date"] == "2019-07-04");
    let onset = onset.expect("the onset");
    assert_eq!(
        (&onset["at"], &onset["date_only"]),
        (&json!("2019-07-04T04:00:00Z"), &json!(true))
    );
    let goals = of("types=goal&to=2020-01-01T00:00:00Z").await;
    assert_eq!(
        (&goals[0]["at"], &goals[0]["date"]),
        (&json!("2019-01-05T05:00:00Z"), &json!("2019-01-05"))
    );
    // The evening before is not that day.
    assert!(
        of("types=problem_onset&from=2019-07-03T00:00:00Z&to=2019-07-04T04:00:00Z")
            .await
            .is_empty()
    );
    let encounter = &of("types=encounter").await[0];
    assert_eq!(encounter["date_only"], false);
    assert!(encounter.get("date").is_none());
}

#[tokio::test]
async fn what_was_ruled_out_is_not_told_as_active() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = |list: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{list}"));
    let refuted = json!({ "verification": "refuted" });
    for (kind, path) in [
        ("problem", "problems/{problem_id}"),
        ("allergy", "allergies/{allergy_id}"),
    ] {
        let entry = place(path);
        chart
            .doctor
            .patch(entry, 1, refuted.clone())
            .await
            .expect(200);
        let timeline = place(&format!("timeline?types={kind}"));
        let shown = chart.doctor.get(timeline).await.expect(200);
        assert_eq!(shown["items"][0]["status"], "refuted", "{shown}");
    }
}

#[tokio::test]
async fn of_a_year_or_a_month_no_day_is_told() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = |list: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{list}"));
    let problem = json!({ "icd10cm": "E11.9", "onset": "2019" });
    chart
        .doctor
        .post(place("problems"), problem)
        .await
        .expect(201);
    for (kind, known, at) in [
        ("problem_onset", "2019", "2019-01-01T"),
        ("procedure", "2025-11", "2025-11-01T"),
        ("immunization", "1971", "1971-01-01T"),
        ("document", "2020-01-01", "2020-01-01T"),
    ] {
        let path = place(&format!("timeline?types={kind}"));
        let shown = chart.doctor.get(path).await.expect(200);
        let event = &shown["items"][0];
        assert_eq!(
            (&event["date"], &event["date_only"]),
            (&json!(known), &json!(true)),
            "{event}"
        );
        let told = event["at"].as_str().expect("an instant");
        assert!(told.starts_with(at), "{event}");
    }
}

#[tokio::test]
async fn that_no_allergies_are_known_is_told_as_long_as_it_stands() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = |list: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{list}"));
    let statement = json!({ "statement": "no_known_food_allergies" });
    let made = chart.doctor.post(place("allergy-statements"), statement);
    let made = made.await.expect(201);
    let then = kernel::Clock::system().now().format("%FT%T%.6fZ");
    let told = async |query: &str| {
        let path = place(&format!("timeline?types=allergy_statement{query}"));
        let shown = chart.doctor.get(path).await.expect(200);
        shown["items"].as_array().expect("events").clone()
    };
    let now = told("").await;
    let event = now.iter().find(|event| event["id"] == made["id"]);
    let event = event.expect("told");
    assert_eq!(event["title"], "no known food allergies");
    assert_eq!(event["at"], made["stated_at"]);
    let read = chart.doctor.get(event["href"].as_str().expect("a place"));
    assert_eq!(read.await.expect(200)["id"], made["id"]);

    let withdraw = place(&format!(
        "allergy-statements/{}/withdraw",
        made["id"].as_str().expect("an id")
    ));
    let reason = json!({ "reason": "He remembers a hazelnut" });
    chart.doctor.post(withdraw, reason).await.expect(200);
    let is_it = |event: &Value| event["id"] == made["id"];
    assert!(!told("").await.iter().any(is_it));
    assert!(told(&format!("&as_of={then}")).await.iter().any(is_it));
}

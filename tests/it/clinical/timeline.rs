//! A timeline tells everything once, in the order of time, page by page.

use platform::access::Role;
use serde_json::Value;

use crate::support::{Chart, TestTenant};

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

//! One form for each thing, and the permission before everything: what is nearly right is refused, not guessed at.

use axum::http::Method;
use platform::access::Role;
use serde_json::{Value, json};

use crate::promises::openapi::{example, is_form, operations};
use crate::support::{Chart, TestTenant};

/// Every object in the value turned into the array of its members, one at a time, each with where it stood.
fn positional(value: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(members) => {
            let values: Vec<Value> = members.values().cloned().collect();
            found.push((at.to_owned(), json!(values)));
            for (name, member) in members {
                positional(member, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                positional(item, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

#[tokio::test]
async fn an_array_is_never_taken_for_an_object_in_any_body_at_any_depth() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let document = chartwell::document();
    let (mut asked, mut deep) = (0, 0);
    for (path, method, operation) in operations(&document) {
        let has_role = operation["x-roles"]
            .as_array()
            .is_none_or(|roles| roles.contains(&json!("admin")));
        if method != Method::POST
            || !operation["requestBody"].is_object()
            || is_form(&operation)
            || !has_role
        {
            continue;
        }
        let body = chart.localise(example(&document, &operation).expect("an example"));
        let mut all = Vec::new();
        positional(&body, "", &mut all);
        for (pointer, array) in all {
            let mut body = body.clone();
            *body.pointer_mut(&pointer).expect("it was there") = array;
            let reply = admin
                .send(
                    method.clone(),
                    &chart.fill(&path),
                    &[],
                    Some(body.to_string()),
                )
                .await;
            let place = format!("{path} {pointer}");
            // The rows of a batch are refused one by one.
            if path.ends_with("/batch") && pointer.starts_with("/rows/") {
                let row: usize = pointer["/rows/".len()..]
                    .split('/')
                    .next()
                    .and_then(|row| row.parse().ok())
                    .expect("the number of a row");
                let rows = reply.json()["rows"].clone();
                assert_eq!(rows[row]["outcome"], "refused", "{place}: {rows}");
                asked += 1;
                continue;
            }
            assert_eq!(reply.status, 422, "{place}: {}", reply.text);
            assert_eq!(
                reply.pointers(),
                std::slice::from_ref(&pointer),
                "{place}: {}",
                reply.text
            );
            asked += 1;
            deep += usize::from(!pointer.is_empty());
        }
    }
    assert!(asked > 15 && deep > 5, "{asked} asked, {deep} of them deep");

    // A merge patch is read by another extractor.
    let reply = admin
        .patch(
            format!("/api/v1/patients/{}", chart.patient),
            1,
            json!({ "names": [["legal", "Okafor", ["Ada"]]] }),
        )
        .await;
    assert_eq!(reply.status, 422, "{}", reply.text);
    assert_eq!(reply.pointers(), ["/names/0"], "{}", reply.text);
}

#[tokio::test]
async fn a_date_has_one_form_in_bodies_and_in_parameters() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    for wrong in [
        "1990-1-1",
        " 1990-01-01",
        "+1990-01-01",
        "1990-01-01 ",
        "19900101",
        "01/01/1990",
    ] {
        let body = json!({ "names": [{ "use": "legal", "family": "Okafor", "given": ["Ada"] }], "birth_date": wrong, "sex": "female" });
        let reply = admin.post("/api/v1/patients", body).await;
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text);
        assert_eq!(reply.pointers(), ["/birth_date"], "{wrong}: {}", reply.text);
        assert!(reply.text.contains("YYYY-MM-DD"), "{}", reply.text);
        let escaped = wrong.replace('+', "%2B").replace(' ', "%20");
        for (path, name) in [
            ("/api/v1/patients?birth_date=".to_owned(), "?birth_date"),
            (format!("/api/v1/patients/{patient}?as_of="), "?as_of"),
        ] {
            let reply = admin.get(format!("{path}{escaped}")).await;
            assert_eq!(reply.pointers(), [name], "{wrong}: {}", reply.text);
            reply.expect_problem(400, "invalid_parameter");
        }
    }
    let encounters = format!("/api/v1/patients/{patient}/encounters");
    for wrong in [
        "2026-11-30T09:00:00",
        "2026-11-30 09:00:00Z",
        "2026-11-30T9:00:00Z",
        " 2026-11-30T09:00:00Z",
        "2026-11-30T09:00:00+0500",
        "2026-11-30",
    ] {
        let body = json!({ "class": "office_visit", "scheduled_start": wrong });
        let reply = admin.post(&encounters, body).await;
        assert_eq!(reply.status, 422, "{wrong}: {}", reply.text);
        assert_eq!(
            reply.pointers(),
            ["/scheduled_start"],
            "{wrong}: {}",
            reply.text
        );
        let escaped = wrong.replace('+', "%2B").replace(' ', "%20");
        let reply = admin
            .get(format!("/api/v1/audit/access?from={escaped}"))
            .await;
        assert_eq!(reply.pointers(), ["?from"], "{wrong}: {}", reply.text);
    }
}

#[tokio::test]
async fn an_id_has_one_form_and_another_names_nothing() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let patient = clinic.patient(&admin).await;
    admin
        .get(format!("/api/v1/patients/{patient}"))
        .await
        .expect(200);
    for other in [
        format!("urn:uuid:{patient}"),
        format!("%7B{patient}%7D"),
        format!("{{{patient}}}"),
        patient.replace('-', ""),
    ] {
        admin
            .get(format!("/api/v1/patients/{other}/encounters"))
            .await
            .expect_problem(404, "not_found");
        if !other.contains('{') {
            let reply = admin
                .get(format!("/api/v1/audit/access?patient_id={other}"))
                .await;
            assert_eq!(reply.pointers(), ["?patient_id"], "{}", reply.text);
        }
    }
    let reply = admin
        .get(format!(
            "/api/v1/audit/changes?resource=patients&id={}",
            patient.replace('-', "")
        ))
        .await;
    assert_eq!(reply.pointers(), ["?id"], "{}", reply.text);
}

#[tokio::test]
async fn every_path_that_is_not_served_answers_a_problem() {
    let clinic = TestTenant::new().await;
    let nobody = clinic.nobody();
    for path in [
        "/docs/nothing-here",
        "/docs/a/b.js",
        "/",
        "/api",
        "/api/v1",
        "/api/v1/patients/",
        "/nothing",
        "//",
        "/%ff",
    ] {
        for method in [Method::GET, Method::POST] {
            let reply = nobody.send(method.clone(), path, &[], None).await;
            let code = if reply.status == 405 {
                "method_not_allowed"
            } else {
                "route_not_found"
            };
            let status = reply.status.as_u16();
            assert!(
                matches!(status, 404 | 405),
                "{method} {path}: {status} {}",
                reply.text
            );
            reply.expect_problem(status, code);
        }
    }
    nobody
        .delete("/api/openapi.json")
        .await
        .expect_problem(405, "method_not_allowed");
    assert_eq!(nobody.get("/docs/").await.status, 200);
    assert_eq!(nobody.get("/api/openapi.json").await.status, 200);
}

#[tokio::test]
async fn a_body_in_another_charset_is_refused() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let send = |kind: &'static str| {
        let body = json!({ "code": "MAIN", "name": "Main", "kind": "hospital", "time_zone": "Mars/Olympus" });
        let headers = [("content-type", kind)];
        let admin = admin.clone();
        async move {
            admin
                .send(
                    Method::POST,
                    "/api/v1/facilities",
                    &headers,
                    Some(body.to_string()),
                )
                .await
        }
    };
    for kind in [
        "application/json; charset=iso-8859-1",
        "application/json; Charset=\"UTF-16\"",
        "application/json;charset=",
    ] {
        send(kind)
            .await
            .expect_problem(415, "unsupported_media_type");
    }
    for kind in [
        "application/json; charset=utf-8",
        "application/json; charset=\"UTF-8\"",
        "Application/JSON",
    ] {
        send(kind).await.expect_problem(422, "validation_failed");
    }
}

#[tokio::test]
async fn two_authorization_headers_are_one_too_many() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let other = clinic.user(Role::Patient).await;
    let second = format!("Bearer {}", other.token.expect("a token"));
    admin
        .send(
            Method::GET,
            "/api/v1/me",
            &[("authorization", &second)],
            None,
        )
        .await
        .expect_problem(401, "token_invalid");
    admin.get("/api/v1/me").await.expect(200);
}

/// The parameters an operation needs besides a period, in the chart's ids, each with an ampersand behind it.
fn other_needs(chart: &Chart, operation: &Value) -> String {
    operation["parameters"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["in"] == "query" && one["required"] == true)
        .filter_map(|one| Some((one["name"].as_str()?, one["example"].as_str()?)))
        .filter(|(name, _)| !["from", "to"].contains(name))
        .fold(String::new(), |query, (name, example)| {
            let here = chart.localise(json!({ name: example }));
            query + name + "=" + here[name].as_str().unwrap_or_default() + "&"
        })
}

#[tokio::test]
async fn a_period_that_ends_before_it_begins_is_refused() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let document = chartwell::document();
    let mut asked = 0;
    for (path, method, operation) in operations(&document) {
        let form = |name: &str| {
            let all = operation["parameters"].as_array()?;
            let one = all.iter().find(|one| one["name"] == name)?;
            one["schema"]["format"].as_str()
        };
        let (first, second) = match (form("from"), form("to")) {
            (Some("date-time"), Some("date-time")) => {
                ("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z")
            }
            (Some("date"), Some("date")) => ("2026-11-01", "2026-11-02"),
            _ => continue,
        };
        if method != Method::GET {
            continue;
        }
        let by_admin = operation["x-roles"]
            .as_array()
            .is_some_and(|roles| roles.contains(&json!("admin")));
        let caller = if by_admin { &admin } else { &chart.portal_user };
        // What else it needs, in the chart's ids.
        let path = chart.fill(&path) + "?" + &other_needs(&chart, &operation);
        let reply = caller.get(format!("{path}from={second}&to={first}")).await;
        assert_eq!(reply.pointers(), ["?to"], "{path}: {}", reply.text);
        reply.expect_problem(400, "invalid_parameter");
        caller
            .get(format!("{path}from={first}&to={second}"))
            .await
            .expect(200);
        asked += 1;
    }
    assert!(asked >= 6, "only {asked} were asked");
}

/// Whatever else is wrong with a request, who may not do it learns that, and it is on record.
#[tokio::test]
async fn the_permission_comes_before_the_body_the_query_and_the_headers() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let document = chartwell::document();
    let mut connection = clinic.behind_the_curtain().await;
    let mut asked = 0;
    for role in Role::ALL {
        let caller = clinic.user(role).await;
        for (path, method, operation) in operations(&document) {
            let Some(roles) = operation["x-roles"].as_array() else {
                continue;
            };
            if roles.contains(&json!(role.as_str())) {
                continue;
            }
            let path = format!("{}?no_such_parameter=1", chart.fill(&path));
            let body = (method != Method::GET).then(|| "{ not json".to_owned());
            let reply = caller
                .send(
                    method.clone(),
                    &path,
                    &[("content-type", "text/plain")],
                    body,
                )
                .await;
            let place = format!("{method} {path} as {}: {}", role.as_str(), reply.text);
            assert_eq!(reply.status, 403, "{place}");
            let request = reply.headers["x-request-id"].to_str().expect("an id");
            let permission = operation["x-permission"].as_str().expect("a permission");
            let (records, events): (i64, i64) = sqlx::query_as(
                "select (select count(*) from app.phi_access_log where request_id = $1::uuid and outcome = 'refused' and resource = $2),
                        (select count(*) from app.security_events where request_id = $1::uuid and kind = 'permission_refused' and reason = $2)",
            )
            .bind(request)
            .bind(permission)
            .fetch_one(&mut connection)
            .await
            .expect("the logs can be read");
            assert_eq!(records, i64::from(operation["x-phi"] == true), "{place}");
            assert_eq!(events, 1, "{place}");
            asked += 1;
        }
    }
    assert!(asked > 50, "only {asked} were asked");
}

#[tokio::test]
async fn a_number_that_would_lose_digits_is_refused_in_any_body() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = |of: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{of}"));
    let pulse = |value: &str| {
        format!(
            r#"{{"measured_at":"2026-01-05T10:00:00Z","readings":[{{"kind":"temperature","value":{value},"unit":"Cel"}}]}}"#
        )
    };
    let dose = |value: &str| {
        format!(
            r#"{{"cvx":"03","occurred_on":"1971","source":"patient_recall","dose_quantity":{value},"dose_unit":"mL"}}"#
        )
    };
    let goal = |value: &str| {
        format!(
            r#"{{"description":"Weigh less","targets":[{{"measure":{{"system":"loinc","code":"29463-7","display":"Body weight"}},"comparison":"at_most","value":{value},"unit":"kg"}}]}}"#
        )
    };
    for (path, body, pointer) in [
        (
            "vitals",
            &pulse as &dyn Fn(&str) -> String,
            "/readings/0/value",
        ),
        ("immunizations", &dose, "/dose_quantity"),
        ("goals", &goal, "/targets/0/value"),
    ] {
        for wrong in ["36.60000000000000000001", "9007199254740993"] {
            let sent = Some(body(wrong));
            let reply = chart
                .doctor
                .send(Method::POST, &place(path), &[], sent)
                .await;
            assert_eq!(reply.status, 422, "{path} {wrong}: {}", reply.text);
            assert_eq!(reply.pointers(), [pointer], "{path} {wrong}");
            assert!(reply.text.contains("too_many_digits"), "{}", reply.text);
        }
    }
    // The zeros at its end are no digits that could be lost.
    let sent = Some(dose("0.250000000000000000000000"));
    let kept = chart
        .doctor
        .send(Method::POST, &place("immunizations"), &[], sent)
        .await
        .expect(201);
    assert_eq!(kept["dose_quantity"], 0.25);
    // A merge patch is read by another extractor.
    let dose = format!(
        "{}/{}",
        place("immunizations"),
        kept["id"].as_str().expect("an id")
    );
    let headers = [
        ("content-type", "application/merge-patch+json"),
        ("if-match", "\"1\""),
    ];
    let sent = Some(r#"{"dose_quantity":0.50000000000000000001}"#.to_owned());
    let reply = chart
        .doctor
        .send(Method::PATCH, &dose, &headers, sent)
        .await;
    assert_eq!(reply.pointers(), ["/dose_quantity"], "{}", reply.text);
}

//! Allergies warn, statements deny, and the two never stand side by side.

use clinical::allergies::NewAllergy;
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Chart, TestTenant, id};

const LIST: &str = "/api/v1/patients/{patient_id}/allergies";
const STATEMENTS: &str = "/api/v1/patients/{patient_id}/allergy-statements";
const SUMMARY: &str = "/api/v1/patients/{patient_id}/allergy-summary";

fn penicillin() -> Value {
    json!({ "substance": { "kind": "drug", "code": "7984" }, "criticality": "high",
            "reactions": [{ "manifestation": "Anaphylaxis", "severity": "severe", "onset": "1998" }] })
}

/// A patient nobody has asked, with this nurse on his team.
async fn stranger(clinic: &TestTenant) -> (Caller, Chart) {
    let first = Chart::open(clinic).await;
    let chart = Chart::open_another(clinic, &first).await;
    let admin = clinic.user(Role::Admin).await;
    let member = json!({ "user_id": first.nurse.user_id, "role": "nurse" });
    admin
        .post(
            chart.fill("/api/v1/patients/{patient_id}/care-team"),
            member,
        )
        .await
        .expect(201);
    (first.nurse.clone(), chart)
}

#[tokio::test]
async fn who_was_not_asked_is_not_said_to_have_no_allergies() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let summary = nurse.get(chart.fill(SUMMARY)).await.expect(200);
    assert_eq!(
        summary,
        json!({ "state": "not_assessed", "active": [], "statements": [], "imported_not_entered": 0 })
    );
    let food = json!({ "statement": "no_known_food_allergies" });
    nurse.post(chart.fill(STATEMENTS), food).await.expect(201);
    let summary = nurse.get(chart.fill(SUMMARY)).await.expect(200);
    assert_eq!(summary["state"], "partly_assessed", "drugs were not");
    let none = json!({ "statement": "no_known_allergies" });
    let stated = nurse
        .post(chart.fill(STATEMENTS), none.clone())
        .await
        .expect(201);
    assert_eq!(stated["stated_by"], json!(nurse.user_id));
    assert!(stated["stated_at"].is_string());
    let summary = nurse.get(chart.fill(SUMMARY)).await.expect(200);
    assert_eq!(summary["state"], "none_known");
    nurse
        .post(chart.fill(STATEMENTS), none)
        .await
        .expect_problem(409, "already_stated");
}

#[tokio::test]
async fn an_allergy_contradicts_the_statement_that_there_are_none() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let none = json!({ "statement": "no_known_allergies" });
    let stated = nurse
        .post(chart.fill(STATEMENTS), none.clone())
        .await
        .expect(201);
    let refused = nurse
        .post(chart.fill(LIST), penicillin())
        .await
        .expect_problem(409, "allergy_contradicts_statement");
    assert_eq!(refused["statement_id"], stated["id"]);
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|text| text.contains("withdraw"))
    );
    let withdraw = format!("{}/{}/withdraw", chart.fill(STATEMENTS), id(&stated));
    let why = json!({ "reason": "He remembers a rash" });
    let gone = nurse.post(&withdraw, why.clone()).await.expect(200);
    assert_eq!(gone["withdrawn_by"], json!(nurse.user_id));
    nurse
        .post(&withdraw, why)
        .await
        .expect_problem(409, "illegal_transition");
    let made = nurse.post(chart.fill(LIST), penicillin()).await.expect(201);
    assert_eq!(made["substance"]["text"], "penicillin V");
    let refused = nurse
        .post(chart.fill(STATEMENTS), none.clone())
        .await
        .expect_problem(409, "statement_contradicts_allergy");
    assert!(
        refused["detail"]
            .as_str()
            .is_some_and(|text| text.contains("refute"))
    );
    let place = format!("{}/{}", chart.fill(LIST), id(&made));
    nurse
        .patch(&place, 1, json!({ "verification": "refuted" }))
        .await
        .expect(200);
    nurse.post(chart.fill(STATEMENTS), none).await.expect(201);
    nurse
        .patch(&place, 2, json!({ "verification": "confirmed" }))
        .await
        .expect_problem(409, "allergy_contradicts_statement");
}

#[tokio::test]
async fn a_statement_about_drugs_denies_drugs_and_not_food() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let none = json!({ "statement": "no_known_drug_allergies" });
    nurse.post(chart.fill(STATEMENTS), none).await.expect(201);
    let peanut = json!({ "substance": { "kind": "food", "text": "Peanut" } });
    nurse.post(chart.fill(LIST), peanut).await.expect(201);
    for drug in [
        penicillin(),
        json!({ "substance": { "kind": "drug_class", "code": "penicillin" } }),
    ] {
        nurse
            .post(chart.fill(LIST), drug)
            .await
            .expect_problem(409, "allergy_contradicts_statement");
    }
    let food = json!({ "statement": "no_known_food_allergies" });
    nurse
        .post(chart.fill(STATEMENTS), food)
        .await
        .expect_problem(409, "statement_contradicts_allergy");
}

#[tokio::test]
async fn an_allergy_and_its_denial_at_once_are_never_both_kept() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let none = json!({ "statement": "no_known_allergies" });
    let (list, statements) = (chart.fill(LIST), chart.fill(STATEMENTS));
    let (allergy, statement) = tokio::join!(
        nurse.post(&list, penicillin()),
        nurse.post(&statements, none)
    );
    let mut statuses = [allergy.status.as_u16(), statement.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409], "{} {}", allergy.text, statement.text);
}

#[tokio::test]
async fn the_same_substance_warns_once() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let list = chart.fill(LIST);
    let first = nurse.post(&list, penicillin()).await.expect(201);
    let refused = nurse
        .post(&list, penicillin())
        .await
        .expect_problem(409, "allergy_already_active");
    assert_eq!(refused["allergy_id"], first["id"]);
    let food = |text: &str| json!({ "substance": { "kind": "food", "text": text } });
    nurse.post(&list, food("Peanut")).await.expect(201);
    nurse
        .post(&list, food(" PEANUT"))
        .await
        .expect_problem(409, "allergy_already_active");
    nurse.post(&list, food("Cashew")).await.expect(201);
    let place = format!("{list}/{}", id(&first));
    nurse
        .patch(&place, 1, json!({ "status": "resolved" }))
        .await
        .expect(200);
    nurse.post(&list, penicillin()).await.expect(201);
    nurse
        .patch(&place, 2, json!({ "status": "active" }))
        .await
        .expect_problem(409, "allergy_already_active");
}

#[tokio::test]
async fn the_bedside_sees_the_dangerous_ones_first_and_no_mistakes() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let list = chart.fill(LIST);
    nurse.post(&list, penicillin()).await.expect(201);
    let dust =
        json!({ "substance": { "kind": "environment", "text": "Dust" }, "criticality": "low" });
    let dust = nurse.post(&list, dust).await.expect(201);
    let summary = nurse.get(chart.fill(SUMMARY)).await.expect(200);
    let shown: Vec<&Value> = summary["active"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["substance"]["text"])
        .collect();
    assert_eq!(shown, ["penicillin V", "Dust"]);
    nurse
        .post(
            format!("{list}/{}/entered-in-error", id(&dust)),
            json!({ "reason": "Another patient" }),
        )
        .await
        .expect(200);
    let summary = nurse.get(chart.fill(SUMMARY)).await.expect(200);
    assert_eq!(summary["active"].as_array().map(Vec::len), Some(1));
    let history = nurse
        .get(format!("{list}/{}/history", id(&dust)))
        .await
        .expect(200);
    assert_eq!(history["items"][0]["change"], "entered_in_error");
}

#[tokio::test]
async fn a_substance_is_known_by_its_code_and_an_unknown_class_names_the_nearest() {
    let clinic = TestTenant::new().await;
    let (nurse, chart) = stranger(&clinic).await;
    let list = chart.fill(LIST);
    let class = json!({ "substance": { "kind": "drug_class", "code": "cephalosporin" } });
    let made = nurse.post(&list, class).await.expect(201);
    assert_eq!(made["substance"]["text"], "Cephalosporins");
    let misspelt = json!({ "substance": { "kind": "drug_class", "code": "penicilin" } });
    let reply = nurse.post(&list, misspelt).await;
    assert_eq!(reply.pointers(), ["/substance/code"]);
    assert_eq!(reply.json()["nearest"][0]["code"], "penicillin");
    for (substance, pointer) in [
        (json!({ "kind": "drug", "code": "abc" }), "/substance/code"),
        (json!({ "kind": "drug" }), "/substance/text"),
        (json!({ "kind": "weapon", "text": "x" }), "/substance/kind"),
    ] {
        let reply = nurse.post(&list, json!({ "substance": substance })).await;
        assert_eq!(reply.status, 422, "{}", reply.text);
        assert_eq!(reply.pointers(), [pointer], "{}", reply.text);
    }
}

#[tokio::test]
async fn nurses_and_providers_record_and_the_others_read_or_not_even_that() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    chart
        .doctor
        .post(chart.fill(LIST), penicillin())
        .await
        .expect(201);
    for reader in [&chart.portal_user, &clinic.user(Role::Admin).await] {
        reader.get(chart.fill(LIST)).await.expect(200);
        reader.get(chart.fill(SUMMARY)).await.expect(200);
        let refused = reader.post(chart.fill(LIST), penicillin()).await;
        refused.expect_problem(403, "forbidden");
    }
    let staff = clinic.user(Role::Staff).await;
    let refused = staff.get(chart.fill(LIST)).await;
    refused.expect_problem(403, "forbidden");
}

/// One of each that can be said; `null` is said, too, as in a row.
fn said(members: &[(&str, &[Value])]) -> Vec<Value> {
    let mut all = vec![
        json!({ "substance": { "kind": "environment", "text": "Latex" }, "kind": "allergy", "severity": null,
                               "criticality": "low", "status": "active", "verification": "confirmed", "onset": null,
                               "note": null, "reactions": [] }),
    ];
    for (member, values) in members {
        all = all
            .iter()
            .flat_map(|one| {
                values.iter().map(|value| {
                    let mut one = one.clone();
                    one[*member] = value.clone();
                    one
                })
            })
            .collect();
    }
    all
}

/// The rule is said twice: an import follows the server's, a merge the database's.
#[tokio::test]
async fn of_two_that_name_one_allergy_server_and_database_find_the_same_worse() {
    let words = |words: &[&str]| words.iter().map(|word| json!(word)).collect::<Vec<_>>();
    let mut severities = words(&["mild", "moderate", "severe"]);
    severities.push(Value::Null);
    let mut onsets = words(&[
        "2018",
        "2019",
        "2019-03",
        "2019-03-04",
        "2019-04",
        "2020-01",
    ]);
    onsets.push(Value::Null);
    let worse = said(&[
        ("kind", &words(&["allergy", "intolerance", "unknown"])),
        ("severity", &severities),
        ("criticality", &words(&["low", "high", "unable_to_assess"])),
        ("verification", &words(&["unconfirmed", "confirmed"])),
    ]);
    let earlier = said(&[
        ("onset", &onsets),
        ("status", &words(&["active", "inactive", "resolved"])),
    ]);
    let pairs: Vec<(&Value, &Value)> = [&worse, &earlier]
        .into_iter()
        .flat_map(|all| {
            all.iter()
                .flat_map(move |one| all.iter().map(move |other| (one, other)))
        })
        .collect();
    let clinic = TestTenant::new().await;
    let found: Value = sqlx::query_scalar(
        "select jsonb_agg(app.taken_over('allergies', pair -> 0, pair -> 1) order by place)
           from jsonb_array_elements($1) with ordinality as pairs (pair, place)",
    )
    .bind(json!(pairs))
    .fetch_one(&mut clinic.behind_the_curtain().await)
    .await
    .expect("what is taken over");
    let found = found.as_array().expect("one of each pair");
    assert_eq!(found.len(), pairs.len());
    let read =
        |said: &Value| -> NewAllergy { serde_json::from_value(said.clone()).expect("an allergy") };
    for ((own, other), found) in pairs.iter().zip(found) {
        let (both, fits) = read(own).and(&read(other));
        let both = json!(both);
        let members = own.as_object().expect("members").keys();
        let changed: serde_json::Map<String, Value> = members
            .filter(|member| !["substance", "reactions"].contains(&member.as_str()))
            .filter(|member| both[*member] != own[*member])
            .map(|member| (member.clone(), both[member].clone()))
            .collect();
        assert!(fits);
        assert_eq!(found, &Value::Object(changed), "{own} and {other}");
    }
}

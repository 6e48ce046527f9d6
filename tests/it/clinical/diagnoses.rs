//! Diagnoses of an encounter: ranked, coded, read by billing, promoted to the problem list.

use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Chart, TestTenant, id};

#[tokio::test]
async fn a_rank_and_a_code_stand_once_among_the_live_diagnoses_of_an_encounter() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses");
    let doctor = &chart.doctor;
    doctor
        .post(&list, json!({ "icd10cm": "I10", "rank": 1 }))
        .await
        .expect_problem(409, "rank_taken");
    let made = doctor
        .post(
            &list,
            json!({ "icd10cm": "I10", "present_on_admission": "Y" }),
        )
        .await
        .expect(201);
    assert_eq!(
        (&made["rank"], &made["present_on_admission"]),
        (&json!(2), &json!("Y"))
    );
    doctor
        .post(&list, json!({ "icd10cm": "I10" }))
        .await
        .expect_problem(409, "diagnosis_already_coded");
    let place = format!("{list}/{}", id(&made));
    doctor
        .patch(&place, 1, json!({ "rank": 1 }))
        .await
        .expect_problem(409, "rank_taken");
    doctor
        .post(
            format!("{place}/entered-in-error"),
            json!({ "reason": "Not he" }),
        )
        .await
        .expect(200);
    let again = json!({ "icd10cm": "I10", "rank": 2, "present_on_admission": "exempt" });
    doctor.post(&list, again).await.expect(201);
    let shown = doctor.get(&list).await.expect(200);
    let ranks: Vec<&Value> = shown["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| &one["rank"])
        .collect();
    assert_eq!(ranks, [&json!(1), &json!(2)]);
}

#[tokio::test]
async fn a_diagnosis_is_promoted_once_and_linked_where_the_problem_stands_already() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let list = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses");
    let problems = chart.fill("/api/v1/patients/{patient_id}/problems");
    let doctor = &chart.doctor;
    let made = id(&doctor
        .post(&list, json!({ "icd10cm": "I10" }))
        .await
        .expect(201));
    let how = json!({ "status": "chronic", "onset": "2024" });
    let promoted = doctor
        .post(format!("{list}/{made}/promote"), how.clone())
        .await
        .expect(200);
    let problem = promoted["problem_id"]
        .as_str()
        .expect("a problem")
        .to_owned();
    let problem = doctor
        .get(format!("{problems}/{problem}"))
        .await
        .expect(200);
    assert_eq!(
        (
            &problem["icd10cm"],
            &problem["status"],
            &problem["onset"],
            &problem["encounter_id"]
        ),
        (
            &json!("I10"),
            &json!("chronic"),
            &json!("2024"),
            &promoted["encounter_id"]
        )
    );
    doctor
        .post(format!("{list}/{made}/promote"), how.clone())
        .await
        .expect_problem(409, "already_promoted");
    let known = doctor
        .post(&problems, json!({ "icd10cm": "E78.5" }))
        .await
        .expect(201);
    let coded = id(&doctor
        .post(&list, json!({ "icd10cm": "E78.5" }))
        .await
        .expect(201));
    let linked = doctor
        .post(format!("{list}/{coded}/promote"), how)
        .await
        .expect(200);
    assert_eq!(linked["problem_id"], known["id"]);
}

#[tokio::test]
async fn billing_reads_what_is_coded_on_encounters_and_nothing_else() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let billing = clinic.user(Role::Billing).await;
    let diagnoses = billing
        .get(chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses"))
        .await
        .expect(200);
    assert_eq!(diagnoses["items"][0]["icd10cm"], "R07.9");
    let procedures = billing
        .get(chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/procedures"))
        .await
        .expect(200);
    assert_eq!(procedures["items"][0]["code"], "G0439");
    for closed in [
        "problems",
        "allergies",
        "allergy-summary",
        "procedures",
        "immunizations",
    ] {
        billing
            .get(chart.fill(&format!("/api/v1/patients/{{patient_id}}/{closed}")))
            .await
            .expect_problem(403, "forbidden");
    }
    let place = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses");
    billing
        .post(place, json!({ "icd10cm": "I10" }))
        .await
        .expect_problem(403, "forbidden");
}

#[tokio::test]
async fn an_encounter_of_another_patient_is_none_and_one_that_was_cancelled_takes_no_diagnosis() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let other = Chart::open_another(&clinic, &chart).await;
    let admin = clinic.user(Role::Admin).await;
    let member = json!({ "user_id": chart.doctor.user_id, "role": "consulting" });
    admin
        .post(
            other.fill("/api/v1/patients/{patient_id}/care-team"),
            member,
        )
        .await
        .expect(201);
    let theirs = other.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}/diagnoses");
    let body = json!({ "icd10cm": "I10" });
    chart
        .doctor
        .post(&theirs, body.clone())
        .await
        .expect_problem(404, "not_found");
    chart
        .doctor
        .get(&theirs)
        .await
        .expect_problem(404, "not_found");
    let encounter = chart.fill("/api/v1/patients/{patient_id}/encounters/{encounter_id}");
    admin
        .post(format!("{encounter}/cancel"), json!({ "reason": "Better" }))
        .await
        .expect(200);
    chart
        .doctor
        .post(format!("{encounter}/diagnoses"), body)
        .await
        .expect_problem(409, "encounter_closed");
}

#[tokio::test]
async fn a_visit_to_come_has_a_diagnosis_only_where_it_is_planned_for_one() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let doctor = &chart.doctor;
    let visits = chart.fill("/api/v1/patients/{patient_id}/encounters");
    let begins = clinic.clock.now() + chrono::TimeDelta::hours(1);
    let cough = json!({ "icd10cm": "J20.9" });
    for (class, planned_for_one) in [
        ("office_visit", false),
        ("telemedicine", false),
        ("consultation", false),
        ("emergency", false),
        ("inpatient", true),
        ("procedure", true),
    ] {
        let visit = json!({ "class": class, "scheduled_start": begins });
        let visit = id(&doctor.post(&visits, visit).await.expect(201));
        let place = format!("{visits}/{visit}/diagnoses");
        let reply = doctor.post(&place, cough.clone()).await;
        if planned_for_one {
            reply.expect(201);
            continue;
        }
        let problem = reply.expect_problem(409, "encounter_not_begun");
        assert_eq!(problem["status"], 409);
        assert_eq!(problem["encounter_status"], "scheduled", "{class}");
        let start = format!("{visits}/{visit}/start");
        doctor.act(start).await.expect(200);
        doctor.post(&place, cough.clone()).await.expect(201);
    }
}

//! What a patient asked to have amended goes with the entry (45 CFR 164.526).

use serde_json::{Value, json};

use super::notes::Ward;
use super::notes_work::asker;

#[tokio::test]
async fn a_request_and_its_denial_go_with_the_entry_wherever_it_is_read() {
    let ward = Ward::open().await;
    let (chart, me, _) = asker(&ward).await;
    let requests = format!("/api/v1/patients/{}/amendment-requests", chart.patient);
    let of = |path: &str| chart.fill(&format!("/api/v1/patients/{{patient_id}}/{path}"));
    let made = async |list: &str, body: Value| {
        let entry = ward.doctor.post(of(list), body).await.expect(201);
        let id = entry["id"].as_str().expect("an id").to_owned();
        // Of what is still being thought about he knows nothing.
        if matches!(list, "care-plans" | "goals") {
            let (step, active) = (format!("{list}/{id}/status"), json!({ "status": "active" }));
            ward.doctor.post(of(&step), active).await.expect(200);
        }
        id
    };
    let asthma = json!({ "system": "icd10cm", "code": "J45.909" });
    let family = json!({ "relationship": "mother", "conditions": [{ "condition": asthma }] });
    let social = json!({ "category": "smoking_status", "smoking_status": "never", "effective_at": "2025-01-01T10:00:00Z" });
    let entries = [
        ("problem", "problems", chart.fill("{problem_id}")),
        ("allergy", "allergies", chart.fill("{allergy_id}")),
        ("procedure", "procedures", chart.fill("{procedure_id}")),
        (
            "immunization",
            "immunizations",
            chart.fill("{immunization_id}"),
        ),
        (
            "family_history",
            "family-history",
            made("family-history", family).await,
        ),
        (
            "social_history",
            "social-history",
            made("social-history", social).await,
        ),
        (
            "care_plan",
            "care-plans",
            made("care-plans", json!({ "title": "Asthma" })).await,
        ),
        (
            "goal",
            "goals",
            made("goals", json!({ "description": "Walk" })).await,
        ),
        ("document", "documents", chart.fill("{document_id}")),
    ];
    ward.doctor
        .act(chart.fill("/api/v1/documents/{document_id}/release"))
        .await
        .expect(200);
    let now = || {
        let now = ward.clinic.clock.now();
        now.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
    };
    for (kind, list, id) in entries {
        let single = match kind {
            "document" => format!("/api/v1/documents/{id}"),
            _ => of(&format!("{list}/{id}")),
        };
        let untouched = ward.doctor.get(&single).await.expect(200);
        assert!(untouched.get("amendment_requests").is_none(), "{untouched}");
        let wish = json!({ "resource": { "type": kind, "id": id }, "request": "Not mine", "reason": "mixed up" });
        let asked = me.post(&requests, wish).await.expect(201);
        let place = format!(
            "/api/v1/amendment-requests/{}",
            asked["id"].as_str().expect("an id")
        );
        let then = now();
        let no = json!({ "basis": "accurate_and_complete", "reason": "as said" });
        ward.doctor
            .post(format!("{place}/deny"), no)
            .await
            .expect(200);
        me.post(
            format!("{place}/disagree"),
            json!({ "statement": "I know better" }),
        )
        .await
        .expect(200);
        for reader in [&ward.doctor, &me] {
            let read = reader.get(&single).await.expect(200);
            let page = reader.get(of(list)).await.expect(200);
            let items = page["items"].as_array().expect("items").iter();
            let listed = items.clone().find(|one| one["id"] == id.as_str());
            for seen in [&read, listed.expect("on the list")] {
                let told = &seen["amendment_requests"][0];
                assert_eq!(told["status"], "denied", "{kind}: {seen}");
                assert_eq!(told["decision"], "as said");
                assert_eq!(told["disagreement"], "I know better");
            }
        }
        // As of then it was asked, and nothing was decided.
        for path in [
            format!("{single}?as_of={then}"),
            format!("{}?as_of={then}", of(list)),
        ] {
            let shown = ward.doctor.get(&path).await.expect(200).to_string();
            assert!(
                shown.contains("\"requested\"") && !shown.contains("I know better"),
                "{path}: {shown}"
            );
        }
        let before = ward
            .doctor
            .get(format!("{place}?as_of={then}"))
            .await
            .expect(200);
        assert_eq!(before["status"], "requested");
        let listed = ward
            .doctor
            .get(format!("{requests}?as_of={then}&about={id}"))
            .await
            .expect(200);
        assert_eq!(listed["items"][0]["status"], "requested", "{listed}");
    }
}

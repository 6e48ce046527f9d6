//! Whoever is sent a referral may open the chart: until it is answered with no or ends, and thirty days beyond one that was
//! completed.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, Chart, TestTenant, id};

struct Referred {
    clinic: TestTenant,
    chart: Chart,
    admin: Caller,
    consultant: Caller,
    provider: String,
}

impl Referred {
    async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let chart = Chart::open(&clinic).await;
        let admin = clinic.user(Role::Admin).await;
        let consultant = clinic.user(Role::Provider).await;
        let body =
            json!({ "user_id": consultant.user_id, "given_name": "Con", "family_name": "Sultant" });
        let provider = id(&admin.post("/api/v1/providers", body).await.expect(201));
        Self {
            clinic,
            chart,
            admin,
            consultant,
            provider,
        }
    }

    fn place(&self, of: &str) -> String {
        format!("/api/v1/patients/{}/{of}", self.chart.patient)
    }

    /// A referral to the consultant that was sent; its path.
    async fn sent(&self) -> String {
        let referrals = self.place("referrals");
        let body = json!({ "to_provider_id": self.provider, "reason": "Murmur" });
        let made = self.chart.doctor.post(&referrals, body).await.expect(201);
        let place = format!("{referrals}/{}", id(&made));
        assert!(!self.opens().await, "a draft opens nothing");
        let sent = self.chart.doctor.act(format!("{place}/send")).await;
        sent.expect(200);
        place
    }

    async fn opens(&self) -> bool {
        let reply = self.consultant.get(self.place("chart")).await;
        if reply.status != 200 {
            reply.expect_problem(404, "not_found");
            return false;
        }
        true
    }

    /// The consultant's memberships that run.
    async fn memberships(&self) -> Vec<Value> {
        let team = self.admin.get(self.place("care-team")).await.expect(200);
        let members = team["items"].as_array().expect("a team").iter();
        members
            .filter(|one| one["user_id"] == self.consultant.user_id.as_str())
            .cloned()
            .collect()
    }

    /// Signs a consultation; its id.
    async fn answer(&self) -> String {
        let note = json!({ "type": "consultation", "content": { "body": "Innocent." } });
        let made = self.consultant.post(self.place("notes"), note).await;
        let note = id(&made.expect(201));
        let sign = format!("/api/v1/notes/{note}/sign");
        let signed = self.consultant.post(sign, json!({ "text_number": 1 }));
        signed.await.expect(200);
        note
    }
}

#[tokio::test]
async fn a_referral_that_is_declined_cancelled_or_an_error_closes_the_chart_at_once() {
    for end in ["decline", "cancel", "entered-in-error"] {
        let ward = Referred::new().await;
        let place = ward.sent().await;
        assert!(ward.opens().await, "he is asked");
        let who = if end == "decline" {
            &ward.consultant
        } else {
            &ward.chart.doctor
        };
        let answer = who.post(format!("{place}/{end}"), json!({ "reason": "Not mine" }));
        let answer = answer.await.expect(200);
        assert_eq!(
            answer["version"], 3,
            "the answer is his last look: {answer}"
        );
        assert!(!ward.opens().await, "{end}");
        assert!(ward.memberships().await.is_empty(), "{end}");
    }
}

#[tokio::test]
async fn one_that_was_completed_leaves_a_month() {
    let ward = Referred::new().await;
    let place = ward.sent().await;
    let accepted = ward.consultant.act(format!("{place}/accept")).await;
    accepted.expect(200);
    let open = ward.memberships().await;
    assert_eq!(
        (&open[0]["source"], &open[0]["valid_until"]),
        (&json!("referral"), &Value::Null),
        "it runs"
    );
    let note = ward.answer().await;
    let done = ward
        .consultant
        .post(
            format!("{place}/complete"),
            json!({ "consult_note_id": note }),
        )
        .await
        .expect(200);
    assert_eq!(done["status"], "completed");
    assert!(ward.opens().await);
    let team = ward.memberships().await;
    let until: DateTime<Utc> = team[0]["valid_until"]
        .as_str()
        .expect("an end")
        .parse()
        .expect("a time");
    let left = until - ward.clinic.clock.now() + TimeDelta::hours(1);
    assert_eq!(left.num_days(), 30);
    let why = json!({ "reason": "Another patient" });
    let wrong = ward
        .chart
        .doctor
        .post(format!("{place}/entered-in-error"), why);
    wrong.await.expect(200);
    assert!(!ward.opens().await);
}

#[tokio::test]
async fn another_referral_and_another_membership_keep_the_chart_open() {
    let ward = Referred::new().await;
    let (first, why) = (ward.sent().await, json!({ "reason": "Twice" }));
    let body = json!({ "to_provider_id": ward.provider, "reason": "Fainted" });
    let second = ward.chart.doctor.post(ward.place("referrals"), body);
    let second = format!(
        "{}/{}",
        ward.place("referrals"),
        id(&second.await.expect(201))
    );
    ward.chart
        .doctor
        .act(format!("{second}/send"))
        .await
        .expect(200);
    assert_eq!(ward.memberships().await.len(), 1, "one for both");
    ward.chart
        .doctor
        .post(format!("{first}/cancel"), why.clone())
        .await
        .expect(200);
    assert!(ward.opens().await, "the other runs");
    let member = json!({ "user_id": ward.consultant.user_id, "role": "consulting" });
    ward.admin
        .post(ward.place("care-team"), member)
        .await
        .expect(201);
    ward.chart
        .doctor
        .post(format!("{second}/cancel"), why)
        .await
        .expect(200);
    assert!(ward.opens().await, "somebody has put him on the team");
    assert_eq!(ward.memberships().await[0]["source"], "assigned");
}

#[tokio::test]
async fn a_merge_that_is_taken_back_leaves_each_registration_its_referrals() {
    let ward = Referred::new().await;
    let place = ward.sent().await;
    let survivor = ward.clinic.patient(&ward.admin).await;
    let merged = ward.chart.patient.clone();
    let body = json!({ "duplicate_id": merged, "reason": "The same passport" });
    let merge = format!("/api/v1/patients/{survivor}/merge");
    ward.admin.post(merge, body).await.expect(200);
    let moved = place.replace(&merged, &survivor);
    ward.consultant.get(&moved).await.expect(200);
    let why = json!({ "reason": "Not mine" });
    ward.consultant
        .post(format!("{moved}/decline"), why.clone())
        .await
        .expect(200);
    ward.consultant
        .get(&moved)
        .await
        .expect_problem(404, "not_found");
    let unmerge = format!("/api/v1/patients/{merged}/unmerge");
    ward.admin.post(unmerge, why).await.expect(200);
    assert!(!ward.opens().await, "declined is declined");
    ward.consultant
        .get(&moved)
        .await
        .expect_problem(404, "not_found");
}

#[tokio::test]
async fn whoever_calls_off_the_visit_that_gave_him_the_chart_has_his_answer() {
    let ward = Referred::new().await;
    let start = ward.clinic.clock.now() + TimeDelta::days(3);
    let body = json!({ "class": "consultation", "scheduled_start": start, "attending_provider_id": ward.provider });
    let made = ward
        .admin
        .post(ward.place("encounters"), body)
        .await
        .expect(201);
    assert!(ward.opens().await);
    let cancel = format!("{}/{}/cancel", ward.place("encounters"), id(&made));
    let done = ward
        .consultant
        .post(cancel, json!({ "reason": "On leave" }))
        .await
        .expect(200);
    assert_eq!(done["status"], "cancelled");
    assert!(!ward.opens().await);
}

#[tokio::test]
async fn an_answer_that_was_an_error_has_closed_nothing() {
    let ward = Referred::new().await;
    let place = ward.sent().await;
    ward.consultant
        .act(format!("{place}/accept"))
        .await
        .expect(200);
    let complete = async |with: Value| {
        let path = format!("{place}/complete");
        let done = ward.consultant.post(path, with).await.expect(200);
        assert_eq!(done["status"], "completed");
    };
    let reopened = async |status: &str, by: &Caller| {
        let open = ward.chart.doctor.get(&place).await.expect(200);
        let named = ["consult_note_id", "consult_document_id", "closed_at"];
        let named = named.map(|member| open[member].clone());
        assert_eq!(open["status"], status, "{open}");
        assert_eq!(named, [Value::Null, Value::Null, Value::Null], "{open}");
        let last: String = sqlx::query_scalar(
            "select user_id::text from app.audit_log where tenant_id = $1 and table_name = 'referrals' order by at desc limit 1",
        )
        .bind(ward.clinic.id.0)
        .fetch_one(&mut ward.clinic.behind_the_curtain().await)
        .await
        .expect("a history");
        assert_eq!(last, by.user_id);
        let team = ward.memberships().await;
        assert_eq!(team[0]["valid_until"], Value::Null, "it runs again");
    };
    let why = json!({ "reason": "Another patient's" });
    let note = ward.answer().await;
    complete(json!({ "consult_note_id": note })).await;
    let retract = format!("/api/v1/notes/{note}/retract");
    ward.consultant.post(retract, why.clone()).await.expect(200);
    reopened("accepted", &ward.consultant).await;

    let when = json!({ "scheduled_for": "2027-01-20T15:00:00Z" });
    let seen = ward.chart.doctor.post(format!("{place}/schedule"), when);
    seen.await.expect(200);
    let label = json!({ "category": "clinical", "kind": "consultation_report", "title": "Cardiology", "document_date": "2026-01-15" });
    let letter = ("letter.txt", "text/plain", &b"Innocent."[..]);
    let letter = ward
        .consultant
        .file(ward.place("documents"), Some(&label), letter);
    let letter = id(&letter.await.expect(201));
    complete(json!({ "consult_document_id": letter })).await;
    // A nurse may take the letter back, and writes no referrals.
    let wrong = format!("/api/v1/documents/{letter}/entered-in-error");
    ward.chart.nurse.post(wrong, why).await.expect(200);
    reopened("scheduled", &ward.chart.nurse).await;
}

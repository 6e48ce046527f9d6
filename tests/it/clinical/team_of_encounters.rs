//! Who treats somebody may open the chart: as long as the encounter is planned or lasts, and thirty days beyond.

use chrono::{DateTime, TimeDelta, Utc};
use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::support::{Caller, TestTenant, id};

/// A clinic, its admin, and a patient nobody is on the team of.
struct Ward {
    clinic: TestTenant,
    admin: Caller,
    chart: String,
}

impl Ward {
    async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let admin = clinic.user(Role::Admin).await;
        let chart = format!("/api/v1/patients/{}", clinic.patient(&admin).await);
        Self {
            clinic,
            admin,
            chart,
        }
    }

    /// A provider with an account, and his id as a provider.
    async fn doctor(&self) -> (Caller, String) {
        let doctor = self.clinic.user(Role::Provider).await;
        let body =
            json!({ "user_id": doctor.user_id, "given_name": "Ada", "family_name": "Lovelace" });
        let made = self.admin.post("/api/v1/providers", body).await.expect(201);
        (doctor, id(&made))
    }

    /// A nurse of the staff.
    async fn nurse(&self) -> Caller {
        let nurse = self.clinic.user(Role::Nurse).await;
        let body = json!({ "user_id": nurse.user_id, "kind": "nurse" });
        self.admin.post("/api/v1/staff", body).await.expect(201);
        nurse
    }

    /// Schedules a visit, so many days from now; returns its path.
    async fn visit(&self, days: i64, attending: &str) -> String {
        let start = self.clinic.clock.now() + TimeDelta::days(days);
        let body = json!({ "class": "inpatient", "scheduled_start": start, "attending_provider_id": attending });
        let made = self
            .admin
            .post(format!("{}/encounters", self.chart), body)
            .await
            .expect(201);
        format!("{}/encounters/{}", self.chart, id(&made))
    }

    async fn joins(&self, visit: &str, body: Value) {
        self.admin
            .post(format!("{visit}/participants"), body)
            .await
            .expect(201);
    }

    async fn cancel(&self, visit: &str) {
        let why = json!({ "reason": "feels better" });
        self.admin
            .post(format!("{visit}/cancel"), why)
            .await
            .expect(200);
    }

    /// Puts it off, or brings it forward, to so many days from now.
    async fn reschedule(&self, visit: &str, days: i64) {
        let start = self.clinic.clock.now() + TimeDelta::days(days);
        self.admin
            .post(
                format!("{visit}/reschedule"),
                json!({ "scheduled_start": start }),
            )
            .await
            .expect(200);
    }

    async fn opens(&self, caller: &Caller) -> bool {
        let reply = caller.get(&self.chart).await;
        if reply.status != 200 {
            reply.expect_problem(404, "not_found");
            return false;
        }
        true
    }

    /// The ends of his memberships that run and come of encounters, in whole days from now; `None` is open.
    async fn ends(&self, caller: &Caller) -> Vec<Option<i64>> {
        let team = self
            .admin
            .get(format!("{}/care-team", self.chart))
            .await
            .expect(200);
        let now = self.clinic.clock.now();
        team["items"]
            .as_array()
            .expect("items")
            .iter()
            .filter(|one| one["user_id"] == caller.user_id && one["source"] == "encounter")
            .map(|one| {
                let until: DateTime<Utc> = one["valid_until"].as_str()?.parse().expect("a time");
                Some((until - now + TimeDelta::hours(1)).num_days())
            })
            .collect()
    }
}

/// What the server's role can be made to say, whoever's request it is: nobody lengthens by hand what puts people on a team.
#[tokio::test]
async fn no_statement_of_the_servers_says_how_long_a_team_lasts() {
    let ward = Ward::new().await;
    let (_, provider) = ward.doctor().await;
    let visit = ward.visit(3, &provider).await;
    let visit = visit.rsplit('/').next().expect("an id");
    let patient = ward.chart.rsplit('/').next().expect("an id");
    let mut connection = crate::support::admin_connection().await;
    for context in [
        "admin organization   ".to_owned(),
        "provider organization   ".to_owned(),
        "system organization   ".to_owned(),
        format!("patient self  {patient} "),
    ] {
        for statement in [
            format!("update app.encounter_register set team_until = 'infinity' where id = '{visit}'"),
            format!("update app.encounter_register set patient_id = patient_id where id = '{visit}'"),
            format!(
                "insert into app.encounter_register (tenant_id, id, patient_id, scheduled_start, team_until)
                 values ('{}', gen_random_uuid(), '{patient}', now(), 'infinity')",
                ward.clinic.id
            ),
        ] {
            let begin = format!(
                "begin; set local role chartwell_runtime; set local app.context = '{} {context}'",
                ward.clinic.id
            );
            connection.execute(sqlx::AssertSqlSafe(begin)).await.expect("a context");
            let outcome = connection.execute(sqlx::AssertSqlSafe(statement.clone())).await;
            connection.execute("rollback").await.expect("rollback");
            let refused = outcome.expect_err(&statement).to_string();
            assert!(refused.contains("permission denied for table encounter_register"), "{context}: {refused}");
        }
    }
    // What the server does say is still heard.
    ward.reschedule(&format!("{}/encounters/{visit}", ward.chart), 5)
        .await;
}

#[tokio::test]
async fn the_attending_keeps_the_chart_through_a_stay_of_forty_days_and_a_month_beyond() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let (consultant, consulting) = ward.doctor().await;
    let nurse = ward.nurse().await;
    let stay = ward.visit(-40, &provider).await;
    assert!(
        !ward.opens(&doctor).await,
        "a visit planned for long ago that never began opens nothing"
    );
    ward.admin.act(format!("{stay}/start")).await.expect(200);
    ward.joins(
        &stay,
        json!({ "provider_id": consulting, "role": "consulting" }),
    )
    .await;
    ward.joins(&stay, json!({ "user_id": nurse.user_id, "role": "nurse" }))
        .await;
    for caller in [&doctor, &consultant, &nurse] {
        assert!(ward.opens(caller).await, "the stay lasts");
        assert_eq!(ward.ends(caller).await, [None], "however long that is");
    }
    doctor
        .post(format!("{stay}/complete"), json!({ "disposition": "home" }))
        .await
        .expect(200);
    for caller in [&doctor, &consultant, &nurse] {
        assert!(ward.opens(caller).await, "there is a letter to write");
        assert_eq!(ward.ends(caller).await, [Some(30)]);
    }
}

#[tokio::test]
async fn a_visit_that_was_planned_keeps_its_people_when_it_begins() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let nurse = ward.nurse().await;
    let visit = ward.visit(0, &provider).await;
    ward.joins(&visit, json!({ "user_id": nurse.user_id, "role": "nurse" }))
        .await;
    ward.admin.act(format!("{visit}/start")).await.expect(200);
    for caller in [&doctor, &nurse] {
        assert!(ward.opens(caller).await, "it lasts");
        assert_eq!(ward.ends(caller).await, [None]);
    }
}

#[tokio::test]
async fn whoever_takes_part_in_a_visit_loses_the_chart_when_it_does_not_take_place() {
    for step in ["cancel", "no-show"] {
        let ward = Ward::new().await;
        let (doctor, provider) = ward.doctor().await;
        let (consultant, consulting) = ward.doctor().await;
        let nurse = ward.nurse().await;
        let visit = ward.visit(2, &provider).await;
        ward.joins(
            &visit,
            json!({ "provider_id": consulting, "role": "consulting" }),
        )
        .await;
        ward.joins(&visit, json!({ "user_id": nurse.user_id, "role": "nurse" }))
            .await;
        for caller in [&doctor, &consultant, &nurse] {
            assert!(ward.opens(caller).await);
        }
        if step == "cancel" {
            ward.cancel(&visit).await;
        } else {
            ward.admin.act(format!("{visit}/no-show")).await.expect(200);
        }
        for caller in [&doctor, &consultant, &nurse] {
            assert!(
                !ward.opens(caller).await,
                "{step}: {} has the chart",
                caller.email
            );
        }
    }
}

#[tokio::test]
async fn the_team_follows_a_visit_that_is_put_off_or_brought_forward() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let (consultant, consulting) = ward.doctor().await;
    let visit = ward.visit(3, &provider).await;
    ward.joins(
        &visit,
        json!({ "provider_id": consulting, "role": "consulting" }),
    )
    .await;
    // Within a month and into others, later and earlier.
    for days in [75, 76, 4, 40, 41] {
        ward.reschedule(&visit, days).await;
        for caller in [&doctor, &consultant] {
            assert_eq!(ward.ends(caller).await, [Some(days + 30)], "{days}");
            assert!(ward.opens(caller).await);
        }
    }
    ward.reschedule(&visit, -31).await;
    for caller in [&doctor, &consultant] {
        assert!(!ward.opens(caller).await, "it would be over");
    }
}

#[tokio::test]
async fn a_cancelled_visit_leaves_the_chart_open_to_whoever_takes_part_in_another() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let (_, another) = ward.doctor().await;
    let cancelled = ward.visit(20, &provider).await;
    let other = ward.visit(5, &another).await;
    ward.joins(
        &other,
        json!({ "provider_id": provider, "role": "consulting" }),
    )
    .await;
    assert_eq!(ward.ends(&doctor).await, [Some(50)]);
    ward.cancel(&cancelled).await;
    assert!(ward.opens(&doctor).await);
    assert_eq!(ward.ends(&doctor).await, [Some(35)]);
    ward.cancel(&other).await;
    assert!(!ward.opens(&doctor).await);
}

#[tokio::test]
async fn another_attending_takes_the_chart_over() {
    let ward = Ward::new().await;
    let (former, provider) = ward.doctor().await;
    let (present, another) = ward.doctor().await;
    let visit = ward.visit(5, &provider).await;
    let amend = async |version: i64, attending: &str| {
        ward.admin
            .patch(
                &visit,
                version,
                json!({ "attending_provider_id": attending }),
            )
            .await
            .expect(200)["version"]
            .as_i64()
            .expect("a version")
    };
    let version = amend(1, &another).await;
    assert!(ward.opens(&present).await);
    assert!(!ward.opens(&former).await, "he attends it no more");
    ward.joins(
        &visit,
        json!({ "provider_id": another, "role": "consulting" }),
    )
    .await;
    amend(version, &provider).await;
    assert!(ward.opens(&former).await);
    assert!(ward.opens(&present).await, "he still takes part");
}

#[tokio::test]
async fn a_membership_made_by_hand_outlives_the_encounter() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let visit = ward.visit(0, &provider).await;
    ward.admin.act(format!("{visit}/start")).await.expect(200);
    let team = format!("{}/care-team", ward.chart);
    ward.admin
        .post(
            &team,
            json!({ "user_id": doctor.user_id, "role": "attending" }),
        )
        .await
        .expect(201);
    ward.admin
        .post(format!("{visit}/complete"), json!({}))
        .await
        .expect(200);
    let members = ward.admin.get(&team).await.expect(200);
    let open = members["items"]
        .as_array()
        .expect("items")
        .iter()
        .filter(|one| one["valid_until"].is_null())
        .map(|one| one["source"].clone())
        .collect::<Vec<_>>();
    assert_eq!(open, ["assigned"], "{members}");
}

#[tokio::test]
async fn two_visits_cancelled_at_once_leave_nobody_on_the_team() {
    let ward = Ward::new().await;
    let (doctor, provider) = ward.doctor().await;
    let (consultant, consulting) = ward.doctor().await;
    for _ in 0..5 {
        let (one, two) = (
            ward.visit(3, &provider).await,
            ward.visit(4, &consulting).await,
        );
        for (visit, who) in [(&one, &consulting), (&two, &provider)] {
            ward.joins(visit, json!({ "provider_id": who, "role": "consulting" }))
                .await;
        }
        assert!(ward.opens(&doctor).await && ward.opens(&consultant).await);
        tokio::join!(ward.cancel(&one), ward.cancel(&two));
        assert!(!ward.opens(&doctor).await && !ward.opens(&consultant).await);
    }
}

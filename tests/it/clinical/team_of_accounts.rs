//! A provider's patients follow his account: who is linked to another has them there, and the one before has them no more.

use chrono::TimeDelta;
use clinical::encounters::{self, EncounterRecord, EncounterStatus};
use kernel::clock::Instant;
use kernel::ids::EncounterId;
use platform::access::Role;
use platform::db::SystemTx;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::support::{Caller, Chart, TestTenant, id};

/// A provider who attends a stay, takes part in a visit, is referred to and has a patient of his own.
struct Practice {
    clinic: TestTenant,
    admin: Caller,
    provider: String,
    /// The account he has first, and one he has later.
    former: Caller,
    heir: Caller,
    stay: String,
    visit: String,
    referral: String,
    own: String,
}

impl Practice {
    async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let (admin, former) = (
            clinic.user(Role::Admin).await,
            clinic.user(Role::Provider).await,
        );
        let heir = clinic.user(Role::Provider).await;
        let body = json!({ "user_id": former.user_id, "given_name": "Ada", "family_name": "Osei" });
        let provider = id(&admin.post("/api/v1/providers", body).await.expect(201));
        let mut practice = Self {
            clinic,
            admin,
            provider,
            former,
            heir,
            stay: String::new(),
            visit: String::new(),
            referral: String::new(),
            own: String::new(),
        };
        let attending = json!({ "attending_provider_id": practice.provider });
        practice.stay = practice.planned(-9, attending).await;
        let start = format!("{}/start", practice.stay);
        practice.admin.act(start).await.expect(200);
        practice.visit = practice.planned(4, json!({})).await;
        let joins = json!({ "provider_id": practice.provider, "role": "consulting" });
        let participants = format!("{}/participants", practice.visit);
        practice.admin.post(participants, joins).await.expect(201);
        practice.referral = practice.referred().await;
        practice.own = practice.registered().await;
        practice
    }

    /// A visit of somebody new, so many days from now.
    async fn planned(&self, days: i64, more: Value) -> String {
        let chart = format!(
            "/api/v1/patients/{}",
            self.clinic.patient(&self.admin).await
        );
        let start = self.clinic.clock.now() + TimeDelta::days(days);
        let mut body = json!({ "class": "inpatient", "scheduled_start": start });
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        let made = self.admin.post(format!("{chart}/encounters"), body).await;
        format!("{chart}/encounters/{}", id(&made.expect(201)))
    }

    async fn referred(&self) -> String {
        let chart = Chart::open(&self.clinic).await;
        let referrals = format!("/api/v1/patients/{}/referrals", chart.patient);
        let body = json!({ "to_provider_id": self.provider, "reason": "Murmur" });
        let made = chart.doctor.post(&referrals, body).await.expect(201);
        let place = format!("{referrals}/{}", id(&made));
        chart.doctor.act(format!("{place}/send")).await.expect(200);
        place
    }

    /// Registers somebody whose primary provider he is.
    async fn registered(&self) -> String {
        let name = json!({ "use": "legal", "family": "Lovelace", "given": ["Pat"] });
        let body = json!({ "names": [name], "birth_date": "1970-01-01", "sex": "female", "primary_provider_id": self.provider });
        let made = self.admin.post("/api/v1/patients", body).await.expect(201);
        format!("/api/v1/patients/{}", id(&made))
    }

    fn places(&self) -> [&String; 4] {
        [&self.stay, &self.visit, &self.referral, &self.own]
    }

    /// Links the provider to an account, or to none.
    async fn link(&self, account: Option<&Caller>) {
        let place = format!("/api/v1/providers/{}", self.provider);
        let present = self.admin.get(&place).await.expect(200);
        let version = present["version"].as_i64().expect("a version");
        let link = json!({ "user_id": account.map(|account| &account.user_id) });
        self.admin.patch(&place, version, link).await.expect(200);
    }

    /// Whether he opens the charts of these places.
    async fn opens(&self, caller: &Caller) -> [bool; 4] {
        let mut opened = [false; 4];
        for (opened, place) in opened.iter_mut().zip(self.places()) {
            let reply = caller.get(chart_of(place)).await;
            *opened = reply.status == 200;
            if !*opened {
                reply.expect_problem(404, "not_found");
            }
        }
        opened
    }

    /// What runs of his memberships with the patient of a place: where it comes from, as what, and until when.
    async fn running(&self, caller: &Caller, place: &str) -> Vec<[Value; 3]> {
        let team = format!("{}/care-team", chart_of(place));
        let team = self.admin.get(team).await.expect(200);
        let members = team["items"].as_array().expect("a team").iter();
        members
            .filter(|one| one["user_id"] == caller.user_id)
            .map(|one| ["source", "role", "valid_until"].map(|what| one[what].clone()))
            .collect()
    }
}

/// The chart that a place is in.
fn chart_of(place: &str) -> &str {
    &place[.."/api/v1/patients/".len() + 36]
}

#[tokio::test]
async fn whoever_is_linked_to_the_provider_has_his_patients_at_once_and_who_was_has_them_no_more() {
    let practice = Practice::new().await;
    let (former, heir) = (&practice.former, &practice.heir);
    let mut before = Vec::new();
    for place in practice.places() {
        before.push(practice.running(former, place).await);
        assert_eq!(before.last().map(Vec::len), Some(1), "{place}");
    }
    for (linked, opens_former, opens_heir) in [
        (Some(heir), false, true),
        (None, false, false),
        (Some(former), true, false),
    ] {
        practice.link(linked).await;
        assert_eq!(practice.opens(former).await, [opens_former; 4]);
        assert_eq!(practice.opens(heir).await, [opens_heir; 4]);
        for (place, before) in practice.places().into_iter().zip(&before) {
            for (caller, opens) in [(former, opens_former), (heir, opens_heir)] {
                let expected: &[_] = if opens { before } else { &[] };
                assert_eq!(practice.running(caller, place).await, expected, "{place}");
            }
        }
    }
    // And goes with the stay from then on.
    practice.link(Some(heir)).await;
    let end = format!("{}/complete", practice.stay);
    practice.admin.post(end, json!({})).await.expect(200);
    let after = practice.running(heir, &practice.stay).await;
    assert!(after[0][2].is_string(), "it ends a month after: {after:?}");
}

#[tokio::test]
async fn what_is_reckoned_of_all_at_once_is_what_is_reckoned_of_each_and_told_once() {
    let practice = Practice::new().await;
    let clinic = &practice.clinic;
    let mut connection = clinic.behind_the_curtain().await;
    for linked in [Some(&practice.heir), None, Some(&practice.former)] {
        practice.link(linked).await;
        let before = versions(clinic).await;
        let each = "select app.follow_team(m.tenant_id, m.source, m.patient_id, m.user_id) from app.care_team_members m
                     where m.tenant_id = $1 and m.source in ('encounter', 'referral', 'appointment')";
        let each = sqlx::query(each).bind(clinic.id.0);
        let reckoned = each.execute(&mut connection).await.expect("reckoned");
        assert!(reckoned.rows_affected() >= 3);
        assert_eq!(versions(clinic).await, before, "nothing was left to do");
    }
    // The former account's first memberships began and ended; what they were before stands with the end.
    let told: Vec<(Vec<String>, bool)> = sqlx::query_as(
        "select array_agg(a.action || coalesce((select string_agg(' ' || k, '' order by k) from jsonb_object_keys(a.before) k), '')
                          order by a.version),
                bool_and(a.patient_id = m.patient_id and a.user_id is not null)
           from app.care_team_members m
           join app.audit_log a on a.tenant_id = m.tenant_id and a.table_name = 'care_team_members' and a.row_id = m.id
          where m.tenant_id = $1 and m.user_id = $2::uuid and m.valid_until <= now()
          group by m.id",
    )
    .bind(clinic.id.0)
    .bind(&practice.former.user_id)
    .fetch_all(&mut connection)
    .await
    .expect("the history");
    assert_eq!(told.len(), 4, "{told:?}");
    for (changes, of_whom) in told {
        let end = changes.last().expect("a change");
        assert_eq!(changes[0], "insert");
        assert_eq!(end, "update updated_at valid_until version");
        assert!(of_whom);
    }
}

/// The memberships of a clinic, each with its version.
async fn versions(clinic: &TestTenant) -> Vec<(String, i64)> {
    sqlx::query_as(
        "select id::text, version from app.care_team_members where tenant_id = $1 order by id",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut clinic.behind_the_curtain().await)
    .await
    .expect("memberships")
}

#[tokio::test]
async fn what_else_puts_the_former_account_on_the_team_stays() {
    let practice = Practice::new().await;
    let team = format!("{}/care-team", chart_of(&practice.stay));
    let member = json!({ "user_id": practice.former.user_id, "role": "care_manager" });
    practice.admin.post(team, member).await.expect(201);
    practice.link(None).await;
    assert_eq!(
        practice.opens(&practice.former).await,
        [true, false, false, false]
    );
}

#[tokio::test]
async fn a_stay_that_begins_as_the_account_changes_is_the_new_accounts() {
    let practice = Practice::new().await;
    let attending = json!({ "attending_provider_id": practice.provider });
    for (now, before) in [
        (&practice.heir, &practice.former),
        (&practice.former, &practice.heir),
    ]
    .repeat(4)
    {
        let visit = practice.planned(0, attending.clone()).await;
        let start = practice.admin.act(format!("{visit}/start"));
        let ((), started) = tokio::join!(practice.link(Some(now)), start);
        started.expect(200);
        let running = practice.running(now, &visit).await;
        assert_eq!(
            running,
            [[json!("encounter"), json!("attending"), Value::Null]],
            "as long as it lasts"
        );
        assert!(practice.running(before, &visit).await.is_empty());
    }
}

#[tokio::test]
async fn what_stayed_with_a_registration_that_was_merged_away_puts_nobody_on_its_team() {
    let practice = Practice::new().await;
    let survivor = practice.clinic.patient(&practice.admin).await;
    let merged = chart_of(&practice.stay)[17..].to_owned();
    let merge = format!("/api/v1/patients/{survivor}/merge");
    let body = json!({ "duplicate_id": merged, "reason": "The same passport" });
    practice.admin.post(merge, body).await.expect(200);
    // As if a row that belongs to the stay had kept it behind.
    let mut connection = practice.clinic.behind_the_curtain().await;
    for statement in [
        "set session_replication_role = replica".to_owned(),
        format!(
            "update app.encounter_register set patient_id = '{merged}' where patient_id = '{survivor}'"
        ),
        format!(
            "update app.encounters set patient_id = '{merged}' where patient_id = '{survivor}'"
        ),
    ] {
        let done = connection.execute(sqlx::AssertSqlSafe(statement)).await;
        done.expect("moved back");
    }
    practice.link(Some(&practice.heir)).await;
    let heirs: i64 = sqlx::query_scalar(
        "select count(*) from app.care_team_members where tenant_id = $1 and patient_id = $2::uuid and user_id = $3::uuid",
    )
    .bind(practice.clinic.id.0)
    .bind(&merged)
    .bind(&practice.heir.user_id)
    .fetch_one(&mut connection)
    .await
    .expect("a count");
    assert_eq!(heirs, 0);
}

#[tokio::test]
async fn what_follows_at_the_end_of_a_transaction_is_said_to_be_the_act_of_whom_it_follows_from() {
    let practice = Practice::new().await;
    let (clinic, now) = (&practice.clinic, practice.clinic.clock.now());
    let db = &clinic.app.db;
    let months = encounters::ensure_months(db, [now]).await;
    months.expect("a month");
    let mut tx = SystemTx::begin(db, clinic.id).await.expect("begun");
    let mut visits = Vec::new();
    for author in [None, Some(&practice.heir), Some(&practice.former)] {
        let user = author.map(|author| author.user_id.parse().expect("an id"));
        tx.speak_for(user).await.expect("spoken");
        let patient = clinic.patient(&practice.admin).await;
        let record = stay(&patient, &practice.provider, now);
        encounters::record_in_tx(&mut tx, &[record], user, now)
            .await
            .expect("written");
        visits.push((patient, author.map(|author| author.user_id.clone())));
    }
    tx.speak_for(None).await.expect("spoken");
    tx.commit().await.expect("committed");
    let mut connection = clinic.behind_the_curtain().await;
    for (patient, author) in visits {
        let told: (Option<String>, Option<String>, String) = sqlx::query_as(
            "select m.created_by::text, a.user_id::text, a.role from app.care_team_members m
               join app.audit_log a on a.tenant_id = m.tenant_id and a.table_name = 'care_team_members' and a.row_id = m.id
              where m.tenant_id = $1 and m.patient_id = $2::uuid and m.source = 'encounter'",
        )
        .bind(clinic.id.0)
        .bind(&patient)
        .fetch_one(&mut connection)
        .await
        .expect("a membership and its history");
        assert_eq!(told, (author.clone(), author, "system".to_owned()));
    }
}

/// A stay of the patient that lasts.
fn stay(patient: &str, provider: &str, since: Instant) -> EncounterRecord {
    let new = json!({ "class": "inpatient", "scheduled_start": since, "attending_provider_id": provider });
    let mut record = EncounterRecord::scheduled(
        EncounterId::new(),
        patient.parse().expect("an id"),
        serde_json::from_value(new).expect("an encounter"),
        "UTC".to_owned(),
    );
    record.status = EncounterStatus::InProgress;
    record.actual_start = Some(since);
    record
}

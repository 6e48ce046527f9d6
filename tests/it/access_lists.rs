//! The lists that showed a patient, in the log of his chart: newest first, however far back, and no more than a page asks for.

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::Executor as _;

use crate::support::{Caller, Chart, TestTenant};

/// A chart that was on forty lists over eight days, alone or twice or with another, with two thousand and more looks at others since.
struct Shown {
    clinic: TestTenant,
    admin: Caller,
    nurse: Caller,
    patient: String,
    himself: Caller,
}

impl Shown {
    async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let (admin, nurse) = (
            clinic.user(Role::Admin).await,
            clinic.user(Role::Nurse).await,
        );
        let (patient, other) = (clinic.patient(&admin).await, clinic.patient(&admin).await);
        let himself = clinic.user(Role::Patient).await;
        let link = json!({ "portal_user_id": himself.user_id });
        let chart = format!("/api/v1/patients/{patient}");
        admin.patch(chart, 1, link).await.expect(200);
        let himself = himself.with_token(Some(clinic.log_in(&himself.email).await));
        let mut connection = clinic.behind_the_curtain().await;
        let month = "select app.ensure_these_months('phi_access_log', array[date_trunc('month', now() - interval '9 days')::date])";
        connection.execute(month).await.expect("a month");
        let lists = "insert into app.phi_access_log
                (tenant_id, at, id, user_id, patient_id, request_id, role, resource, action, outcome, purpose, method, route, address,
                 user_agent, mac, shown, shown_resources)
            select $1, now() - interval '70 minutes' - (n / 2) * interval '9 hours 40 minutes', gen_random_uuid(),
                   case when n % 3 = 0 then $4::uuid else $5::uuid end, null, gen_random_uuid(),
                   case when n % 3 = 0 then 'nurse' else 'admin' end, 'patient', case when n % 4 = 0 then 'read' else 'search' end,
                   case when n % 5 = 0 then 'refused' else 'success' end, 'TREAT', 'GET', '/', '', '', '',
                   case n % 3 when 0 then array[$2::uuid, $3::uuid] when 1 then array[$3::uuid, $2::uuid, $2::uuid]
                              else array[$2::uuid, $2::uuid, $2::uuid] end,
                   case n % 3 when 0 then array_fill(null::uuid, array[2]) else array_fill(gen_random_uuid(), array[3]) end
              from generate_series(1, 40) n";
        let since = "insert into app.phi_access_log
                (tenant_id, at, id, user_id, patient_id, request_id, role, resource, action, outcome, purpose, method, route, address,
                 user_agent, mac)
            select $1, now() - interval '30 minutes' - n * interval '1 second', gen_random_uuid(), $4::uuid, $3::uuid, gen_random_uuid(), 'admin', 'patient', 'read',
                   'success', 'TREAT', 'GET', '/', '', '', ''
              from generate_series(1, 2200) n where $2 <> $3 and $5 is not null";
        for records in [lists, since] {
            sqlx::query(records)
                .bind(clinic.id.0)
                .bind(patient.parse::<uuid::Uuid>().expect("an id"))
                .bind(other.parse::<uuid::Uuid>().expect("an id"))
                .bind(nurse.user_id.parse::<uuid::Uuid>().expect("an id"))
                .bind(admin.user_id.parse::<uuid::Uuid>().expect("an id"))
                .execute(&mut connection)
                .await
                .expect("a superuser may");
        }
        Self {
            clinic,
            admin,
            nurse,
            patient,
            himself,
        }
    }

    /// Every entry of the chart's lists for which this holds, by the table itself.
    async fn expected(&self, filter: &str) -> Vec<String> {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select id::text from app.phi_accesses l
              where tenant_id = $1 and patient_id = $2::uuid and sole_patient_id is null and {filter}
              order by at desc, l.id desc, place desc"
        )))
        .bind(self.clinic.id.0)
        .bind(&self.patient)
        .fetch_all(&mut self.clinic.behind_the_curtain().await)
        .await
        .expect("entries")
    }
}

/// The records of every entry of a log, page by page. Those of reading it, which is on record too, are left out.
async fn read(caller: &Caller, path: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = caller.get(format!("{path}&limit=7{cursor}")).await;
        let page = page.expect(200);
        let items = page["items"].as_array().expect("entries").iter();
        let lists = items.filter(|entry| entry["resource"] == "patient");
        ids.extend(lists.map(|entry| entry["id"].as_str().expect("an id").to_owned()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn lists_are_paged_newest_first_however_far_back_and_by_every_filter() {
    let shown = Shown::new().await;
    let now = shown.clinic.clock.now();
    let (to, days) = (
        now - chrono::TimeDelta::minutes(20),
        now - chrono::TimeDelta::days(3),
    );
    let stamp = |at: chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%dT%H:%M:%SZ").to_string();
    let (to, days) = (stamp(to), stamp(days));
    let nurse = &shown.nurse.user_id;
    for (asked, filter) in [
        (String::new(), "true".to_owned()),
        (format!("&user_id={nurse}"), format!("user_id = '{nurse}'")),
        ("&action=read".to_owned(), "action = 'read'".to_owned()),
        (
            "&outcome=refused".to_owned(),
            "outcome = 'refused'".to_owned(),
        ),
        (format!("&from={days}"), format!("at >= '{days}'")),
        (
            format!("&from={days}&user_id={nurse}&action=search&outcome=success"),
            format!(
                "at >= '{days}' and user_id = '{nurse}' and action = 'search' and outcome = 'success'"
            ),
        ),
    ] {
        let expected = shown.expected(&filter).await;
        assert!(expected.len() > 2, "{filter}");
        let log = format!(
            "/api/v1/patients/{}/access-log?to={to}{asked}",
            shown.patient
        );
        assert_eq!(read(&shown.admin, &log).await, expected, "{filter}");
    }
    for (asked, filter) in [("", "true"), ("&role=nurse", "role = 'nurse'")] {
        let mut expected = shown
            .expected(&format!("outcome = 'success' and {filter}"))
            .await;
        // A list that showed several rows of his chart was one look.
        let rows = expected.len();
        expected.dedup();
        assert!(expected.len() < rows || !asked.is_empty());
        let log = format!("/api/v1/me/access-log?to={to}{asked}");
        assert_eq!(read(&shown.himself, &log).await, expected, "{filter}");
    }
    let mine = shown.himself.get(format!("/api/v1/me/access-log?to={to}"));
    let mine = mine.await.expect(200);
    let named = |entry: &Value| entry["user_name"].is_string();
    assert!(
        mine["items"].as_array().expect("entries").iter().all(named),
        "{mine}"
    );
}

#[tokio::test]
async fn no_more_lists_are_looked_up_than_a_page_asks_for() {
    let shown = Shown::new().await;
    let mut connection = shown.clinic.behind_the_curtain().await;
    let of = |rest: &str| {
        format!(
            "select count(*) from app.looks_that_showed(array['{}'::uuid], null, null{rest})",
            shown.patient
        )
    };
    for (rest, from, to) in [("", 66, 100), (", at_most => 5", 5, 7)] {
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(of(rest)))
            .fetch_one(&mut connection)
            .await
            .expect("a count");
        assert!((from..=to).contains(&found), "{rest}: {found}");
    }
}

#[tokio::test]
async fn who_reached_for_a_thing_of_a_patient_by_its_id_alone_stands_in_the_patients_log() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let (admin, stranger) = (
        clinic.user(Role::Admin).await,
        clinic.user(Role::Provider).await,
    );
    for template in [
        "/api/v1/encounters/{encounter_id}",
        "/api/v1/notes/{note_id}",
        "/api/v1/documents/{document_id}",
        "/api/v1/appointments/{appointment_id}",
    ] {
        let path = chart.fill(template);
        stranger.get(&path).await.expect_problem(404, "not_found");
        let asked = format!(
            "/api/v1/audit/access?patient_id={}&user_id={}&outcome=refused&limit=1",
            chart.patient, stranger.user_id
        );
        let log = admin.get(asked).await.expect(200);
        let thing = path.rsplit('/').next().unwrap_or_default();
        assert_eq!(log["items"][0]["resource_id"], thing, "{template}: {log}");
    }
}

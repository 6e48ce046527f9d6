//! The demo: made whole whatever interrupts it, made once, and something in it for every account.

use std::time::Duration;

use chartwell::demo::{self, Summary};
use platform::access::Role;
use serde_json::{Value, json};

use crate::support::{Caller, TestTenant};

async fn log_in(nobody: &Caller, tenant: &str, role: Role) -> Caller {
    let email = format!("{}@{tenant}.demo", role.as_str());
    let body = json!({ "tenant": tenant, "email": email, "password": demo::PASSWORD });
    let answer = nobody.post("/api/v1/auth/login", body).await.expect(200);
    nobody.with_token(answer["access_token"].as_str().map(str::to_owned))
}

async fn items(caller: &Caller, path: &str) -> Vec<Value> {
    let page = caller.get(path).await.expect(200);
    page["items"].as_array().expect("items").clone()
}

#[tokio::test]
async fn the_demo_is_made_once_and_whole_and_every_account_sees_something() {
    let clinic = TestTenant::new().await;
    // Cut off in the middle, as by a kill; then two servers start at once; then one starts again.
    let _ = tokio::time::timeout(Duration::from_millis(700), demo::load(&clinic.app, 1)).await;
    let (one, other) = tokio::join!(demo::load(&clinic.app, 1), demo::load(&clinic.app, 1));
    let made = one.expect("one loads").tenants + other.expect("the other loads").tenants;
    assert!(made <= demo::TENANTS.len());
    assert_eq!(
        demo::load(&clinic.app, 1).await.expect("nothing to do"),
        Summary::default()
    );

    let nobody = clinic.nobody();
    for tenant in demo::TENANTS {
        for role in Role::ALL {
            let caller = log_in(&nobody, tenant, role).await;
            assert_eq!(
                items(&caller, "/api/v1/facilities").await.len(),
                3,
                "{tenant} {role:?}"
            );
            match role {
                Role::Patient => sees_his_chart(&caller).await,
                Role::Provider | Role::Nurse => {
                    let patients = items(&caller, "/api/v1/patients?limit=200").await;
                    assert!(
                        (40..200).contains(&patients.len()),
                        "{tenant} {role:?} sees {}",
                        patients.len()
                    );
                }
                Role::Admin | Role::Staff | Role::Billing => {
                    assert_eq!(
                        items(&caller, "/api/v1/patients?limit=200").await.len(),
                        200,
                        "{tenant} {role:?}"
                    );
                }
            }
        }
        sees_who_works_there(&log_in(&nobody, tenant, Role::Admin).await).await;
        for role in [
            Role::Admin,
            Role::Provider,
            Role::Nurse,
            Role::Staff,
            Role::Patient,
        ] {
            sees_who_waits(&log_in(&nobody, tenant, role).await, role).await;
        }
        has_a_list_of_visits(&log_in(&nobody, tenant, Role::Provider).await).await;
    }
    // A coming visit is planned once: the appointment is for the encounter in the chart.
    let (booked, unplanned): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where a.encounter_id is null) from app.appointments a
           join app.tenants t on t.tenant_id = a.tenant_id where t.slug = any($1)",
    )
    .bind(demo::TENANTS.to_vec())
    .fetch_one(&mut clinic.behind_the_curtain().await)
    .await
    .expect("a count");
    assert!(booked > 50 && unplanned == 0, "{unplanned} of {booked}");
    // Somebody has found out, or been told, what stands in the charts.
    let (entered, by_nobody): (i64, i64) = sqlx::query_as(
        "select count(*), count(*) filter (where e.by is null)
           from (select tenant_id, created_by as by from app.problems
                 union all select tenant_id, created_by from app.allergies
                 union all select tenant_id, stated_by from app.allergy_statements
                 union all select tenant_id, created_by from app.encounter_diagnoses) e
           join app.tenants t on t.tenant_id = e.tenant_id where t.slug = any($1)",
    )
    .bind(demo::TENANTS.to_vec())
    .fetch_one(&mut clinic.behind_the_curtain().await)
    .await
    .expect("a count");
    assert!(entered > 200 && by_nobody == 0, "{by_nobody} of {entered}");
    let admin = log_in(&nobody, "riverside", Role::Admin).await;
    assert!(
        items(&admin, "/api/v1/patients?family=s&limit=200")
            .await
            .len()
            >= 10
    );
}

/// The patient's account opens one chart, with visits in it, and shows who filled it.
async fn sees_his_chart(caller: &Caller) {
    let me = caller.get("/api/v1/me").await.expect(200);
    let patient = me["patient_id"].as_str().expect("a chart").to_owned();
    caller
        .get(format!("/api/v1/patients/{patient}"))
        .await
        .expect(200);
    assert!(
        items(caller, &format!("/api/v1/patients/{patient}/encounters"))
            .await
            .len()
            >= 3
    );
    let accesses = items(caller, "/api/v1/me/access-log").await;
    assert!(
        accesses
            .iter()
            .any(|access| access["role"] == "system" && access["action"] == "create")
    );
}

async fn sees_who_works_there(admin: &Caller) {
    assert_eq!(items(admin, "/api/v1/users?limit=200").await.len(), 30);
    assert_eq!(items(admin, "/api/v1/providers?limit=200").await.len(), 12);
    assert!(
        items(admin, "/api/v1/providers/licenses/expiring?within_days=60")
            .await
            .len()
            >= 3
    );
}

async fn has_a_list_of_visits(provider: &Caller) {
    let me = provider.get("/api/v1/me").await.expect(200);
    let providers = items(provider, "/api/v1/providers?limit=200").await;
    let own = providers
        .iter()
        .find(|row| row["user_id"] == me["id"])
        .expect("he is a provider");
    let path = format!(
        "/api/v1/providers/{}/encounters?limit=200",
        own["id"].as_str().expect("an id")
    );
    assert!(items(provider, &path).await.len() >= 25);
}

/// Somebody waits, and somebody is offered an earlier time: he himself, where he is the patient.
async fn sees_who_waits(caller: &Caller, role: Role) {
    let waiting = items(caller, "/api/v1/waitlist?limit=200").await;
    let (least, most) = match role {
        Role::Patient => (1, 1),
        Role::Provider | Role::Nurse => (3, 15),
        _ => (15, 15),
    };
    assert!(
        (least..=most).contains(&waiting.len()),
        "{role:?}: {}",
        waiting.len()
    );
    let offered: Vec<&Value> = waiting
        .iter()
        .filter(|one| one["status"] == "offered")
        .collect();
    assert!(!offered.is_empty(), "{role:?}");
    assert!(
        role == Role::Patient || offered.len() < waiting.len(),
        "{role:?}"
    );
    let path = format!(
        "/api/v1/waitlist/{}/offers",
        offered[0]["id"].as_str().expect("an id")
    );
    let offers = items(caller, &path).await;
    assert_eq!((offers.len(), &offers[0]["status"]), (1, &json!("open")));
}

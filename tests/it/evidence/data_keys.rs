//! A tenant's data key is replaced while the clinic works.

use std::collections::BTreeSet;

use chartwell::rekeying::places;
use chrono::TimeDelta;
use kernel::ids::mint;
use platform::access::Role;
use platform::crypto::reseal::{self, Done, Left};
use platform::db::SystemTx;
use serde_json::{Value, json};

use super::tamper;
use crate::support::{Caller, Chart, TestTenant, admin_connection};

/// Random enough that tests do not meet, and a number that may be one.
pub(super) fn ssn() -> String {
    let digits = mint().as_u128() % 10_000_000;
    format!(
        "21{:01}-{:02}-{:04}",
        digits / 1_000_000,
        digits / 10_000 % 99 + 1,
        digits % 9_999 + 1
    )
}

pub(super) async fn patient_with(admin: &Caller, ssn: &str) -> String {
    let body = json!({
        "names": [{ "use": "legal", "family": format!("Fam{}", mint().simple()), "given": ["Pat"] }],
        "birth_date": "1970-01-01", "sex": "female", "identifiers": [{ "type": "ssn", "value": ssn }]
    });
    let made = admin
        .post("/api/v1/patients?allow_duplicate=true", body)
        .await
        .expect(201);
    made["id"].as_str().expect("an id").to_owned()
}

pub(super) async fn found_by(admin: &Caller, ssn: &str) -> Vec<Value> {
    let found = admin
        .get(format!("/api/v1/patients?ssn={ssn}"))
        .await
        .expect(200);
    let items = found["items"].as_array().expect("a list");
    items.iter().map(|item| item["id"].clone()).collect()
}

pub(super) async fn rotate(clinic: &TestTenant) {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let keys = &clinic.app.tenant_keys;
    keys.rotate(&mut tx, clinic.clock.now())
        .await
        .expect("a new key");
    tx.commit().await.expect("it is kept");
}

pub(super) async fn run(clinic: &TestTenant) -> Done {
    let app = &clinic.app;
    let with = (&app.db, &app.tenant_keys, &app.clock);
    reseal::run(with, clinic.id, &places(), |_, _| {})
        .await
        .expect("it runs")
}

/// Looks again until nobody has to: other tests' transactions may be open for a moment. What was done on the way.
pub(super) async fn settle(clinic: &TestTenant) -> Done {
    clinic.clock.advance(TimeDelta::minutes(3));
    let mut all = Done::default();
    for _ in 0..600 {
        let done = run(clinic).await;
        all.sealed += done.sealed;
        all.indexed += done.indexed;
        all.damaged += done.damaged;
        if done.again_at.is_none() {
            return all;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("somebody's transaction does not end");
}

pub(super) async fn left(clinic: &TestTenant) -> Left {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    reseal::left(&mut tx, &clinic.app.tenant_keys, &places())
        .await
        .expect("it is counted")
}

async fn changes(clinic: &TestTenant) -> i64 {
    sqlx::query_scalar("select count(*) from app.audit_log where tenant_id = $1")
        .bind(clinic.id.0)
        .fetch_one(&mut admin_connection().await)
        .await
        .expect("a count")
}

/// What works with sealed values works: the number finds its patient, the document opens, the note verifies.
async fn all_is_there(chart: &Chart, admin: &Caller, patient: &str, ssn: &str) {
    assert_eq!(found_by(admin, ssn).await, [json!(patient)]);
    let content = admin
        .get(chart.fill("/api/v1/documents/{document_id}/content"))
        .await;
    assert_eq!(
        (content.status.as_u16(), content.text.as_str()),
        (200, "chart")
    );
    let note = chart.fill("/api/v1/notes/{note_id}/verify");
    let note = chart.doctor.get(note).await.expect(200);
    assert_eq!(note["valid"], true, "{note}");
    let shown = admin
        .get(format!("/api/v1/patients/{patient}"))
        .await
        .expect(200);
    assert_eq!(shown["identifiers"][0]["last4"], ssn[ssn.len() - 4..]);
}

#[tokio::test]
async fn a_new_data_key_takes_everything_over_and_nobody_notices() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let (first, second) = (ssn(), ssn());
    let patient = patient_with(&admin, &first).await;
    assert_eq!(left(&clinic).await.total(), 0);
    rotate(&clinic).await;
    let to_do = left(&clinic).await;
    assert!(
        to_do.total() >= 3 && to_do.indexes && to_do.keys == 1,
        "{to_do:?}"
    );
    all_is_there(&chart, &admin, &patient, &first).await;
    // Who comes before the work is done is found like everybody else, and by both keys already.
    let newcomer = patient_with(&admin, &second).await;
    assert_eq!(found_by(&admin, &second).await, [json!(newcomer)]);

    let before = changes(&clinic).await;
    let done = run(&clinic).await;
    assert!(
        done.sealed >= 3 && done.indexed == 1 && done.damaged == 0,
        "{done:?}"
    );
    assert!(done.again_at.is_some(), "transactions may still be open");
    assert_eq!(changes(&clinic).await, before, "sealing anew is no change");
    let to_do = left(&clinic).await;
    assert_eq!(
        (to_do.total(), to_do.indexes, to_do.keys),
        (0, false, 1),
        "{to_do:?}"
    );
    all_is_there(&chart, &admin, &patient, &first).await;
    assert_eq!(found_by(&admin, &second).await, [json!(newcomer)]);
    // The number that is known may still be left as its last four, and another is one.
    let path = format!("/api/v1/patients/{patient}");
    let same = json!({ "identifiers": [{ "type": "ssn", "last4": first[first.len() - 4..] }], "language": "es" });
    admin.patch(&path, 1, same).await.expect(200);
    assert_eq!(found_by(&admin, &first).await, [json!(patient)]);

    let again = settle(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    assert_eq!(again, Done::default(), "nothing is left");
    assert_eq!(left(&clinic).await.keys, 0, "the old key is drained");
    assert_eq!(found_by(&admin, &first).await, [json!(patient)]);
}

#[tokio::test]
async fn what_is_killed_half_way_goes_on_where_it_was() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let number = ssn();
    let patient = patient_with(&admin, &number).await;
    rotate(&clinic).await;
    let all = left(&clinic).await.total();
    // Dropped right after its first handful is committed.
    let app = &clinic.app;
    let (struck, mut strike) = tokio::sync::mpsc::unbounded_channel();
    let (with, places) = ((&app.db, &app.tenant_keys, &app.clock), places());
    let work = reseal::run(with, clinic.id, &places, |_, _| {
        let _ = struck.send(());
    });
    tokio::select! {
        biased;
        _ = strike.recv() => {}
        _ = work => panic!("it was to be killed"),
    }
    let rest = left(&clinic).await.total();
    assert!(0 < rest && rest < all, "{rest} of {all}");
    all_is_there(&chart, &admin, &patient, &number).await;
    run(&clinic).await;
    assert_eq!(left(&clinic).await.total(), 0);
    all_is_there(&chart, &admin, &patient, &number).await;
}

#[tokio::test]
async fn several_at_once_do_the_work_once() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let number = ssn();
    let patient = patient_with(&admin, &number).await;
    rotate(&clinic).await;
    let done = tokio::join!(run(&clinic), run(&clinic), run(&clinic));
    assert_eq!(done.0.sealed + done.1.sealed + done.2.sealed, 1, "{done:?}");
    assert_eq!(left(&clinic).await.total(), 0);
    assert_eq!(found_by(&admin, &number).await, [json!(patient)]);
}

#[tokio::test]
async fn a_value_somebody_altered_is_told_and_holds_up_nothing() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let (good, bad) = (ssn(), ssn());
    patient_with(&admin, &bad).await;
    let altered =
        "update app.patients set ssn_sealed = left(ssn_sealed, -4) || 'AAAA' where tenant_id = $1";
    let mut connection = clinic.behind_the_curtain().await;
    sqlx::query(altered)
        .bind(clinic.id.0)
        .execute(&mut connection)
        .await
        .expect("a superuser may");
    let patient = patient_with(&admin, &good).await;
    rotate(&clinic).await;
    let done = run(&clinic).await;
    assert_eq!((done.sealed, done.damaged), (1, 1), "{done:?}");
    assert_eq!(left(&clinic).await.total(), 1);
    assert_eq!(found_by(&admin, &good).await, [json!(patient)]);
}

#[tokio::test]
async fn of_two_new_keys_at_once_there_is_one() {
    let clinic = TestTenant::new().await;
    let new = || async {
        let mut tx = SystemTx::begin(&clinic.app.db, clinic.id).await?;
        let keys = &clinic.app.tenant_keys;
        keys.rotate(&mut tx, clinic.clock.now()).await?;
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        tx.commit().await
    };
    let (one, other) = tokio::join!(new(), new());
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    let current = tamper(
        &clinic,
        "select from app.tenant_keys where tenant_id = $1 and retired_at is null",
    )
    .await;
    assert_eq!(current, 1);
}

#[tokio::test]
async fn no_sealed_column_is_forgotten() {
    let found: Vec<(String, String)> = sqlx::query_as(
        "select c.relname::text, a.attname::text from pg_attribute a join pg_class c on c.oid = a.attrelid
           join pg_namespace n on n.oid = c.relnamespace
          where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
            and a.attname like '%sealed%' and a.atttypid = 'text'::regtype",
    )
    .fetch_all(&mut admin_connection().await)
    .await
    .expect("the catalogue answers");
    let found: BTreeSet<(String, String)> = found.into_iter().collect();
    let known: BTreeSet<(String, String)> = places()
        .columns
        .iter()
        .map(|column| (column.table.to_owned(), column.column.to_owned()))
        .collect();
    assert_eq!(found, known);
}

/// Every name and hash of the import that the tenant's first key alone made.
pub(super) async fn of_the_first_key(clinic: &TestTenant) -> i64 {
    sqlx::query_scalar(
        "select count(*) from app.import_links
          where tenant_id = $1 and (source_id ~ '^ssn[|][0-9a-f]{32}$' or convert_from(content_hash, 'UTF8') ~ '^[0-9a-f]{32}$')",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut admin_connection().await)
    .await
    .expect("a count")
}

#[tokio::test]
async fn an_import_knows_persons_again_under_a_new_key() {
    use crate::interop::{Files, encounter, patient, run as import};
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("one.ndjson", &[patient("p1")]);
    import(&clinic, &files.0).await;
    let count = async || {
        sqlx::query_scalar::<_, i64>("select count(*) from app.patients where tenant_id = $1")
            .bind(clinic.id.0)
            .fetch_one(&mut admin_connection().await)
            .await
            .expect("a count")
    };
    assert_eq!(count().await, 1);
    assert!(of_the_first_key(&clinic).await >= 2);
    // Twice, so that a name goes from key to key to key.
    for _ in 0..2 {
        rotate(&clinic).await;
        run(&clinic).await;
        assert!(settle(&clinic).await.indexed > 0);
    }
    assert_eq!(of_the_first_key(&clinic).await, 0);
    // Nothing has changed of him, and who names him by his number alone means him.
    let again = Files::new();
    again.lines("one.ndjson", &[patient("p1")]);
    let number = "Patient?identifier=http://hl7.org/fhir/sid/us-ssn|999-33-6284";
    again.lines("two.ndjson", &[encounter("e1", number)]);
    let report = import(&clinic, &again.0).await;
    assert_eq!(report.failures.len(), 0, "{:?}", report.failures);
    let tally = report.types.get("Patient").expect("a patient");
    assert_eq!(
        (tally.created, tally.updated, tally.skipped),
        (0, 0, 1),
        "{tally:?}"
    );
    let visits: i64 = sqlx::query_scalar(
        "select count(*) from app.encounters e join app.patients p on p.tenant_id = e.tenant_id and p.id = e.patient_id
          where p.tenant_id = $1",
    )
    .bind(clinic.id.0)
    .fetch_one(&mut admin_connection().await)
    .await
    .expect("a count");
    assert_eq!((count().await, visits), (1, 1));
}

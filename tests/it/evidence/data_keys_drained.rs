//! When a data key counts as drained: not while anything may still be written with it. And names on their way to a new key.

use chartwell::rekeying::places;
use chrono::TimeDelta;
use clinical::patients::{NewPatient, register_in_tx};
use kernel::ids::{PatientId, mint};
use platform::access::Role;
use platform::crypto::reseal;
use platform::db::SystemTx;
use serde_json::json;
use uuid::Uuid;

use super::data_keys::{found_by, left, of_the_first_key, rotate, run, settle, ssn};
use super::tamper;
use crate::interop::{Files, encounter, patient, run as import};
use crate::support::{TestTenant, admin_connection};

#[tokio::test]
async fn a_key_is_not_drained_while_a_transaction_of_before_is_open() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    let number = ssn();
    // Somebody who asked for the key before, and takes his time.
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let cipher = clinic.app.tenant_keys.cipher(&mut tx).await.expect("a key");
    rotate(&clinic).await;
    assert!(run(&clinic).await.again_at.is_some());
    clinic.clock.advance(TimeDelta::hours(1));
    for _ in 0..3 {
        assert!(run(&clinic).await.again_at.is_some(), "he may still write");
    }
    assert_eq!(left(&clinic).await.keys, 1);
    let new: NewPatient = serde_json::from_value(json!({
        "names": [{ "use": "legal", "family": "Late", "given": ["Pat"] }], "birth_date": "1970-01-01", "sex": "female",
        "identifiers": [{ "type": "ssn", "value": number }]
    }))
    .expect("a patient");
    let (id, now) = (PatientId::new(), clinic.clock.now());
    register_in_tx(&mut tx, &cipher, id, &new, None, now)
        .await
        .expect("he is registered");
    tx.commit().await.expect("late, but written");

    let done = settle(&clinic).await;
    assert_eq!((done.sealed, done.indexed), (1, 1), "{done:?}");
    let to_do = left(&clinic).await;
    assert_eq!((to_do.total(), to_do.keys), (0, 0), "{to_do:?}");
    let admin = admin.with_token(Some(clinic.log_in(&admin.email).await));
    assert_eq!(found_by(&admin, &number).await, [json!(id)]);
}

#[tokio::test]
async fn a_key_replaced_during_the_last_look_is_not_drained_with_the_others() {
    let clinic = TestTenant::new().await;
    let admin = clinic.user(Role::Admin).await;
    super::data_keys::patient_with(&admin, &ssn()).await;
    rotate(&clinic).await;
    run(&clinic).await;
    rotate(&clinic).await;
    // The newest has never been in force: nothing before it is out of use.
    clinic.clock.advance(TimeDelta::hours(1));
    assert!(run(&clinic).await.again_at.is_some());
    assert_eq!(left(&clinic).await.keys, 2);
    settle(&clinic).await;
    assert_eq!(left(&clinic).await.keys, 0);
}

/// Registers so many, all of one birthday and each with a number of his own.
async fn with_numbers(clinic: &TestTenant, people: u32) -> Vec<(PatientId, String)> {
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let cipher = clinic.app.tenant_keys.cipher(&mut tx).await.expect("a key");
    let mut made = Vec::new();
    for number in 1..=people {
        let (id, ssn) = (PatientId::new(), format!("212-45-{number:04}"));
        let new: NewPatient = serde_json::from_value(json!({
            "names": [{ "use": "legal", "family": format!("Fam{}", mint().simple()), "given": ["Pat"] }],
            "birth_date": "1970-01-01", "sex": "female", "identifiers": [{ "type": "ssn", "value": ssn }]
        }))
        .expect("a patient");
        register_in_tx(&mut tx, &cipher, id, &new, None, clinic.clock.now())
            .await
            .expect("he is registered");
        made.push((id, ssn));
    }
    tx.commit().await.expect("they are");
    made
}

/// How many have their number indexed by one key, and how many by two.
async fn indexed_by(clinic: &TestTenant) -> [i64; 2] {
    let mut found = [0; 2];
    for (count, keys) in found.iter_mut().zip([1_i64, 2]) {
        *count = sqlx::query_scalar(
            "select count(*) from (select from app.patient_keys where tenant_id = $1 and kind = 'ssn'
                                    group by patient_id having count(*) = $2) p",
        )
        .bind(clinic.id.0)
        .bind(keys)
        .fetch_one(&mut admin_connection().await)
        .await
        .expect("a count");
    }
    found
}

#[tokio::test]
async fn the_index_of_numbers_moves_in_handfuls_and_everybody_is_found_at_every_moment() {
    let clinic = TestTenant::new().await;
    let people = with_numbers(&clinic, 1_100).await;
    let some = [&people[0], &people[999], &people[1_099]];
    let all_are_found = async || {
        let admin = clinic.user(Role::Admin).await;
        for (id, number) in some {
            assert_eq!(found_by(&admin, number).await, [json!(id)]);
            // And known again, whoever he says he is.
            let again = json!({ "names": [{ "use": "legal", "family": "Alias", "given": ["Pat"] }],
                "birth_date": "1970-01-01", "sex": "female", "identifiers": [{ "type": "ssn", "value": number }] });
            let problem = admin.post("/api/v1/patients", again).await;
            let problem = problem.expect_problem(409, "possible_duplicate");
            assert_eq!(problem["candidates"][0]["id"], json!(id), "{problem}");
        }
    };
    all_are_found().await;
    rotate(&clinic).await;
    let app = &clinic.app;
    // Killed right after its first handful of numbers is committed.
    let (struck, mut strike) = tokio::sync::mpsc::unbounded_channel();
    let (with, places) = ((&app.db, &app.tenant_keys, &app.clock), places());
    let work = reseal::run(with, clinic.id, &places, |table, moved| {
        if table == "patient_keys" && moved > 0 {
            let _ = struck.send(());
        }
    });
    tokio::select! {
        biased;
        _ = strike.recv() => {}
        _ = work => panic!("it was to be killed"),
    }
    assert_eq!(indexed_by(&clinic).await, [100, 1_000]);
    assert!(left(&clinic).await.indexes, "the older key is in use");
    all_are_found().await;
    assert_eq!(run(&clinic).await.indexed, 100);
    assert_eq!(indexed_by(&clinic).await, [0, 1_100]);
    assert!(!left(&clinic).await.indexes);
    all_are_found().await;
    assert_eq!(settle(&clinic).await.indexed, 0);
    assert_eq!(indexed_by(&clinic).await, [1_100, 0]);
    assert_eq!(left(&clinic).await.keys, 0);
    all_are_found().await;
}

#[tokio::test]
async fn a_look_at_the_index_that_ran_out_of_time_goes_on_where_it_was_left() {
    let clinic = TestTenant::new().await;
    with_numbers(&clinic, 1_100).await;
    rotate(&clinic).await;
    let app = &clinic.app;
    let (with, places) = ((&app.db, &app.tenant_keys, &app.clock), places());
    let mut reached = None;
    let mut handfuls = Vec::new();
    for _ in 0..2 {
        let deadline = Some(app.clock.now() + TimeDelta::minutes(2));
        let done = reseal::run_part(
            with,
            clinic.id,
            &places,
            (deadline, reached),
            |table, moved| {
                if table == "patient_keys" && moved > 0 {
                    handfuls.push(moved);
                    clinic.clock.advance(TimeDelta::minutes(3));
                }
            },
        )
        .await
        .expect("it runs");
        reached = done.reached;
        assert!(reached.is_some(), "it was cut off");
    }
    // Begun anew, the first would have been looked at again, and nothing of it moved.
    assert_eq!(handfuls, [1_000, 100]);
    let done = reseal::run_part(with, clinic.id, &places, (None, reached), |table, moved| {
        assert!(table != "patient_keys" || moved == 0);
    });
    assert_eq!(done.await.expect("it runs").reached, None);
    assert!(!left(&clinic).await.indexes);
}

/// So many names that the tenant's first key made, of nobody.
async fn many_names(clinic: &TestTenant, names: i32) {
    sqlx::query(
        "insert into app.import_links (tenant_id, resource_type, source_id, target_id, content_hash, imported_at)
         select $1, 'Person', 'ssn|' || md5(n::text), gen_random_uuid(), convert_to(md5('hash' || n), 'UTF8'), now()
           from generate_series(1, $2) n",
    )
    .bind(clinic.id.0)
    .bind(names)
    .execute(&mut admin_connection().await)
    .await
    .expect("a superuser may");
}

#[tokio::test]
async fn names_move_in_handfuls_and_who_is_killed_loses_none() {
    let clinic = TestTenant::new().await;
    many_names(&clinic, 2_500).await;
    rotate(&clinic).await;
    assert_eq!(run(&clinic).await.indexed, 0);
    clinic.clock.advance(TimeDelta::minutes(3));
    let app = &clinic.app;
    // Killed right after its first handful of names is committed.
    let (struck, mut strike) = tokio::sync::mpsc::unbounded_channel();
    let (with, places) = ((&app.db, &app.tenant_keys, &app.clock), places());
    for _ in 0..600 {
        let work = reseal::run(with, clinic.id, &places, |table, moved| {
            if table == "import_links" && moved > 0 {
                let _ = struck.send(());
            }
        });
        let done = tokio::select! {
            biased;
            _ = strike.recv() => break,
            done = work => done.expect("it runs"),
        };
        assert!(done.again_at.is_some(), "nothing was moved");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(of_the_first_key(&clinic).await, 1_500);
    assert_eq!(left(&clinic).await.keys, 1, "names are left");
    assert_eq!(settle(&clinic).await.indexed, 1_500);
    assert_eq!(of_the_first_key(&clinic).await, 0);
    assert_eq!(left(&clinic).await.keys, 0);
    let all = "select from app.import_links where tenant_id = $1 and resource_type = 'Person'";
    assert_eq!(tamper(&clinic, all).await, 2_500);
}

#[tokio::test]
async fn an_import_knows_persons_again_while_their_names_are_on_the_way() {
    let clinic = TestTenant::new().await;
    let files = Files::new();
    files.lines("one.ndjson", &[patient("p1")]);
    import(&clinic, &files.0).await;
    rotate(&clinic).await;
    run(&clinic).await;
    // The new key is in use, and no name has moved yet.
    assert!(of_the_first_key(&clinic).await >= 2);
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
    let patients = "select from app.patients where tenant_id = $1";
    assert_eq!(tamper(&clinic, patients).await, 1);
    settle(&clinic).await;
    assert_eq!(of_the_first_key(&clinic).await, 0);
    let twice = "select from app.import_links where tenant_id = $1 and source_id ~ '^twice'";
    assert_eq!(tamper(&clinic, twice).await, 0);
}

#[tokio::test]
async fn of_one_name_under_two_keys_the_present_leads_and_no_resource_is_lost() {
    let clinic = TestTenant::new().await;
    rotate(&clinic).await;
    run(&clinic).await;
    let old = format!("{:032x}", mint().as_u128());
    let mut tx = SystemTx::begin(&clinic.app.db, clinic.id)
        .await
        .expect("a transaction");
    let cipher = clinic.app.tenant_keys.cipher(&mut tx).await.expect("a key");
    drop(tx);
    let new = cipher.lasting_again("import_ssn", &old).expect("an index");
    assert_ne!(old, new);
    let (first, second) = (mint(), mint());
    let mut connection = clinic.behind_the_curtain().await;
    for (id, name) in [(first, &old), (second, &new)] {
        let name = format!("ssn|{name}");
        sqlx::query(
            "insert into app.imported_resources (tenant_id, id, resource_type, source_id, content, content_hash, created_at, updated_at)
             values ($1, $2, 'Basic', $3, '{}', 'x', now(), now())",
        )
        .bind(clinic.id.0)
        .bind(id)
        .bind(&name)
        .execute(&mut connection)
        .await
        .expect("a superuser may");
        sqlx::query(
            "insert into app.import_links (tenant_id, resource_type, source_id, target_id, content_hash, imported_at)
             values ($1, 'Person', $3, $2, 'x', now())",
        )
        .bind(clinic.id.0)
        .bind(id)
        .bind(&name)
        .execute(&mut connection)
        .await
        .expect("a superuser may");
    }
    let done = settle(&clinic).await;
    assert_eq!(done.indexed, 2, "{done:?}");
    assert_eq!(left(&clinic).await.keys, 0);
    let kept: Vec<(Uuid, String)> = sqlx::query_as(
        "select id, source_id from app.imported_resources where tenant_id = $1 order by source_id",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut connection)
    .await
    .expect("resources");
    let expected = [
        (second, format!("ssn|{new}")),
        (first, format!("twice|{first}")),
    ];
    assert_eq!(kept, expected);
    let leads: Vec<(Uuid, bool)> = sqlx::query_as(
        "select target_id, starts_with(source_id, 'twice|') from app.import_links where tenant_id = $1 order by source_id",
    )
    .bind(clinic.id.0)
    .fetch_all(&mut connection)
    .await
    .expect("links");
    assert_eq!(leads, [(second, false), (first, true)]);
    // Of the next key there is nothing double.
    rotate(&clinic).await;
    run(&clinic).await;
    assert_eq!(settle(&clinic).await.indexed, 2);
}

//! An export is the whole record of one person, on record before it leaves.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use futures_util::StreamExt as _;
use platform::access::Role;
use serde_json::Value;
use sqlx::Row;

use crate::support::{Caller, Chart, Reply, TestTenant};

/// The entries of the zip in an answer.
pub(super) fn unpacked(reply: &Reply) -> BTreeMap<String, Vec<u8>> {
    assert_eq!(reply.status.as_u16(), 200, "{}", reply.text);
    assert!(reply.whole, "it broke off");
    let mut zip = zip::ZipArchive::new(Cursor::new(reply.bytes.to_vec())).expect("a zip");
    (0..zip.len())
        .map(|place| {
            let mut entry = zip.by_index(place).expect("an entry");
            let mut content = Vec::new();
            entry.read_to_end(&mut content).expect("its content");
            (entry.name().expect("a name").into_owned(), content)
        })
        .collect()
}

pub(super) fn rows(entries: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<Value> {
    let text = entries
        .get(&format!("data/{table}.ndjson"))
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
        .unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

#[tokio::test]
async fn it_holds_the_rows_of_every_table_that_names_the_patient() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    let entries = unpacked(
        &admin
            .act(chart.fill("/api/v1/patients/{patient_id}/export"))
            .await,
    );
    assert_eq!(rows(&entries, "patients").len(), 1);
    // Copies and indexes of what is exported beside them, and what no role may read.
    let apart = [
        "search_texts",
        "document_texts",
        "procedure_codings",
        "encounter_register",
        "document_uploads",
    ];
    let mut behind = clinic.behind_the_curtain().await;
    let tables = sqlx::query(
        "select t.relname::text as name, array_agg(c.col::text) as cols
           from app.patient_columns() c join pg_class t on t.oid = c.tbl group by t.relname",
    )
    .fetch_all(&mut behind)
    .await
    .expect("the catalogue");
    assert!(tables.len() > 20);
    for table in tables {
        let (name, columns): (String, Vec<String>) = (table.get("name"), table.get("cols"));
        if apart.contains(&name.as_str()) || name == "patients" {
            continue;
        }
        let named: Vec<String> = columns
            .iter()
            .map(|column| format!("{column} = $1"))
            .collect();
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "select count(*) from app.{name} where {}",
            named.join(" or ")
        )))
        .bind(chart.patient.parse::<uuid::Uuid>().expect("an id"))
        .fetch_one(&mut behind)
        .await
        .expect("a count");
        let exported = i64::try_from(rows(&entries, &name).len()).expect("a number");
        assert_eq!(exported, count, "{name}");
    }
}

#[tokio::test]
async fn it_holds_the_files_and_no_sealed_value() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let reply = chart
        .doctor
        .act(chart.fill("/api/v1/patients/{patient_id}/export"))
        .await;
    let entries = unpacked(&reply);
    let file = entries
        .iter()
        .find(|(name, _)| name.starts_with("documents/") && name.ends_with("1-chart.txt"))
        .expect("the file");
    assert_eq!(file.1, b"chart");
    let manifest: Value = serde_json::from_slice(&entries["manifest.json"]).expect("a manifest");
    assert_eq!(manifest["documents"], 1);
    assert_eq!(manifest["rows"]["problems"], 1);
    for content in entries.values() {
        let text = String::from_utf8_lossy(content);
        assert!(!text.contains("sealed_key") && !text.contains("ssn_sealed"));
    }
}

#[tokio::test]
async fn it_is_on_record_as_an_export_and_without_the_record_nothing_leaves() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/export");
    let reply = chart.doctor.act(&place).await;
    let request = reply.headers["x-request-id"]
        .to_str()
        .expect("an id")
        .to_owned();
    let actions: Vec<(String, String)> = sqlx::query_as(
        "select action, patient_id::text from app.phi_accesses where request_id = $1::uuid",
    )
    .bind(&request)
    .fetch_all(&mut clinic.behind_the_curtain().await)
    .await
    .expect("the log");
    assert_eq!(actions, [("export".to_owned(), chart.patient.clone())]);
    let unlogged = chart.doctor.on(clinic.server_without_log().await);
    let refused = unlogged.act(&place).await;
    assert_eq!(refused.status.as_u16(), 503, "{}", refused.text);
}

#[tokio::test]
async fn a_patient_takes_out_his_own_and_only_what_he_may_read() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/export");
    let own = unpacked(&chart.portal_user.act(&place).await);
    assert_eq!(rows(&own, "problems").len(), 1);
    assert_eq!(rows(&own, "released_notes").len(), 1);
    for hidden in ["notes", "note_texts", "clinical_alerts", "documents"] {
        assert!(rows(&own, hidden).is_empty(), "{hidden}");
    }
    let other = Chart::open_another(&clinic, &chart).await;
    let theirs = other.fill("/api/v1/patients/{patient_id}/export");
    chart
        .portal_user
        .act(theirs)
        .await
        .expect_problem(404, "not_found");
    for role in [Role::Staff, Role::Billing, Role::Nurse] {
        let caller = clinic.user(role).await;
        caller.act(&place).await.expect_problem(403, "forbidden");
    }
    let stranger = clinic.user(Role::Provider).await;
    stranger.act(&place).await.expect_problem(404, "not_found");
}

/// Makes the record too long for the buffers between the database and a reader who waits.
async fn lengthen(clinic: &TestTenant, patient: &str) {
    sqlx::query(
        "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, content, content_hash, created_at, updated_at)
         select p.tenant_id, gen_random_uuid(), 'Device', n::text, p.id,
                jsonb_build_object('noise', (select string_agg(md5(random()::text || m || n), '') from generate_series(1, 60) m)),
                '\\x00', now(), now()
           from app.patients p, generate_series(1, 1500) n where p.id = $1::uuid",
    )
    .bind(patient)
    .execute(&mut clinic.behind_the_curtain().await)
    .await
    .expect("a long record");
}

/// Begins an export and reads its first piece: the body, of which more is to come.
async fn begun(caller: &Caller, place: &str) -> axum::body::BodyDataStream {
    let answer = caller.open(axum::http::Method::POST, place).await;
    assert_eq!(answer.status().as_u16(), 200);
    let mut body = answer.into_body().into_data_stream();
    let first = body.next().await.expect("a piece").expect("a piece");
    assert!(!first.is_empty());
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_who_take_their_time_keep_nobody_from_the_database() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    lengthen(&clinic, &chart.patient).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/export");
    // As many as have a turn at the database at once, and some more.
    let mut waiting = Vec::new();
    for _ in 0..18 {
        let admin = clinic.user(Role::Admin).await;
        waiting.push(begun(&admin, &place).await);
    }
    chart
        .doctor
        .get(chart.fill("/api/v1/patients/{patient_id}/chart"))
        .await
        .expect(200);
    // Nothing of it was lost while they waited.
    let rest: Vec<_> = waiting.remove(0).collect().await;
    assert!(rest.into_iter().all(|piece| piece.is_ok()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_takes_out_one_record_at_a_time() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    lengthen(&clinic, &chart.patient).await;
    let place = chart.fill("/api/v1/patients/{patient_id}/export");
    let under_way = begun(&chart.doctor, &place).await;
    chart
        .doctor
        .act(&place)
        .await
        .expect_problem(429, "export_under_way");
    unpacked(&chart.portal_user.act(&place).await);
    drop(under_way);
    for _ in 0..100 {
        let again = chart.doctor.act(&place).await;
        if again.status.as_u16() == 200 {
            unpacked(&again);
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("who hung up may not begin again");
}

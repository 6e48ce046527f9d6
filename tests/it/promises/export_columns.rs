//! Who takes which columns of a chart out: every column of every table that belongs to a patient is decided in a golden file,
//! and what leaves is what the file says. A column that is added tomorrow makes the file differ until somebody has decided.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Cursor, Read};

use axum::http::Method;
use platform::access::{Role, withheld};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::golden;
use super::openapi::{example, is_form, operations, required_query};
use crate::support::{Caller, Chart, TestTenant, begin};

/// Those who may take a record out.
const ROLES: [Role; 3] = [Role::Admin, Role::Provider, Role::Patient];

/// Values that another word would break: the file or the number could not be opened any more.
const SEALED: [&str; 2] = ["sealed_key", "ssn_sealed"];

/// A table of a chart as the catalogue has it.
struct Table {
    name: String,
    columns: Vec<(String, String)>,
    /// The roles its policy shows rows to.
    readers: Vec<String>,
}

impl Table {
    fn shows(&self, role: Role, column: &str) -> bool {
        self.readers.iter().any(|reader| reader == role.as_str())
            && !withheld::hides(role, &self.name, column)
    }
}

/// The word planted in a column.
fn canary(table: &str, column: &str) -> String {
    format!("Kanarienvogel.{table}.{column}.")
}

#[tokio::test]
async fn what_leaves_with_a_record_is_decided_column_by_column() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let admin = clinic.user(Role::Admin).await;
    fill(&chart, &admin).await;
    let mut behind = clinic.behind_the_curtain().await;
    offer_a_place(&mut behind, &chart.patient).await;
    keep_a_resource(&mut behind, &chart.patient).await;

    let tables = catalogue(&mut behind, &taken_out(&admin, &chart).await).await;
    golden("export_columns.txt", &rendered(&tables));

    let planted = plant(&mut behind, &tables, &chart.patient).await;
    assert!(planted.len() > 70, "{} words planted", planted.len());
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for (role, caller) in ROLES
        .into_iter()
        .zip([&admin, &chart.doctor, &chart.portal_user])
    {
        let entries = taken_out(caller, &chart).await;
        let whole: Vec<u8> = entries.values().flatten().copied().collect();
        let whole = String::from_utf8_lossy(&whole);
        for table in &tables {
            let rows = rows(&entries, &table.name);
            let wanted: BTreeSet<&str> = table
                .columns
                .iter()
                .map(|(column, _)| column.as_str())
                .filter(|column| table.shows(role, column))
                .collect();
            for row in &rows {
                let found: BTreeSet<&str> = row.keys().map(String::as_str).collect();
                assert_eq!(found, wanted, "{} for {}", table.name, role.as_str());
            }
            if !rows.is_empty() {
                seen.insert(table.name.clone());
            }
            for (column, _) in &table.columns {
                let word = canary(&table.name, column);
                let told = whole.contains(&word);
                assert!(
                    !told || table.shows(role, column),
                    "{word} leaves with {}",
                    role.as_str()
                );
                assert!(
                    told || rows.is_empty()
                        || !planted.contains(&word)
                        || !table.shows(role, column),
                    "{word} does not leave with {}",
                    role.as_str()
                );
            }
        }
    }
    let unseen: Vec<&str> = tables
        .iter()
        .map(|table| table.name.as_str())
        .filter(|table| !seen.contains(*table))
        .collect();
    // Whoever takes a record out is shown none of their rows: links are the system's.
    let system = ["appointment_links", "waitlist_offer_links"];
    let empty = [
        "bed_stays",
        "no_show_scores",
        "legal_holds",
        "reminders",
        "note_cosignatures",
        "device_readings",
        "imported_resource_states",
    ];
    assert!(
        unseen
            .iter()
            .all(|table| system.contains(table) || empty.contains(table)),
        "the chart has no row of {unseen:?}"
    );
}

/// What is withheld of an appointment is withheld by every answer, not by the export alone.
#[tokio::test]
async fn what_is_withheld_from_a_role_no_answer_tells_it() {
    let clinic = TestTenant::new().await;
    let chart = Chart::open(&clinic).await;
    let mut behind = clinic.behind_the_curtain().await;
    sqlx::query("update app.appointments set overbooked = true, overbook_reason = 'full' where patient_id = $1::uuid")
        .bind(&chart.patient)
        .execute(&mut behind)
        .await
        .expect("overbooked");
    for (table, columns) in [
        (
            "appointments",
            ["notes", "overbook_reason", "chief_complaint"].as_slice(),
        ),
        ("appointment_series", &["chief_complaint"]),
    ] {
        for column in columns {
            let word = canary(table, column);
            sqlx::query(AssertSqlSafe(format!(
                "update app.{table} set {column} = '{word}' where patient_id = '{}'",
                chart.patient
            )))
            .execute(&mut behind)
            .await
            .expect("planted");
        }
    }
    let billing = clinic.user(Role::Billing).await;
    let document = chartwell::document();
    for (role, caller, shown) in [
        (Role::Patient, &chart.portal_user, "chief_complaint"),
        (Role::Billing, &billing, ""),
        (Role::Nurse, &chart.nurse, "notes"),
    ] {
        let mut told: BTreeSet<String> = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            if method != Method::GET || path.contains("events") || path.contains("stream") {
                continue;
            }
            let reply = caller
                .get(chart.fill(&path) + &required_query(&operation))
                .await;
            for (table, column) in [
                ("appointments", "notes"),
                ("appointments", "overbook_reason"),
                ("appointments", "chief_complaint"),
                ("appointment_series", "chief_complaint"),
            ] {
                if reply.text.contains(&canary(table, column)) {
                    told.insert(column.to_owned());
                    assert!(
                        !withheld::hides(role, table, column),
                        "{path} tells {} {table}.{column}",
                        role.as_str()
                    );
                }
            }
        }
        assert!(
            shown.is_empty() || told.contains(shown),
            "{} sees {told:?}",
            role.as_str()
        );
    }
}

/// Whatever can be made from the examples of the API document, so that tables have rows.
async fn fill(chart: &Chart, admin: &Caller) {
    let document = chartwell::document();
    for (path, method, operation) in operations(&document) {
        let made = operation["responses"]["201"].is_object();
        if method != Method::POST || !made || is_form(&operation) || !path.starts_with("/api/v1/") {
            continue;
        }
        let body = chart.localise(example(&document, &operation).unwrap_or(json!({})));
        for caller in [admin, &chart.doctor, &chart.portal_user] {
            let reply = caller.post(chart.fill(&path), body.clone()).await;
            assert!(!reply.status.is_server_error(), "{path}: {}", reply.text);
            if reply.status.is_success() {
                break;
            }
        }
    }
}

/// A place offered to the patient, with the reason why he and not another.
async fn offer_a_place(behind: &mut PgConnection, patient: &str) {
    let made = sqlx::query(
        "insert into app.waitlist_offers (tenant_id, id, patient_id, entry_id, freed_by, hold_id, facility_id, starts_at, ends_at,
                                          deadline, triage, created_at, updated_at)
         select e.tenant_id, gen_random_uuid(), e.patient_id, e.id, a.id, h.id, h.facility_id, h.starts_at, h.ends_at, now(),
                '{\"points\": 1}', now(), now()
           from app.waitlist_entries e
           join app.appointment_holds h on h.tenant_id = e.tenant_id and h.patient_id = e.patient_id
           join app.appointments a on a.tenant_id = e.tenant_id and a.patient_id = e.patient_id
          where e.patient_id = $1::uuid limit 1",
    )
    .bind(patient)
    .execute(behind)
    .await
    .expect("an offer");
    assert_eq!(made.rows_affected(), 1, "he waits for something");
}

async fn keep_a_resource(behind: &mut PgConnection, patient: &str) {
    sqlx::query(
        "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, content, content_hash, created_at, updated_at)
         select tenant_id, gen_random_uuid(), 'Device', 'one', id, '{}', '\\x00', now(), now() from app.patients where id = $1::uuid",
    )
    .bind(patient)
    .execute(behind)
    .await
    .expect("a resource");
}

/// The tables of the export, with their columns and who is shown rows.
async fn catalogue(behind: &mut PgConnection, entries: &BTreeMap<String, Vec<u8>>) -> Vec<Table> {
    let manifest: Value = serde_json::from_slice(&entries["manifest.json"]).expect("a manifest");
    let names: Vec<String> = manifest["rows"]
        .as_object()
        .expect("the tables")
        .keys()
        .cloned()
        .collect();
    let rows = sqlx::query(
        "select t.relname::text as name, array_agg(a.attname::text order by a.attname) as columns,
                array_agg(format_type(a.atttypid, null) order by a.attname) as kinds,
                (select pg_get_expr(p.polqual, p.polrelid) from pg_policy p where p.polrelid = t.oid and p.polcmd = 'r') as policy
           from pg_class t join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
          where t.relnamespace = 'app'::regnamespace and t.relname = any($1)
          group by t.oid, t.relname order by t.relname",
    )
    .bind(&names)
    .fetch_all(behind)
    .await
    .expect("the catalogue");
    assert_eq!(rows.len(), names.len());
    rows.into_iter()
        .map(|row| {
            let (columns, kinds): (Vec<String>, Vec<String>) =
                (row.get("columns"), row.get("kinds"));
            Table {
                name: row.get("name"),
                columns: columns.into_iter().zip(kinds).collect(),
                readers: readers(&row.get::<String, _>("policy")),
            }
        })
        .collect()
}

/// The roles a policy names: `array_position('{admin,provider}'::text[], app.actor_role())`. Rows about himself, or of a
/// document released to him, are shown to anybody whom the rest of it lets.
fn readers(policy: &str) -> Vec<String> {
    let (_, rest) = policy
        .split_once("array_position('{")
        .expect("a policy by roles");
    let (roles, _) = rest.split_once('}').expect("its roles");
    let mut roles: Vec<String> = roles.split(',').map(str::to_owned).collect();
    if policy.contains("user_id = app.user_id()") && !policy.contains("provider_user_id") {
        roles.extend(ROLES.map(|role| role.as_str().to_owned()));
    }
    roles
}

fn rendered(tables: &[Table]) -> String {
    use std::fmt::Write as _;
    let mut text = String::from(
        "# Who takes out which column of a patient's record: written by the promise `export_columns`.\n",
    );
    let _ = write!(text, "{:<48}", "table.column");
    for role in ROLES {
        let _ = write!(text, " {:<8}", role.as_str());
    }
    for table in tables {
        for (column, _) in &table.columns {
            let _ = write!(text, "\n{:<48}", format!("{}.{column}", table.name));
            for role in ROLES {
                let mark = if table.shows(role, column) {
                    "yes"
                } else {
                    "-"
                };
                let _ = write!(text, " {mark:<8}");
            }
        }
    }
    text.lines()
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
        + "\n"
}

/// Plants a word in every text column that takes one; returns the words.
async fn plant(behind: &mut PgConnection, tables: &[Table], patient: &str) -> BTreeSet<String> {
    let mut planted = BTreeSet::new();
    for table in tables {
        for (column, kind) in &table.columns {
            // The registration itself is read before its rows are given out: most of its words are of a closed set.
            let closed = table.name == "patients" && column != "status_reason";
            if kind != "text" || closed || SEALED.contains(&column.as_str()) {
                continue;
            }
            let word = canary(&table.name, column);
            let named = if table.name == "patients" {
                "id"
            } else {
                "patient_id"
            };
            let mut attempt = begin(behind).await;
            let done = sqlx::query(AssertSqlSafe(format!(
                "update app.{} set {column} = '{word}' where {named} = '{patient}'",
                table.name
            )))
            .execute(&mut *attempt)
            .await;
            // What is one of a few words, or signed, takes no other.
            if done.is_ok_and(|done| done.rows_affected() > 0) && attempt.commit().await.is_ok() {
                planted.insert(word);
            }
        }
    }
    planted
}

/// The entries of the zip with the whole record.
async fn taken_out(caller: &Caller, chart: &Chart) -> BTreeMap<String, Vec<u8>> {
    let reply = caller
        .act(chart.fill("/api/v1/patients/{patient_id}/export"))
        .await;
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

fn rows(entries: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<serde_json::Map<String, Value>> {
    let bytes = entries.get(&format!("data/{table}.ndjson"));
    let text = bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    text.unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line of JSON"))
        .collect()
}

//! Merging: everything moves, nothing is lost, and what is taken back is as it was.

use std::collections::BTreeMap;

use platform::access::Role;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use crate::support::{Caller, Chart, OwnDatabase, TestTenant};

/// A clinic with a chart of everything, and a registration it is to be merged into.
pub struct Case {
    pub clinic: TestTenant,
    pub admin: Caller,
    pub chart: Chart,
    pub survivor: String,
}

impl Case {
    pub async fn new() -> Self {
        let clinic = TestTenant::new().await;
        let chart = Chart::open(&clinic).await;
        let admin = clinic.user(Role::Admin).await;
        let survivor = clinic.patient(&admin).await;
        Self {
            clinic,
            admin,
            chart,
            survivor,
        }
    }

    pub async fn merge(&self, query: &str) -> Value {
        self.admin
            .post(
                format!("/api/v1/patients/{}/merge{query}", self.survivor),
                json!({ "duplicate_id": self.chart.patient, "reason": "The same passport" }),
            )
            .await
            .expect(200)
    }

    pub async fn unmerge(&self) -> Value {
        self.admin
            .post(
                format!("/api/v1/patients/{}/unmerge", self.chart.patient),
                json!({ "reason": "Father and son" }),
            )
            .await
            .expect(200)
    }

    /// Every row of every table of the tenant that names either patient, but for the records of merging and the log.
    pub async fn rows(&self) -> BTreeMap<String, Vec<Value>> {
        let mut connection = self.clinic.behind_the_curtain().await;
        let tables: Vec<String> = sqlx::query_scalar(
            "select c.relname::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition
                and c.relname not in ('patient_merges', 'patient_merge_rows', 'audit_log', 'phi_access_log', 'idempotency_keys')
                and exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'tenant_id')",
        )
        .fetch_all(&mut connection)
        .await
        .expect("the catalogue answers");
        let mut found = BTreeMap::new();
        for table in tables {
            let rows: Vec<Value> = sqlx::query_scalar(AssertSqlSafe(format!(
                "select to_jsonb(t) from app.{table} t
                  where tenant_id = $1 and (to_jsonb(t)::text like '%' || $2 || '%' or to_jsonb(t)::text like '%' || $3 || '%')
                  order by to_jsonb(t)::text"
            )))
            .bind(self.clinic.id.0)
            .bind(&self.chart.patient)
            .bind(&self.survivor)
            .fetch_all(&mut connection)
            .await
            .expect("rows");
            found.insert(table, rows);
        }
        found
    }
}

/// A registration's own row goes on being versioned: it is compared without its version and time.
pub fn as_before(mut rows: BTreeMap<String, Vec<Value>>) -> BTreeMap<String, Vec<Value>> {
    for row in rows.get_mut("patients").into_iter().flatten() {
        row["version"] = Value::Null;
        row["updated_at"] = Value::Null;
    }
    rows
}

async fn imported(connection: &mut PgConnection, case: &Case, encounter: &str) {
    sqlx::query(
        "insert into app.imported_resources (tenant_id, id, resource_type, source_id, patient_id, encounter_id, content, content_hash, created_at, updated_at)
         values ($1, gen_random_uuid(), 'Observation', $3, $2::uuid, $3::uuid, '{}', '', now(), now())",
    )
    .bind(case.clinic.id.0)
    .bind(&case.chart.patient)
    .bind(encounter)
    .execute(connection)
    .await
    .expect("a resource");
}

#[tokio::test]
async fn everything_moves_to_the_survivor_and_returns_as_it_was() {
    let case = Case::new().await;
    let encounter = case.chart.fill("{encounter_id}");
    imported(
        &mut case.clinic.behind_the_curtain().await,
        &case,
        &encounter,
    )
    .await;
    let before = case.rows().await;
    let report = case.merge("").await;
    let moved: Vec<&str> = report["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .filter(|table| table["moved"].as_i64() > Some(0))
        .filter_map(|table| table["table"].as_str())
        .collect();
    for table in [
        "care_team_members",
        "encounters",
        "encounter_register",
        "imported_resources",
    ] {
        assert!(moved.contains(&table), "{report}");
    }
    let there = case
        .admin
        .get(format!(
            "/api/v1/patients/{}/encounters/{encounter}",
            case.survivor
        ))
        .await;
    assert_eq!(there.status, 200, "{}", there.text);
    case.admin
        .get(format!(
            "/api/v1/patients/{}/encounters/{encounter}",
            case.chart.patient
        ))
        .await
        .expect_problem(404, "not_found");
    // His account opens the chart that goes on.
    let own = case
        .chart
        .portal_user
        .get(format!("/api/v1/patients/{}", case.survivor))
        .await;
    assert_eq!(own.status, 200, "{}", own.text);
    case.unmerge().await;
    let after = case.rows().await;
    assert_eq!(
        before.keys().collect::<Vec<_>>(),
        after.keys().collect::<Vec<_>>()
    );
    let (before, after) = (as_before(before), as_before(after));
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
}

#[tokio::test]
async fn a_preview_tells_what_the_merge_then_does_and_does_nothing() {
    let case = Case::new().await;
    let before = case.rows().await;
    let preview = case.merge("?preview=true").await;
    assert_eq!(preview["preview"], true);
    assert!(
        preview["conflicts"].to_string().contains("names"),
        "{preview}"
    );
    assert_eq!(before, case.rows().await);
    let merge = case.merge("").await;
    assert_eq!(
        (&preview["tables"], &preview["conflicts"]),
        (&merge["tables"], &merge["conflicts"])
    );
}

#[tokio::test]
async fn a_merged_registration_names_its_survivor_and_takes_nothing_more() {
    let case = Case::new().await;
    let path = format!("/api/v1/patients/{}", case.chart.patient);
    let mrn = case.admin.get(&path).await.expect(200)["mrn"].clone();
    case.merge("").await;
    let read = case.admin.get(&path).await.expect(200);
    assert_eq!(
        (&read["status"], &read["replaced_by"]),
        (&json!("merged"), &json!(case.survivor))
    );
    let visit = json!({ "class": "office_visit", "scheduled_start": "2026-12-01T09:00:00-05:00" });
    let doctor = case.clinic.user(Role::Provider).await;
    for refused in [
        case.admin
            .patch(&path, 2, json!({ "language": "en" }))
            .await,
        case.admin
            .post(format!("{path}/status"), json!({ "status": "active" }))
            .await,
        case.admin.act(format!("{path}/retire")).await,
        case.admin.post(format!("{path}/encounters"), visit).await,
        case.admin
            .post(
                format!("{path}/care-team"),
                json!({ "user_id": doctor.user_id, "role": "consulting" }),
            )
            .await,
        case.admin
            .post(
                format!("{path}/merge"),
                json!({ "duplicate_id": case.survivor, "reason": "x" }),
            )
            .await,
    ] {
        refused.expect_problem(409, "patient_merged");
    }
    // Who asks for the old number is shown the survivor, once.
    let found = case
        .admin
        .get(format!(
            "/api/v1/patients?mrn={}",
            mrn.as_str().expect("a number")
        ))
        .await
        .expect(200);
    assert_eq!(found["items"][0]["id"], json!(case.survivor), "{found}");
    let listed = case.admin.get("/api/v1/patients").await.expect(200);
    assert!(
        !listed.to_string().contains(&case.chart.patient),
        "{listed}"
    );
    // An amendment of the survivor forgets none of the old ways to find him.
    let survivor = format!("/api/v1/patients/{}", case.survivor);
    let version = case.admin.get(&survivor).await.expect(200)["version"]
        .as_i64()
        .expect("a version");
    case.admin
        .patch(&survivor, version, json!({ "language": "en" }))
        .await
        .expect(200);
    let found = case
        .admin
        .get("/api/v1/patients?family=chart")
        .await
        .expect(200);
    assert_eq!(found["items"][0]["id"], json!(case.survivor), "{found}");
    let matched = &found["items"][0]["matched"];
    assert_eq!(matched, &json!(["merged_registration"]));
}

#[tokio::test]
async fn what_the_survivor_has_already_stays_and_is_named() {
    let case = Case::new().await;
    let doctor = case.chart.fill("{user_id}");
    case.admin
        .post(
            format!("/api/v1/patients/{}/care-team", case.survivor),
            json!({ "user_id": doctor, "role": "primary_care" }),
        )
        .await
        .expect(201);
    let before = case.rows().await;
    let report = case.merge("").await;
    let team = report["tables"]
        .as_array()
        .expect("tables")
        .iter()
        .find(|table| table["table"] == "care_team_members")
        .expect("the team");
    assert_eq!(
        (&team["stayed"], &team["because"]),
        (&json!(1), &json!(["care_team_members_open_key"])),
        "{report}"
    );
    case.unmerge().await;
    assert_eq!(as_before(before), as_before(case.rows().await));
}

#[tokio::test]
async fn what_was_written_into_a_moved_encounter_returns_with_it_and_the_rest_stays() {
    let case = Case::new().await;
    let encounter = case.chart.fill("{encounter_id}");
    case.merge("").await;
    let survivor = format!("/api/v1/patients/{}", case.survivor);
    case.admin
        .post(
            format!("{survivor}/encounters/{encounter}/participants"),
            json!({ "provider_id": case.chart.fill("{provider_id}"), "role": "consulting" }),
        )
        .await
        .expect(201);
    let visit = json!({ "class": "office_visit", "scheduled_start": "2026-12-03T09:00:00-05:00" });
    let new = case
        .admin
        .post(format!("{survivor}/encounters"), visit)
        .await
        .expect(201);
    case.unmerge().await;
    let returned = case
        .admin
        .get(format!(
            "/api/v1/patients/{}/encounters/{encounter}/participants",
            case.chart.patient
        ))
        .await
        .expect(200);
    assert_eq!(
        returned["items"].as_array().map(Vec::len),
        Some(1),
        "{returned}"
    );
    let stayed = case
        .admin
        .get(format!(
            "{survivor}/encounters/{}",
            new["id"].as_str().expect("an id")
        ))
        .await;
    assert_eq!(stayed.status, 200, "{}", stayed.text);
}

#[tokio::test]
async fn a_merge_of_the_survivor_is_taken_back_first() {
    let case = Case::new().await;
    let third = case.clinic.patient(&case.admin).await;
    let before = case.rows().await;
    case.merge("").await;
    let on = json!({ "duplicate_id": case.survivor, "reason": "A third registration" });
    case.admin
        .post(format!("/api/v1/patients/{third}/merge"), on)
        .await
        .expect(200);
    let read = case
        .admin
        .get(format!("/api/v1/patients/{}", case.chart.patient))
        .await
        .expect(200);
    assert_eq!(
        read["replaced_by"],
        json!(third),
        "the chain is one step long"
    );
    let why = json!({ "reason": "x" });
    case.admin
        .post(
            format!("/api/v1/patients/{}/unmerge", case.chart.patient),
            why.clone(),
        )
        .await
        .expect_problem(409, "illegal_transition");
    case.admin
        .post(format!("/api/v1/patients/{}/unmerge", case.survivor), why)
        .await
        .expect(200);
    case.unmerge().await;
    assert_eq!(as_before(before), as_before(case.rows().await));
}

#[tokio::test]
async fn both_charts_are_on_record_and_history_is_not_rewritten() {
    let case = Case::new().await;
    let past = "select coalesce(jsonb_agg(to_jsonb(a) order by a.at, a.id), '[]') from app.audit_log a where tenant_id = $1 and at <= $2";
    let mut connection = case.clinic.behind_the_curtain().await;
    let until: chrono::DateTime<chrono::Utc> = sqlx::query_scalar("select clock_timestamp()")
        .fetch_one(&mut connection)
        .await
        .expect("a clock");
    let history = async |connection: &mut PgConnection| -> Value {
        sqlx::query_scalar(past)
            .bind(case.clinic.id.0)
            .bind(until)
            .fetch_one(connection)
            .await
            .expect("history")
    };
    let before = history(&mut connection).await;
    case.merge("").await;
    assert_eq!(before, history(&mut connection).await);
    let on_record: Vec<String> = sqlx::query_scalar(
        "select distinct patient_id::text from app.phi_accesses
          where tenant_id = $1 and user_id = $2::uuid and route like '%/merge' and action = 'update'",
    )
    .bind(case.clinic.id.0)
    .bind(&case.admin.user_id)
    .fetch_all(&mut connection)
    .await
    .expect("the log");
    assert!(
        on_record.contains(&case.survivor) && on_record.contains(&case.chart.patient),
        "{on_record:?}"
    );
}

#[tokio::test]
async fn who_writes_into_a_chart_while_it_is_merged_is_moved_too_or_refused() {
    let case = Case::new().await;
    let path = format!("/api/v1/patients/{}/encounters", case.chart.patient);
    let writers: Vec<_> = (0..12)
        .map(|hour| {
            let (admin, path) = (case.admin.clone(), path.clone());
            tokio::spawn(async move {
                let body = json!({ "class": "office_visit", "scheduled_start": format!("2026-12-02T{:02}:00:00-05:00", 8 + hour) });
                admin.post(path, body).await
            })
        })
        .collect();
    case.merge("").await;
    let mut written = 0;
    for writer in writers {
        let reply = writer.await.expect("a writer");
        if reply.status == 201 {
            written += 1;
        } else {
            reply.expect_problem(409, "patient_merged");
        }
    }
    let mut connection = case.clinic.behind_the_curtain().await;
    let left: Vec<(String, i64)> = sqlx::query_as(
        "select patient_id::text, count(*) from app.encounters where tenant_id = $1 group by patient_id",
    )
    .bind(case.clinic.id.0)
    .fetch_all(&mut connection)
    .await
    .expect("encounters");
    assert_eq!(left, [(case.survivor.clone(), written + 1)]);
}

#[tokio::test]
async fn a_table_made_tomorrow_is_moved_and_closed_without_a_word_about_it() {
    let database = OwnDatabase::copy().await;
    let mut connection = database.connect().await;
    // As a migration of tomorrow would: a table of a patient, and one that hangs on it.
    connection
        .execute(
            "set role chartwell_owner;
             create table app.allergies_of_tomorrow (tenant_id uuid not null, id uuid not null, patient_id uuid not null, substance text not null,
                 constraint allergies_of_tomorrow_pkey primary key (tenant_id, id),
                 constraint allergies_of_tomorrow_patient_fkey foreign key (tenant_id, patient_id) references app.patients (tenant_id, id),
                 constraint allergies_of_tomorrow_whole_key unique (tenant_id, patient_id, id),
                 constraint allergies_of_tomorrow_substance_key unique (tenant_id, patient_id, substance));
             create table app.reactions_of_tomorrow (tenant_id uuid not null, id uuid not null, patient_id uuid not null, allergy_id uuid not null,
                 constraint reactions_of_tomorrow_pkey primary key (tenant_id, id),
                 constraint reactions_of_tomorrow_allergy_fkey foreign key (tenant_id, patient_id, allergy_id)
                     references app.allergies_of_tomorrow (tenant_id, patient_id, id));
             select app.tenant_table('app.allergies_of_tomorrow', of_patient => true, history => false, read => '{admin}', write => '{provider}');
             select app.tenant_table('app.reactions_of_tomorrow', of_patient => true, history => false, read => '{admin}', write => '{provider}');
             reset role",
        )
        .await
        .expect("tables of tomorrow");
    tomorrow(&mut connection).await;
    drop(connection);
    database.drop().await;
}

const TENANT: &str = "00000000-0000-0000-0000-00000000000e";

/// Two patients, both allergic to nuts, one to latex too; merged as the runtime role does it, and taken back.
async fn tomorrow(connection: &mut PgConnection) {
    let id = |kind: char, number: u8| format!("00000000-0000-0000-0000-0000000000{kind}{number}");
    let (survivor, merged) = (id('a', 1), id('a', 2));
    connection
        .execute(AssertSqlSafe(format!(
            "insert into app.tenants (tenant_id, slug, name, created_at, updated_at) values ('{TENANT}', 'tomorrow', 'T', now(), now());
             select app.ensure_months(2);
             set app.context = '{TENANT} admin organization   ';
             insert into app.patients (tenant_id, id, mrn, names, sort_key, birth_date, sex, created_at, updated_at)
             select '{TENANT}', p::uuid, p, '[]', '', '1980-01-01', 'female', now(), now() from unnest(array['{survivor}', '{merged}']) p;
             insert into app.allergies_of_tomorrow values ('{TENANT}', '{}', '{survivor}', 'nuts'), ('{TENANT}', '{}', '{merged}', 'nuts'),
                 ('{TENANT}', '{}', '{merged}', 'latex');
             insert into app.reactions_of_tomorrow values ('{TENANT}', '{}', '{merged}', '{}'), ('{TENANT}', '{}', '{merged}', '{}');
             insert into app.patient_merges (tenant_id, id, survivor_id, merged_id, reason, former_status, created_at, updated_at)
             values ('{TENANT}', '{}', '{survivor}', '{merged}', 'test', 'active', now(), now());",
            id('b', 1), id('b', 2), id('b', 3), id('c', 1), id('b', 2), id('c', 2), id('b', 3), id('d', 1),
        )))
        .await
        .expect("two patients");
    let rows = "select jsonb_agg(to_jsonb(t) order by t.id) from (select id, patient_id, substance from app.allergies_of_tomorrow
                union all select id, patient_id, null from app.reactions_of_tomorrow) t";
    let before: Value = sqlx::query_scalar(rows)
        .fetch_one(&mut *connection)
        .await
        .expect("rows");
    connection
        .execute(AssertSqlSafe(format!(
            "set role chartwell_runtime; select app.merge_patients('{}'); reset role",
            id('d', 1)
        )))
        .await
        .expect("merged");
    let fates: Vec<(String, String)> = sqlx::query_as(
        "select table_name || ' ' || (row_key ->> 'id'), fate from app.patient_merge_rows order by 1",
    )
    .fetch_all(&mut *connection)
    .await
    .expect("the journal");
    // The second allergy to nuts stays, and its reaction with it; latex and its reaction go.
    let expected = [
        (format!("allergies_of_tomorrow {}", id('b', 2)), "stayed"),
        (format!("allergies_of_tomorrow {}", id('b', 3)), "moved"),
        (format!("reactions_of_tomorrow {}", id('c', 1)), "stayed"),
        (format!("reactions_of_tomorrow {}", id('c', 2)), "moved"),
    ]
    .map(|(row, fate)| (row, fate.to_owned()));
    assert_eq!(fates, expected);
    let refused = connection
        .execute(AssertSqlSafe(format!(
            "insert into app.allergies_of_tomorrow values ('{TENANT}', gen_random_uuid(), '{merged}', 'dust')"
        )))
        .await
        .expect_err("the registration is closed");
    assert_eq!(
        refused
            .as_database_error()
            .and_then(|error| error.constraint()),
        Some("patients_merged_check")
    );
    connection
        .execute(AssertSqlSafe(format!(
            "set role chartwell_runtime; select app.unmerge_patients('{}'); reset role",
            id('d', 1)
        )))
        .await
        .expect("taken back");
    let after: Value = sqlx::query_scalar(rows)
        .fetch_one(&mut *connection)
        .await
        .expect("rows");
    assert_eq!(before, after);
}

/// The log is never rewritten: what was opened before stands under the id that was merged away.
#[tokio::test]
async fn who_opened_a_registration_before_it_was_merged_away_stays_in_its_patients_log() {
    let case = Case::new().await;
    let doctor = &case.chart.doctor;
    doctor
        .get(format!("/api/v1/patients/{}", case.chart.patient))
        .await
        .expect(200);
    let lists = [
        format!(
            "/api/v1/audit/access?patient_id={}&user_id={}",
            case.survivor, doctor.user_id
        ),
        format!(
            "/api/v1/patients/{}/access-log?user_id={}",
            case.survivor, doctor.user_id
        ),
    ];
    let found = async |list: &str| {
        let page = case.admin.get(list).await.expect(200);
        page["items"].as_array().expect("items").clone()
    };
    for list in &lists {
        assert_eq!(found(list).await.len(), 0, "another registration");
    }
    case.merge("").await;
    for list in &lists {
        let found = found(list).await;
        assert!(!found.is_empty(), "{list}");
        let former = |row: &Value| row["patient_id"] == json!(case.chart.patient);
        assert!(found.iter().all(former), "{found:?}");
    }
    let me = &case.chart.portal_user;
    let me = me.with_token(Some(case.clinic.log_in(&me.email).await));
    let own = me
        .get("/api/v1/me/access-log?role=provider&limit=200")
        .await
        .expect(200);
    let own = own["items"].as_array().expect("items").clone();
    assert!(!own.is_empty());
    assert!(own.iter().all(|row| row["user_name"] == "Test Provider"));
    let others = case.clinic.patient(&case.admin).await;
    let page = format!("/api/v1/patients/{others}");
    me.get(&page).await.expect_problem(404, "not_found");
    case.unmerge().await;
    for list in &lists {
        assert_eq!(found(list).await.len(), 0, "they are two again");
    }
}

//! The catalogue keeps the promise of isolation, and the question finds whoever breaks it.

use platform::db::isolation;
use sqlx::{Connection, Executor, PgConnection};

use crate::support::{Chart, OwnDatabase, TestTenant, admin_connection, run_database};

#[tokio::test]
async fn every_table_of_a_tenant_is_behind_row_level_security() {
    let mut connection = admin_connection().await;
    let violations = isolation::violations(&mut connection)
        .await
        .expect("the catalogue answers");
    assert!(violations.is_empty(), "{violations:#?}");
}

/// Each of these breaks one rule; each must be found. Rolled back.
#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of ways")]
async fn each_way_to_break_isolation_is_found() {
    let breaks = [
        (
            "alter table app.patients no force row level security",
            "not enabled and forced",
        ),
        (
            "create policy wide on app.patients for select using (true)",
            "not exactly one policy",
        ),
        (
            "drop policy patients_delete on app.patients",
            "not exactly one policy",
        ),
        (
            "create table app.forgotten (tenant_id uuid not null, id uuid not null, primary key (tenant_id, id))",
            "not enabled and forced",
        ),
        (
            "create table app.shared_key (id uuid primary key)",
            "does not begin with tenant_id",
        ),
        (
            "create unique index everyone on app.patients (mrn, id)",
            "does not begin with tenant_id",
        ),
        (
            "grant truncate on app.patients to chartwell_runtime",
            "TRUNCATE",
        ),
        (
            "grant select on app.encounters_before_2010 to chartwell_runtime",
            "a grant on a partition",
        ),
        (
            "grant select on app.patients to public",
            "granted to everyone",
        ),
        (
            "grant update on app.phi_access_log to chartwell_runtime",
            "only ever added to",
        ),
        (
            "create view app.peek as select * from app.patients",
            "does not run as its caller",
        ),
        (
            "create function app.peek() returns bigint language sql security definer as 'select 1::bigint'",
            "not on the list",
        ),
        ("alter function app.tenant_id() immutable", "not stable"),
        ("alter function app.scope() immutable", "not stable"),
        (
            "alter function app.document_audience(text, timestamptz) volatile",
            "not stable",
        ),
        (
            "create function app.yes() returns boolean language sql as 'select true';
             alter policy patients_select on app.patients using (tenant_id = app.tenant_id() and app.yes())",
            "not stable",
        ),
        (
            "grant execute on function pg_catalog.set_config(text, text, boolean) to chartwell_runtime",
            "set_config",
        ),
        (
            "grant insert on app.patients to chartwell_glance",
            "may do more than read",
        ),
        (
            "grant execute on function app.patients_at_a_glance(text[], uuid[], uuid[]) to chartwell_runtime",
            "switch contexts by a glance",
        ),
        (
            "create type app.mood as enum ('well'); create table app.m (mood app.mood)",
            "an enum column",
        ),
        (
            "alter role chartwell_runtime bypassrls",
            "more than it needs",
        ),
        (
            "grant chartwell_owner to chartwell_runtime",
            "a member of a role",
        ),
    ];
    let mut connection = admin_connection().await;
    for (statement, rule) in breaks {
        connection.execute("begin").await.expect("begin");
        connection
            .execute(statement)
            .await
            .unwrap_or_else(|error| panic!("{statement}: {error}"));
        let violations = isolation::violations(&mut connection)
            .await
            .expect("the catalogue answers");
        connection.execute("rollback").await.expect("rollback");
        assert!(
            violations.iter().any(|found| found.contains(rule)),
            "{statement} was not found: {violations:#?}"
        );
    }
}

/// An older server that starts during an upgrade does not know everything of the schema; it still finds what is wrong.
#[tokio::test]
async fn of_a_newer_schema_only_real_faults_are_refused() {
    const NEWER: &str = "
        create table app.new_facts (code text primary key, meaning text not null);
        grant select on app.new_facts to chartwell_runtime;
        create table app.new_things (tenant_id uuid not null, id uuid not null, constraint new_things_pkey primary key (tenant_id, id));
        select app.tenant_table('app.new_things', history => false, read => '{admin}', write => '{admin}');
        create function app.new_answer() returns bigint language sql security definer set search_path = pg_catalog, pg_temp
            as 'select 1::bigint';
        revoke all on function app.new_answer() from public";
    const RAISED: &str = "insert into migration._sqlx_migrations (version, description, success, checksum, execution_time)
        values (9999, 'of a later version', true, '', 0)";
    let own = OwnDatabase::copy().await;
    let mut connection = own.connect().await;
    connection
        .execute("set role chartwell_owner")
        .await
        .expect("set");
    connection.execute(NEWER).await.expect("it is made");
    connection.execute("reset role").await.expect("reset");
    let found = isolation::violations(&mut connection)
        .await
        .expect("it answers");
    for rule in [
        "not enabled and forced: new_facts",
        "does not begin with tenant_id: new_facts_pkey",
        "not on the list: new_answer",
    ] {
        assert!(
            found.iter().any(|fault| fault.contains(rule)),
            "{rule}: {found:#?}"
        );
    }
    assert!(
        found.iter().all(|fault| !fault.contains("new_things")),
        "{found:#?}"
    );
    connection.execute(RAISED).await.expect("raised");
    let found = isolation::violations(&mut connection)
        .await
        .expect("it answers");
    assert!(found.is_empty(), "{found:#?}");
    for (fault, rule) in [
        (
            "alter table app.new_things no force row level security",
            "not enabled and forced: new_things",
        ),
        (
            "alter table app.patients no force row level security",
            "not enabled and forced: patients",
        ),
        (
            "alter table app.new_facts add column tenant_id uuid",
            "not enabled and forced: new_facts",
        ),
        (
            "alter role chartwell_runtime bypassrls",
            "more than it needs: chartwell_runtime",
        ),
        (
            "grant execute on function app.new_answer() to public",
            "everyone may run: new_answer",
        ),
        (
            "create policy wide on app.new_facts using (true)",
            "does not name the tenant: wide",
        ),
    ] {
        connection.execute("begin").await.expect("begin");
        connection
            .execute(fault)
            .await
            .expect("an administrator may");
        let found = isolation::violations(&mut connection)
            .await
            .expect("it answers");
        connection.execute("rollback").await.expect("rollback");
        assert!(
            found.iter().any(|fault| fault.contains(rule)),
            "{rule}: {found:#?}"
        );
    }
    connection.close().await.expect("closed");
    own.drop().await;
}

#[tokio::test]
async fn the_server_refuses_a_role_that_sees_past_row_level_security() {
    let mut admin = admin_connection().await;
    assert!(
        isolation::role_bypasses(&mut admin)
            .await
            .expect("an answer")
            .is_some()
    );
    let mut runtime = runtime_connection().await;
    assert_eq!(
        isolation::role_bypasses(&mut runtime)
            .await
            .expect("an answer"),
        None
    );
}

#[tokio::test]
async fn without_a_context_a_table_raises_and_does_not_answer() {
    // An empty table has nothing to raise about.
    Chart::open(&TestTenant::new().await).await;
    let mut connection = runtime_connection().await;
    for table in [
        "patients",
        "encounters",
        "users",
        "phi_access_log",
        "imported_resources",
    ] {
        let answer = connection
            .execute(sqlx::AssertSqlSafe(format!("select * from app.{table}")))
            .await;
        assert!(answer.is_err(), "{table} answered without a context");
    }
}

#[tokio::test]
async fn an_injected_select_can_not_switch_tenants() {
    let mut connection = runtime_connection().await;
    for attempt in [
        "select set_config('app.context', '00000000-0000-0000-0000-000000000000 admin organization   ', true)",
        "select query_to_xml('set local app.context = ''x''', true, true, '')",
        "update pg_settings set setting = 'x' where name = 'app.context'",
        "copy app.patients from stdin",
        "truncate app.patients",
        "delete from app.patients",
        "update app.phi_access_log set user_id = null",
        "delete from app.audit_log",
        "insert into app.audit_log (tenant_id, at, table_name, row_id, action, role, after) values (gen_random_uuid(), now(), 'x', gen_random_uuid(), 'insert', 'x', '{}')",
        "set role chartwell_owner",
    ] {
        connection.execute("begin; set local app.context = '00000000-0000-0000-0000-000000000001 admin organization   '").await.expect("a context");
        let outcome = connection.execute(attempt).await;
        connection.execute("rollback").await.expect("rollback");
        assert!(outcome.is_err(), "{attempt} went through");
    }
}

async fn runtime_connection() -> PgConnection {
    PgConnection::connect_with(&run_database().runtime.connect)
        .await
        .expect("the runtime role can connect")
}

//! A fresh schema is the one that was reviewed; migrating again changes nothing.

use platform::db::migrate::{self, RuntimeLogin};
use sqlx::{Connection, Executor as _, PgConnection};

use super::{golden, project};
use crate::support::{OwnDatabase, admin_connection, begin, run_database};

#[tokio::test]
async fn a_fresh_schema_is_the_golden_one() {
    let mut connection = admin_connection().await;
    golden("schema.txt", &schema(&mut connection).await);
}

/// Every table, and every function that runs with its owner's rights.
#[tokio::test]
async fn everything_of_the_schema_is_in_its_description() {
    let described = std::fs::read_to_string(project("docs/DATABASE.md")).expect("it is there");
    let names = sqlx::query_scalar::<_, String>(
        "select c.relname::text from pg_class c
          where c.relnamespace = 'app'::regnamespace and c.relkind in ('r', 'p', 'v') and not c.relispartition
          union
         select p.proname::text from pg_proc p where p.pronamespace = 'app'::regnamespace and p.prosecdef",
    );
    let mut connection = admin_connection().await;
    let names = names.fetch_all(&mut connection);
    let mut missing = names.await.expect("the catalogue answers");
    missing.retain(|name| !described.contains(&format!("`{name}`")));
    assert!(missing.is_empty(), "not in docs/DATABASE.md: {missing:?}");
}

#[tokio::test]
async fn migrating_again_changes_nothing() {
    let done = migrate::run(&run_database().admin_url, RuntimeLogin::Leave)
        .await
        .expect("it runs again");
    assert!(done.is_empty(), "{done:?}");
}

#[tokio::test]
async fn nothing_is_served_from_a_schema_older_than_the_program() {
    let mut connection = admin_connection().await;
    let mut tx = begin(&mut connection).await;
    let behind = migrate::behind(&mut tx).await.expect("it answers");
    assert_eq!(behind, None);
    tx.execute("delete from migration._sqlx_migrations where version > 12")
        .await
        .expect("an administrator may");
    let behind = migrate::behind(&mut tx).await.expect("it answers");
    let told = behind.expect("it is older");
    assert!(
        told.contains("chartwell migrate") && told.contains("at 12"),
        "{told}"
    );
    tx.rollback().await.expect("rolled back");
}

#[tokio::test]
async fn a_database_that_other_migrations_made_is_refused_with_what_to_do() {
    let database = OwnDatabase::copy().await;
    let mut connection = database.connect().await;
    connection
        .execute("update migration._sqlx_migrations set checksum = sha256('another text') where version = 1")
        .await
        .expect("an administrator may");
    let refused = migrate::run(database.admin_url(), RuntimeLogin::Leave)
        .await
        .expect_err("it can't be brought up to date");
    let told = refused.cause().expect("it has a reason").to_string();
    assert!(
        told.contains("before the first release") && told.contains("Make a new database"),
        "{told}"
    );
    // A server can't read the sums; it knows the older files by a function of theirs.
    connection
        .execute(
            "create function app.tenant_table_alone() returns integer language sql as 'select 1'",
        )
        .await
        .expect("an administrator may");
    let behind = migrate::behind(&mut connection).await.expect("it answers");
    assert_eq!(behind, Some(told));
    connection.close().await.expect("closed");
    database.drop().await;
}

#[tokio::test]
async fn the_password_of_another_installation_on_the_same_server_is_not_taken_away() {
    let mut connection = admin_connection().await;
    let mut password = async || {
        sqlx::query_scalar::<_, Option<String>>(
            "select rolpassword from pg_authid where rolname = 'chartwell_runtime'",
        )
        .fetch_one(&mut connection)
        .await
        .expect("an administrator may read it")
    };
    let run = run_database();
    let before = password().await;
    let another = run.runtime.connect.clone().password("of another");
    // A server may let everybody in who comes through its socket; then there is nothing to claim.
    let trusts = PgConnection::connect_with(&another).await.is_ok();
    let claimed = migrate::run(&run.admin_url, RuntimeLogin::Claim("of another")).await;
    assert_eq!(claimed.is_ok(), trusts, "{claimed:?}");
    assert_eq!(password().await, before);
}

/// Tables, columns, constraints, indexes, policies, triggers, functions and all grants (on tables, columns and functions: who
/// may call one and who may change a column is what safety hangs on), a line each; months left out.
async fn schema(connection: &mut PgConnection) -> String {
    let lines: Vec<String> = sqlx::query_scalar(
        r#"select line from (
            select 1 as part, format('table %s', c.relname) as line from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'app' and c.relkind in ('r', 'p', 'v') and c.relname !~ '_y\d{4}m\d\d$'
            union all
            select 2, format('column %s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                             case when a.attnotnull then ' not null' else '' end,
                             coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), ''))
              from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
              left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
             where n.nspname = 'app' and c.relkind in ('r', 'p') and not c.relispartition and a.attnum > 0 and not a.attisdropped
            union all
            select 3, format('constraint %s.%s %s', c.relname, k.conname, pg_get_constraintdef(k.oid))
              from pg_constraint k join pg_class c on c.oid = k.conrelid join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'app' and not c.relispartition and k.contype in ('p', 'u', 'f', 'c', 'x')
            union all
            select 4, pg_get_indexdef(x.indexrelid) from pg_index x join pg_class c on c.oid = x.indrelid
              join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'app' and not c.relispartition
            union all
            select 5, format('policy %s on %s using %s check %s', p.polname, c.relname, coalesce(pg_get_expr(p.polqual, p.polrelid), '-'),
                             coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '-'))
              from pg_policy p join pg_class c on c.oid = p.polrelid
            union all
            select 6, pg_get_triggerdef(t.oid) from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
             where n.nspname = 'app' and not t.tgisinternal and not c.relispartition
            union all
            select 7, format('function %s(%s) %s %s%s owner %s%s %s', p.proname, pg_get_function_identity_arguments(p.oid),
                             case when p.prosecdef then 'definer' else 'invoker' end,
                             case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
                             case when p.proleakproof then ' leakproof' else '' end, pg_get_userbyid(p.proowner),
                             coalesce(' set ' || array_to_string(p.proconfig, ' '), ''), md5(p.prosrc))
              from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'app'
            union all
            select 8, format('grant %s on %s to %s', a.privilege_type, c.relname,
                             case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end)
              from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join aclexplode(c.relacl) a
             where n.nspname = 'app' and a.grantee <> c.relowner
            union all
            select 9, format('grant %s (%s) on %s to %s', a.privilege_type, t.attname, c.relname,
                             case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end)
              from pg_attribute t join pg_class c on c.oid = t.attrelid join pg_namespace n on n.oid = c.relnamespace
             cross join aclexplode(t.attacl) a
             where n.nspname = 'app' and not c.relispartition and a.grantee <> c.relowner
            union all
            -- without a list of its own everybody may call a function
            select 10, format('grant %s on function %s(%s) to %s', a.privilege_type, p.proname, pg_get_function_identity_arguments(p.oid),
                              case a.grantee when 0 then 'public' else pg_get_userbyid(a.grantee) end)
              from pg_proc p join pg_namespace n on n.oid = p.pronamespace
             cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
             where n.nspname = 'app' and a.grantee <> p.proowner) as parts
          order by part, line collate pg_catalog."C""#,
    )
    .fetch_all(connection)
    .await
    .expect("the catalogue answers");
    lines
        .into_iter()
        .map(|line| line.replace('\n', " ") + "\n")
        .collect()
}

//! SQL of the export: which tables there are, and the rows of each as they are read.

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use kernel::ids::PatientId;
use kernel::{Error, Result};
use platform::access::{Role, withheld};
use platform::db::TenantTx;
use sqlx::AssertSqlSafe;

/// What belongs to a patient and is no record of its own: indexes for searching and copies of what is exported beside them.
const DERIVED: [&str; 4] = [
    "search_texts",
    "document_texts",
    "procedure_codings",
    "encounter_register",
];
/// A table with rows of patients, and the columns that name them.
pub(super) struct Table {
    pub name: String,
    columns: Vec<String>,
}

/// Every table whose foreign keys lead to a patient, by name; the patient's own first.
pub(super) async fn tables(tx: &mut TenantTx) -> Result<Vec<Table>> {
    let rows = sqlx::query!(
        r#"select t.relname::text as "name!", array_agg(c.col::text order by c.col) as "columns!"
             from app.patient_columns() c
             join pg_class t on t.oid = c.tbl
            where t.relname <> all($1::text[])
            group by t.relname
            order by t.relname"#,
        &DERIVED as _,
    )
    .fetch_all(tx.conn())
    .await?;
    let own = Table {
        name: "patients".to_owned(),
        columns: vec!["id".to_owned()],
    };
    let others = rows
        .into_iter()
        .filter(|row| row.name != own.name)
        .map(|row| Table {
            name: row.name,
            columns: row.columns,
        });
    let others: Vec<Table> = others.collect();
    Ok(std::iter::once(own).chain(others).collect())
}

/// The rows of a table that name the patient and that the caller may see, as lines of JSON, read as they are taken: without
/// the columns his role is not shown.
pub(super) fn rows<'a>(
    tx: &'a mut TenantTx,
    role: Role,
    table: &Table,
    patient: PatientId,
) -> BoxStream<'a, Result<String>> {
    let tenant = tx.tenant();
    let named: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("t.{} = $2", quoted(column)))
        .collect();
    // The names come from the catalogue, not from a request.
    let statement = format!(
        "select (to_jsonb(t) - $3::text[])::text from app.{} t where t.tenant_id = $1 and ({})",
        quoted(&table.name),
        named.join(" or ")
    );
    let left_out = withheld::columns(role, &table.name);
    sqlx::query_scalar::<_, String>(AssertSqlSafe(statement))
        .bind(tenant)
        .bind(patient)
        .bind(left_out)
        .fetch(tx.conn())
        .map_err(Error::from)
        .boxed()
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

//! SQL of what somebody here has changed: the history of a row.

use std::collections::HashSet;

use kernel::Result;
use kernel::ids::PatientId;
use platform::db::TenantTx;
use serde::de::DeserializeOwned;
use serde_json::Value;
use uuid::Uuid;

/// Columns of a row that somebody other than an import has changed.
pub(super) async fn changed_by_hand(
    tx: &mut TenantTx,
    table: &str,
    id: Uuid,
) -> Result<HashSet<String>> {
    let tenant = tx.tenant();
    let columns = sqlx::query_scalar!(
        r#"select distinct jsonb_object_keys(before) as "column!" from app.audit_log
            where tenant_id = $1 and table_name = $2 and row_id = $3 and action = 'update' and role <> 'system'"#,
        tenant as _,
        table,
        id,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(columns.into_iter().collect())
}

/// Whether other registrations were merged into this one.
pub(super) async fn has_taken_in(tx: &mut TenantTx, id: PatientId) -> Result<bool> {
    let tenant = tx.tenant();
    let has = sqlx::query_scalar!(
        r#"select exists (select from app.patients where tenant_id = $1 and replaced_by = $2) as "has!""#,
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(has)
}

/// Elements of a column of a patient that stand in it or have stood there once.
pub(super) async fn ever_stood<T: DeserializeOwned>(
    tx: &mut TenantTx,
    id: Uuid,
    column: &str,
) -> Result<Vec<T>> {
    let tenant = tx.tenant();
    let elements: Vec<Value> = sqlx::query_scalar!(
        r#"select distinct jsonb_array_elements(after -> $3::text) as "element!" from app.audit_log
            where tenant_id = $1 and table_name = 'patients' and row_id = $2"#,
        tenant as _,
        id,
        column,
    )
    .fetch_all(tx.conn())
    .await?;
    // One that an earlier version wrote otherwise can't be what the source says.
    Ok(elements
        .into_iter()
        .filter_map(|element| serde_json::from_value(element).ok())
        .collect())
}

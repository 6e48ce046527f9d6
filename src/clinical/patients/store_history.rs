//! SQL of the past: the history keeps every state of a patient's row.

use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

use super::model::Patient;
use super::store::Row;

/// A change as the history keeps it.
pub(super) struct Change {
    pub at: Instant,
    pub id: Uuid,
    pub version: Option<i64>,
    pub user_id: Option<UserId>,
    pub user_name: Option<String>,
    pub role: String,
    /// The values that were replaced; none where the row was made.
    pub before: Option<Json<Map<String, Value>>>,
    pub after: Json<Map<String, Value>>,
}

/// The state at that instant; where there was none yet, the first one if that is wanted.
pub(super) async fn state_at(
    tx: &mut TenantTx,
    id: PatientId,
    at: Instant,
    or_first: bool,
) -> Result<Option<Patient>> {
    let tenant = tx.tenant();
    let image = sqlx::query_scalar!(
        r#"(select after from app.audit_log
             where tenant_id = $1 and table_name = 'patients' and row_id = $2 and at <= $3
             order by at desc, version desc limit 1)
           union all
           (select after from app.audit_log
             where tenant_id = $1 and table_name = 'patients' and row_id = $2 and at > $3 and $4
             order by at, version limit 1)
           limit 1"#,
        tenant as _,
        id as _,
        at,
        or_first
    )
    .fetch_optional(tx.conn())
    .await?
    .flatten();
    let row = image
        .map(serde_json::from_value::<Row>)
        .transpose()
        .map_err(Error::internal)?;
    Ok(row.map(Into::into))
}

/// Newest first. Of a retired registration, too.
pub(super) async fn changes(
    tx: &mut TenantTx,
    id: PatientId,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Change>> {
    let tenant = tx.tenant();
    let (at, change) = after.unzip();
    let rows = sqlx::query_as!(
        Change,
        r#"select a.at, a.id, a.version, a.user_id as "user_id: _",
                  u.given_name || ' ' || u.family_name as user_name, a.role, a.before as "before: _", a.after as "after!: _"
             from app.audit_log a
             left join app.users u on u.tenant_id = $1 and u.id = a.user_id
            where a.tenant_id = $1 and a.table_name = 'patients' and a.row_id = $2
              and ($3::timestamptz is null or (a.at, a.id) < ($3, $4))
            order by a.at desc, a.id desc
            limit $5"#,
        tenant as _,
        id as _,
        at,
        change,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

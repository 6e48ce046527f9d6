//! SQL that entries of every kind need.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use serde_json::{Map, Value};
use sqlx::types::Json;
use uuid::Uuid;

pub(super) async fn is_active_provider(tx: &mut TenantTx, id: ProviderId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.providers where tenant_id = $1 and id = $2 and status = 'active') as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

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

/// Newest first.
pub(super) async fn changes(
    tx: &mut TenantTx,
    (table, patient, id): (&str, PatientId, Uuid),
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
            where a.tenant_id = $1 and a.table_name = $2 and a.row_id = $3 and a.patient_id = $4
              and ($5::timestamptz is null or (a.at, a.id) < ($5, $6))
            order by a.at desc, a.id desc
            limit $7"#,
        tenant as _,
        table,
        id,
        patient as _,
        at,
        change,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The last image of a row at an instant, if it was the patient's then.
pub(super) async fn image(
    tx: &mut TenantTx,
    (table, patient, id): (&str, PatientId, Uuid),
    at: Instant,
) -> Result<Option<Value>> {
    let tenant = tx.tenant();
    let image = sqlx::query_scalar!(
        "select l.after
           from (select a.after, a.patient_id from app.audit_log a
                  where a.tenant_id = $1 and a.table_name = $2 and a.row_id = $3 and a.at <= $5
                  order by a.at desc, a.version desc limit 1) l
          where l.patient_id = $4",
        tenant as _,
        table,
        id,
        patient as _,
        at
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(image)
}

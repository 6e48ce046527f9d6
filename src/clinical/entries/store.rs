//! SQL that entries of every kind need.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use serde_json::value::RawValue;
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

/// Asks whether the caller may see the patient; in a read of one snapshot, so that his rows need not ask each.
pub(crate) async fn open_chart(tx: &mut TenantTx, patient: PatientId) -> Result<bool> {
    let may = sqlx::query_scalar!(r#"select app.open_chart($1) as "may!""#, patient as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(may)
}

/// The last image of a row at an instant, if it was the patient's then.
pub(super) async fn image(
    tx: &mut TenantTx,
    (table, patient, id): (&str, PatientId, Uuid),
    at: Instant,
) -> Result<Option<Box<RawValue>>> {
    let tenant = tx.tenant();
    let image = sqlx::query_scalar!(
        r#"select l.after as "after!: Json<Box<RawValue>>"
           from (select a.after, a.patient_id, a.action from app.audit_log a
                  where a.tenant_id = $1 and a.table_name = $2 and a.row_id = $3 and a.at <= $5
                  order by a.at desc, a.version desc limit 1) l
          where l.patient_id = $4 and l.action <> 'delete'"#,
        tenant as _,
        table,
        id,
        patient as _,
        at
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(image.map(|image| image.0))
}

/// The last image of a row at an instant, whoever's it was then, and whose.
pub(super) async fn image_of_row(
    tx: &mut TenantTx,
    (table, id): (&str, Uuid),
    at: Instant,
) -> Result<Option<(Box<RawValue>, Option<PatientId>)>> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        r#"select l.after as "after!: Json<Box<RawValue>>", l.patient_id as "patient_id: PatientId"
             from (select a.after, a.patient_id, a.action from app.audit_log a
                    where a.tenant_id = $1 and a.table_name = $2 and a.row_id = $3 and a.at <= $4
                    order by a.at desc, a.version desc limit 1) l
            where l.action <> 'delete'"#,
        tenant as _,
        table,
        id,
        at
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| (row.after.0, row.patient_id)))
}

/// A row as it stood, and where it stands in a list.
pub(super) struct Image {
    pub happened: Instant,
    pub id: Uuid,
    pub item: Json<Box<RawValue>>,
}

/// The last images of a patient's rows at an instant, if they were his then: by the time in a column, the latest first.
pub(super) async fn images(
    tx: &mut TenantTx,
    (table, order, patient): (&str, &str, PatientId),
    at: Instant,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Image>> {
    let tenant = tx.tenant();
    let (happened, id) = after.unzip();
    let rows = sqlx::query_as!(
        Image,
        r#"with last as (
             select distinct on (a.row_id) a.row_id, a.at, a.action, a.after as item, (a.after ->> $4)::timestamptz as happened
               from app.audit_log a
              where a.tenant_id = $1 and a.patient_id = $2 and a.table_name = $3 and a.at <= $5
              order by a.row_id, a.at desc, a.version desc),
           moves as materialized (select m.row_id, m.at from app.moves_of($2) m where m.table_name = $3)
           select l.happened as "happened!", l.row_id as "id!", l.item as "item!: _"
             from last l
            where l.action <> 'delete'
              and not exists (select from moves m where m.row_id = l.row_id and m.at > l.at and m.at <= $5)
              and ($6::timestamptz is null or (l.happened, l.row_id) < ($6, $7::uuid))
            order by l.happened desc, l.row_id desc
            limit $8"#,
        tenant as _,
        patient as _,
        table,
        order,
        at,
        happened,
        id,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

//! The sealer's SQL of records: reads both logs, of one tenant or of all.

use std::borrow::Cow;
use std::collections::HashMap;

use futures_util::stream::BoxStream;
use futures_util::{StreamExt, TryStreamExt};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::AccessRecord;
use super::log::{Change, Log, Row, Span};

/// How many records transactions of the range left, counted up to `most`.
pub async fn count(conn: &mut PgConnection, log: Log, range: (i64, i64), most: i64) -> Result<i64> {
    let found = match log {
        Log::Access => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!"
                     from (select from app.phi_access_log where xid >= $1 and xid < $2 limit $3) as found"#,
                range.0,
                range.1,
                most
            )
            .fetch_one(conn)
            .await?
        }
        Log::History => {
            sqlx::query_scalar!(
                r#"select count(*) as "count!"
                     from (select from app.audit_log where xid >= $1 and xid < $2 limit $3) as found"#,
                range.0,
                range.1,
                most
            )
            .fetch_one(conn)
            .await?
        }
    };
    Ok(found)
}

/// How many records are not sealed yet, and when the oldest of them was written.
pub async fn unsealed(
    conn: &mut PgConnection,
    log: Log,
    mark: i64,
) -> Result<(i64, Option<Instant>)> {
    Ok(match log {
        Log::Access => {
            let row = sqlx::query!(
                r#"select count(*) as "records!", min(at) as oldest from app.phi_access_log where xid >= $1"#,
                mark
            )
            .fetch_one(conn)
            .await?;
            (row.records, row.oldest)
        }
        Log::History => {
            let row = sqlx::query!(
                r#"select count(*) as "records!", min(at) as oldest from app.audit_log where xid >= $1"#,
                mark
            )
            .fetch_one(conn)
            .await?;
            (row.records, row.oldest)
        }
    })
}

/// The tenants of which transactions of the range left records.
pub async fn tenants_of(
    conn: &mut PgConnection,
    log: Log,
    range: (i64, i64),
) -> Result<Vec<TenantId>> {
    Ok(match log {
        Log::Access => {
            sqlx::query_scalar!(
                r#"select distinct tenant_id as "tenant_id: TenantId" from app.phi_access_log where xid >= $1 and xid < $2 order by 1"#,
                range.0,
                range.1
            )
            .fetch_all(conn)
            .await?
        }
        Log::History => {
            sqlx::query_scalar!(
                r#"select distinct tenant_id as "tenant_id: TenantId" from app.audit_log where xid >= $1 and xid < $2 order by 1"#,
                range.0,
                range.1
            )
            .fetch_all(conn)
            .await?
        }
    })
}

/// The records of a span, of one tenant or of each in turn, in the order of their places; at most so many.
pub fn records(
    conn: &mut PgConnection,
    log: Log,
    tenant: Option<TenantId>,
    span: Span,
    most: Option<i64>,
) -> BoxStream<'_, Result<Row>> {
    match log {
        Log::Access => accesses(conn, tenant, span, most),
        Log::History => changes(conn, tenant, span, most),
    }
}

/// Arrays of another shape than the server writes can't be read as a list: such a record reads as an empty one, which is another.
fn accesses(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    span: Span,
    most: Option<i64>,
) -> BoxStream<'_, Result<Row>> {
    sqlx::query!(
        r#"select tenant_id, at, id, user_id, session_id, patient_id, resource_id, request_id, xid, break_glass,
                  role, resource, action, outcome, purpose, method, route, address, user_agent, mac,
                  case when array_ndims(shown) = 1 and array_lower(shown, 1) = 1 then shown
                       when shown is not null then '{}' end as "shown: Vec<Option<Uuid>>",
                  case when array_ndims(shown_resources) = 1 and array_lower(shown_resources, 1) = 1 then shown_resources
                       when shown_resources is not null then '{}' end as "shown_resources: Vec<Option<Uuid>>"
             from app.phi_access_log
            where ($1::uuid is null or tenant_id = $1) and xid >= $2 and xid <= $4 and (xid, id) >= ($2, $3) and (xid, id) < ($4, $5)
            order by tenant_id, xid, id limit $6"#,
        tenant as Option<TenantId>,
        span.from.0,
        span.from.1,
        span.until.0,
        span.until.1,
        most
    )
    .map(|row| {
        let record = AccessRecord {
            tenant_id: row.tenant_id,
            at: row.at,
            id: row.id,
            user_id: row.user_id,
            session_id: row.session_id,
            patient_id: row.patient_id,
            resource_id: row.resource_id,
            request_id: row.request_id,
            break_glass: row.break_glass,
            role: Cow::Owned(row.role),
            resource: Cow::Owned(row.resource),
            action: Cow::Owned(row.action),
            outcome: Cow::Owned(row.outcome),
            purpose: Cow::Owned(row.purpose),
            method: Cow::Owned(row.method),
            route: Cow::Owned(row.route),
            address: Cow::Owned(row.address),
            user_agent: Cow::Owned(row.user_agent),
            shown: row.shown,
            shown_resources: row.shown_resources,
            mac: row.mac,
        };
        Row {
            tenant: TenantId(record.tenant_id),
            id: record.id,
            at: record.at,
            xid: row.xid,
            fingerprint: record.fingerprint(),
            mac: Some(record.mac),
        }
    })
    .fetch(conn)
    .map_err(Into::into)
    .boxed()
}

fn changes(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    span: Span,
    most: Option<i64>,
) -> BoxStream<'_, Result<Row>> {
    sqlx::query_as!(
        Change,
        r#"select tenant_id, at, id, table_name, row_id, patient_id, action, user_id, role, request_id, version,
                  before::text as before, after::text as "after!", xid
             from app.audit_log
            where ($1::uuid is null or tenant_id = $1) and xid >= $2 and xid <= $4 and (xid, id) >= ($2, $3) and (xid, id) < ($4, $5)
            order by tenant_id, xid, id limit $6"#,
        tenant as Option<TenantId>,
        span.from.0,
        span.from.1,
        span.until.0,
        span.until.1,
        most
    )
    .fetch(conn)
    .map_ok(Row::from)
    .map_err(Into::into)
    .boxed()
}

/// Which of these records the tenant's log still holds, wherever.
pub async fn still_there(
    conn: &mut PgConnection,
    (tenant, log): (TenantId, Log),
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    let found = match log {
        Log::Access => {
            sqlx::query_scalar!(
                "select id from app.phi_access_log where tenant_id = $1 and id = any($2)",
                tenant as _,
                ids
            )
            .fetch_all(conn)
            .await?
        }
        Log::History => {
            sqlx::query_scalar!(
                "select id from app.audit_log where tenant_id = $1 and id = any($2)",
                tenant as _,
                ids
            )
            .fetch_all(conn)
            .await?
        }
    };
    Ok(found)
}

/// Of which rows these changes say they are: table and id.
pub async fn rows_changed(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, (String, Uuid)>> {
    let rows = sqlx::query!(
        "select id, table_name, row_id from app.audit_log where tenant_id = $1 and id = any($2)",
        tenant as _,
        ids
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, (row.table_name, row.row_id)))
        .collect())
}

/// Every tenant with a record or a seal, by hops along the indexes.
pub async fn tenants(conn: &mut PgConnection) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"with recursive
           recorded as (
               (select tenant_id from app.phi_access_log order by tenant_id limit 1)
               union all
               select (select l.tenant_id from app.phi_access_log l where l.tenant_id > r.tenant_id order by l.tenant_id limit 1)
                 from recorded r where r.tenant_id is not null),
           changed as (
               (select tenant_id from app.audit_log order by tenant_id limit 1)
               union all
               select (select l.tenant_id from app.audit_log l where l.tenant_id > r.tenant_id order by l.tenant_id limit 1)
                 from changed r where r.tenant_id is not null),
           sealed as (
               (select tenant_id from app.seals order by tenant_id limit 1)
               union all
               select (select s.tenant_id from app.seals s where s.tenant_id > r.tenant_id order by s.tenant_id limit 1)
                 from sealed r where r.tenant_id is not null)
           select tenant_id as "tenant_id!: TenantId" from recorded where tenant_id is not null
           union select tenant_id from changed where tenant_id is not null
           union select tenant_id from sealed where tenant_id is not null
           order by 1"#
    )
    .fetch_all(conn)
    .await?)
}

//! SQL of the change log.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, RequestId, UserId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::diff;
use super::model::{Change, ChangeKind, Filter};

pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<Change>> {
    // The optional predicates decide which index serves, so the plan must know which are there.
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(tx.conn())
        .await?;
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select c.id, c.at, c.table_name, c.row_id, c.patient_id as "patient_id: PatientId", c.action as "kind: ChangeKind",
                  c.user_id as "user_id: UserId", u.given_name || ' ' || u.family_name as user_name, c.role,
                  c.request_id as "request_id: RequestId", c.version, c.before, c.after
             from app.audit_log c
             left join app.users u on u.tenant_id = $1 and u.id = c.user_id
            where c.tenant_id = $1
              and ($2::text is null or c.table_name = $2)
              and ($3::uuid is null or c.row_id = $3)
              and ($4::uuid is null or c.patient_id = $4)
              and ($5::timestamptz is null or c.at >= $5)
              and ($6::timestamptz is null or c.at < $6)
              and ($7::timestamptz is null or c.at <= $7 and (c.at, c.id) < ($7, $8))
            order by c.at desc, c.id desc limit $9"#,
        tenant as _,
        filter.resource,
        filter.id,
        filter.patient as Option<PatientId>,
        filter.from,
        filter.to,
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let changes = rows.into_iter().map(|row| Change {
        id: row.id,
        at: row.at,
        resource: row.table_name,
        resource_id: row.row_id,
        patient_id: row.patient_id,
        kind: row.kind,
        user_id: row.user_id,
        user_name: row.user_name,
        role: row.role,
        request_id: row.request_id,
        version: row.version,
        changes: diff::changes(row.before.as_ref(), &row.after),
    });
    Ok(changes.collect())
}

/// Whether changes of such a table are remembered at all.
pub(super) async fn keeps_history(tx: &mut TenantTx, table: &str) -> Result<bool> {
    let keeps = sqlx::query_scalar!(
        r#"select exists (select from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
                           where n.nspname = 'app' and c.relname = $1 and t.tgname = $1 || '_history') as "keeps!""#,
        table,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(keeps)
}

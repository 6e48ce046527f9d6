//! SQL of the access log.

use std::collections::HashMap;

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use platform::access::Role;
use platform::audit::{Action, Outcome};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{AccessEntry, Filter, OwnAccessEntry};

/// The optional predicates decide which index serves, so the plan must know which are there.
async fn plan_for_these_values(tx: &mut TenantTx) -> Result<()> {
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// A chart's id in the log: one, or several where others were merged into it. Few charts are several, and only one id lets the
/// index give the order.
async fn ids_of(
    tx: &mut TenantTx,
    patient: PatientId,
) -> Result<(Option<PatientId>, Option<Vec<Uuid>>)> {
    let mut ids = sqlx::query_scalar!(
        r#"select m as "id!" from app.merged_into($1) m"#,
        patient as _
    )
    .fetch_all(tx.conn())
    .await?;
    if ids.is_empty() {
        return Ok((Some(patient), None));
    }
    ids.push(patient.into());
    Ok((None, Some(ids)))
}

pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<AccessEntry>> {
    plan_for_these_values(tx).await?;
    let (one, several) = match filter.patient {
        Some(patient) => ids_of(tx, patient).await?,
        None => (None, None),
    };
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AccessEntry,
        r#"select l.id, l.at, l.user_id as "user_id: _", u.given_name || ' ' || u.family_name as user_name, l.role,
                  l.session_id as "session_id: _", l.patient_id as "patient_id: _", l.resource, l.resource_id,
                  l.action as "action: _", l.outcome as "outcome: _", l.purpose, l.break_glass, l.method, l.route,
                  l.address, l.user_agent, l.request_id as "request_id: _"
             from app.phi_access_log l
             left join app.users u on u.tenant_id = $1 and u.id = l.user_id
            where l.tenant_id = $1
              and ($2::uuid is null or l.patient_id = $2)
              and ($11::uuid[] is null or l.patient_id = any($11))
              and ($3::uuid is null or l.user_id = $3)
              and ($4::timestamptz is null or l.at >= $4)
              and ($5::timestamptz is null or l.at < $5)
              and ($6::text is null or l.action = $6)
              and ($7::text is null or l.outcome = $7)
              and ($8::timestamptz is null or l.at <= $8 and (l.at, l.id) < ($8, $9))
            order by l.at desc, l.id desc limit $10"#,
        tenant as _,
        one as Option<PatientId>,
        filter.user as Option<UserId>,
        filter.from,
        filter.to,
        filter.action.map(Action::as_str),
        filter.outcome.map(Outcome::as_str),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit,
        several.as_deref()
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Whether there is such a patient in the tenant, retired ones included: their charts were opened too.
pub(super) async fn is_patient(tx: &mut TenantTx, patient: PatientId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app.patients where tenant_id = $1 and id = $2) as "exists!""#,
        tenant as _,
        patient as _
    )
    .fetch_one(tx.conn())
    .await?)
}

/// Successful accesses to one chart, each with the account behind it.
pub(super) async fn own_page(
    tx: &mut TenantTx,
    patient: PatientId,
    (from, to): (Option<Instant>, Option<Instant>),
    role: Option<Role>,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<(OwnAccessEntry, Option<UserId>)>> {
    plan_for_these_values(tx).await?;
    let (one, several) = ids_of(tx, patient).await?;
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select id, at, user_id as "user_id: UserId", role, resource, action as "action: Action", purpose, break_glass
             from app.phi_access_log
            where tenant_id = $1 and ($2::uuid is null or patient_id = $2) and ($9::uuid[] is null or patient_id = any($9))
              and outcome = 'success'
              and ($3::timestamptz is null or at >= $3)
              and ($4::timestamptz is null or at < $4)
              and ($5::text is null or role = $5)
              and ($6::timestamptz is null or at <= $6 and (at, id) < ($6, $7))
            order by at desc, id desc limit $8"#,
        tenant as _,
        one as Option<PatientId>,
        from,
        to,
        role.map(Role::as_str),
        after.map(|(at, _)| at),
        after.map(|(_, id)| id),
        limit,
        several.as_deref()
    )
    .fetch_all(tx.conn())
    .await?;
    let entries = rows.into_iter().map(|row| {
        let entry = OwnAccessEntry {
            id: row.id,
            at: row.at,
            user_name: None,
            role: row.role,
            resource: row.resource,
            action: row.action,
            purpose: row.purpose,
            break_glass: row.break_glass,
        };
        (entry, row.user_id)
    });
    Ok(entries.collect())
}

/// The names of those in the caller's own chart's log.
pub(super) async fn names_of_accessors(
    tx: &mut TenantTx,
    users: Vec<UserId>,
) -> Result<HashMap<UserId, String>> {
    let users: Vec<Uuid> = users.into_iter().map(Into::into).collect();
    let rows = sqlx::query!(
        r#"select user_id as "user_id!: UserId", given_name || ' ' || family_name as "name!"
             from app.names_of_accessors($1)"#,
        &users
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.name))
        .collect())
}

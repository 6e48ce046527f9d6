//! SQL of the access log.

use std::collections::HashMap;

use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::{Error, Result};
use platform::access::Role;
use platform::audit::{Action, Outcome};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{AccessEntry, Filter, OwnAccessEntry};

/// An entry of one's own chart's log before the name of the account is known.
pub(super) struct OwnAccess {
    pub entry: OwnAccessEntry,
    pub user: Option<UserId>,
    pub place: i64,
}

/// The optional predicates decide which index serves, so the plan must know which are there.
async fn plan_for_these_values(tx: &mut TenantTx) -> Result<()> {
    sqlx::query!("set local plan_cache_mode = force_custom_plan")
        .execute(tx.conn())
        .await?;
    Ok(())
}

/// Where an entry stands: its record, and its place among the patients that one shows.
pub(super) type Place = (Instant, Uuid, i64);

/// A chart's ids in the log: more than one where others were merged into it.
async fn ids_of(tx: &mut TenantTx, patient: PatientId) -> Result<Vec<Uuid>> {
    let mut ids = sqlx::query_scalar!(
        r#"select m as "id!" from app.merged_into($1) m"#,
        patient as _
    )
    .fetch_all(tx.conn())
    .await?;
    ids.push(patient.into());
    Ok(ids)
}

/// The one id, or all of them: few charts have several, and only one lets the index give the order.
fn one_or_several(ids: Option<&[Uuid]>) -> (Option<Uuid>, Option<&[Uuid]>) {
    match ids {
        None => (None, None),
        Some([one]) => (Some(*one), None),
        Some(several) => (None, Some(several)),
    }
}

pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<AccessEntry>> {
    plan_for_these_values(tx).await?;
    let ids = match filter.patient {
        Some(patient) => Some(ids_of(tx, patient).await?),
        None => None,
    };
    let (one, several) = one_or_several(ids.as_deref());
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AccessEntry,
        r#"select e.id as "id!", e.at as "at!", e.place as "place!", e.user_id as "user_id: _",
                  u.given_name || ' ' || u.family_name as user_name, e.role as "role!", e.session_id as "session_id: _",
                  e.patient_id as "patient_id: _", e.resource as "resource!", e.resource_id,
                  e.action as "action!: _", e.outcome as "outcome!: _", e.purpose as "purpose!",
                  e.break_glass as "break_glass!", e.method as "method!", e.route as "route!", e.address as "address!",
                  e.user_agent as "user_agent!", e.request_id as "request_id!: _"
             from ((select l.* from app.phi_accesses l
                     where l.tenant_id = $1
                       and ($2::uuid is null or l.sole_patient_id = $2)
                       and ($3::uuid[] is null or l.sole_patient_id = any($3))
                       and ($5::uuid is null or l.user_id = $5)
                       and ($6::timestamptz is null or l.at >= $6)
                       and ($7::timestamptz is null or l.at < $7)
                       and ($8::text is null or l.action = $8)
                       and ($9::text is null or l.outcome = $9)
                       and ($10::timestamptz is null or (l.at, l.id) <= ($10, $11) and (l.at, l.id, l.place) < ($10, $11, $12))
                     order by l.at desc, l.id desc, l.place desc limit $13)
                   union all
                   select l.* from app.looks_that_showed($4, $6, $7, $5, $8, $9, null, $10, $11, $12, $13) l) as e
             left join app.users u on u.tenant_id = $1 and u.id = e.user_id
            order by e.at desc, e.id desc, e.place desc limit $13"#,
        tenant as _,
        one,
        several,
        ids.as_deref(),
        filter.user as Option<UserId>,
        filter.from,
        filter.to,
        filter.action.map(Action::as_str),
        filter.outcome.map(Outcome::as_str),
        after.map(|(at, _, _)| at),
        after.map(|(_, id, _)| id),
        after.map(|(_, _, place)| place),
        limit
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

/// Successful accesses to one chart, each with the account behind it. A list is one, however much of the chart it showed.
pub(super) async fn own_page(
    tx: &mut TenantTx,
    patient: PatientId,
    period: (Option<Instant>, Option<Instant>),
    role: Option<Role>,
    mut after: Option<Place>,
    limit: i64,
) -> Result<Vec<OwnAccess>> {
    plan_for_these_values(tx).await?;
    let ids = ids_of(tx, patient).await?;
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut found: Vec<OwnAccess> = Vec::new();
    loop {
        let rows = own_rows(tx, &ids, period, role, after).await?;
        let are_all = rows.len() < OWN_ROWS;
        for row in rows {
            after = Some((row.entry.at, row.entry.id, row.place));
            match found.last_mut() {
                Some(last) if last.entry.id == row.entry.id => last.place = row.place,
                _ => found.push(row),
            }
        }
        // The last of them may go on, and is beyond the page.
        if are_all || found.len() >= limit {
            found.truncate(limit);
            return Ok(found);
        }
    }
}

/// Rows that are read at once.
const OWN_ROWS: usize = 250;

/// A row for each row of the chart that was shown.
async fn own_rows(
    tx: &mut TenantTx,
    ids: &[Uuid],
    (from, to): (Option<Instant>, Option<Instant>),
    role: Option<Role>,
    after: Option<Place>,
) -> Result<Vec<OwnAccess>> {
    let (one, several) = one_or_several(Some(ids));
    let fetch = i64::try_from(OWN_ROWS).map_err(Error::internal)?;
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select e.id as "id!", e.at as "at!", e.place as "place!", e.user_id as "user_id: UserId", e.role as "role!",
                  e.resource as "resource!", e.action as "action!: Action", e.purpose as "purpose!",
                  e.break_glass as "break_glass!"
             from ((select l.* from app.phi_accesses l
                     where l.tenant_id = $1
                       and ($2::uuid is null or l.sole_patient_id = $2)
                       and ($3::uuid[] is null or l.sole_patient_id = any($3))
                       and l.outcome = 'success'
                       and ($5::timestamptz is null or l.at >= $5)
                       and ($6::timestamptz is null or l.at < $6)
                       and ($7::text is null or l.role = $7)
                       and ($8::timestamptz is null or (l.at, l.id) <= ($8, $9) and (l.at, l.id, l.place) < ($8, $9, $10))
                     order by l.at desc, l.id desc, l.place desc limit $11)
                   union all
                   select l.* from app.looks_that_showed($4, $5, $6, null, null, 'success', $7, $8, $9, $10, $11) l) as e
            order by e.at desc, e.id desc, e.place desc limit $11"#,
        tenant as _,
        one,
        several,
        ids,
        from,
        to,
        role.map(Role::as_str),
        after.map(|(at, _, _)| at),
        after.map(|(_, id, _)| id),
        after.map(|(_, _, place)| place),
        fetch
    )
    .fetch_all(tx.conn())
    .await?;
    let entries = rows.into_iter().map(|row| OwnAccess {
        user: row.user_id,
        place: row.place,
        entry: OwnAccessEntry {
            id: row.id,
            at: row.at,
            user_name: None,
            role: row.role,
            resource: row.resource,
            action: row.action,
            purpose: row.purpose,
            break_glass: row.break_glass,
        },
    });
    Ok(entries.collect())
}

/// The names of those behind these records of the caller's own chart.
pub(super) async fn names_of_accessors(
    tx: &mut TenantTx,
    (ats, records): (&[Instant], &[Uuid]),
) -> Result<HashMap<UserId, String>> {
    let rows = sqlx::query!(
        r#"select user_id as "user_id!: UserId", given_name || ' ' || family_name as "name!"
             from app.names_of_accessors($1::timestamptz[], $2::uuid[])"#,
        ats,
        records
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.user_id, row.name))
        .collect())
}

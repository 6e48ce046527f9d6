//! SQL of the search.
//!
//! A statement here finds either ids, through the keys, or rows to show. Under a scope narrower than the organisation a
//! search starts from the charts the caller may open (`app.own_charts`), because asking `app.may_see` of every stranger it
//! meets costs 9 µs each; row-level security asks again, of those few that are shown.
//!
//! Traps: optional predicates plan well because PostgreSQL plans each execution with its values; ordering by a `case` on a
//! parameter is ordering by the one column that is left.

use chrono::NaiveDate;
use kernel::Result;
use kernel::ids::{PatientId, ProviderId};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::keys::Key;
use super::model::{NewPatient, PatientName, PatientSort, Sex};
use super::status::PatientStatus;

/// A patient as a list shows him, and the key of his place in it.
pub(super) struct Found {
    pub place: String,
    pub id: PatientId,
    pub mrn: String,
    pub names: Json<Vec<PatientName>>,
    pub birth_date: NaiveDate,
    pub sex: Sex,
    pub status: PatientStatus,
    pub primary_provider_id: Option<ProviderId>,
    pub primary_provider: Option<String>,
    pub is_vip: bool,
    pub is_confidential: bool,
}

/// What rows are looked up by, besides keys.
#[derive(Clone, Debug, Default)]
pub(super) struct RowFilter {
    /// Only these.
    pub among: Option<Vec<PatientId>>,
    pub birth_date: Option<NaiveDate>,
    pub status: Option<PatientStatus>,
    pub provider: Option<ProviderId>,
}

/// Whose family name begins so, in the order of names.
pub(super) async fn page_of_family(
    tx: &mut TenantTx,
    beginning: &str,
    after: Option<(String, PatientId)>,
    limit: i64,
) -> Result<Vec<Found>> {
    let tenant = tx.tenant();
    let (key, id) = after.unwrap_or((String::new(), PatientId(Uuid::nil())));
    let rows = sqlx::query_as!(
        Found,
        r#"select k.key as "place!", p.id as "id: _", p.mrn, p.names as "names: _", p.birth_date, p.sex as "sex: _",
                  p.status as "status: _", p.primary_provider_id as "primary_provider_id: _",
                  d.given_name || ' ' || d.family_name || coalesce(', ' || d.credential, '') as primary_provider,
                  p.is_vip, p.is_confidential
             from app.charts_with_key('family', $2, $3, $4, $5) k
             join app.patients p on p.tenant_id = $1 and p.id = k.patient_id and p.deleted_at is null
             left join app.providers d on d.tenant_id = $1 and d.id = p.primary_provider_id
            order by k.key, k.patient_id"#,
        tenant as _,
        beginning,
        key,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Rows by their columns, in the order asked for.
pub(super) async fn page_of_rows(
    tx: &mut TenantTx,
    filter: &RowFilter,
    sort: PatientSort,
    after: Option<(String, PatientId)>,
    limit: i64,
) -> Result<Vec<Found>> {
    let tenant = tx.tenant();
    let by_name = sort == PatientSort::Name;
    let (place, id) = after.unzip();
    let rows = sqlx::query_as!(
        Found,
        r#"select case when $6 then p.sort_key else to_char(p.birth_date, 'YYYY-MM-DD') end as "place!",
                  p.id as "id: _", p.mrn, p.names as "names: _", p.birth_date, p.sex as "sex: _", p.status as "status: _",
                  p.primary_provider_id as "primary_provider_id: _",
                  d.given_name || ' ' || d.family_name || coalesce(', ' || d.credential, '') as "primary_provider?",
                  p.is_vip, p.is_confidential
             from app.patients p
             left join app.providers d on d.tenant_id = $1 and d.id = p.primary_provider_id
            where p.tenant_id = $1 and p.deleted_at is null
              and ($2::uuid[] is null or p.id = any($2))
              and ($3::date is null or p.birth_date = $3)
              and ($4::text is null or p.status = $4)
              and (p.status <> 'merged' or $4 = 'merged' or $2::uuid[] is not null)
              and ($5::uuid is null or p.primary_provider_id = $5)
              and case when $7::text is null then true
                       when $6 then (p.sort_key, p.id) > ($7, $8::uuid)
                       else (p.birth_date, p.id) > ($7::text::date, $8::uuid) end
            order by case when $6 then p.sort_key end, case when not $6 then p.birth_date end, p.id
            limit $9"#,
        tenant as _,
        filter.among.as_deref() as _,
        filter.birth_date,
        filter.status as _,
        filter.provider as _,
        by_name,
        place,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The charts the caller may open. Only under a scope narrower than the organisation.
pub(super) async fn own_charts(tx: &mut TenantTx) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select c.patient_id as "id!: PatientId" from app.own_charts() c where $1::uuid = app.tenant_id()"#,
        tenant as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Who has a key of the kind that begins so, in the order of keys.
pub(super) async fn with_beginning(
    tx: &mut TenantTx,
    kind: &'static str,
    beginning: &str,
    limit: Option<i64>,
) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select k.patient_id as "id!: PatientId"
             from app.charts_with_key($2, $3, '', '00000000-0000-0000-0000-000000000000', $4) k
            where $1::uuid = app.tenant_id()"#,
        tenant as _,
        kind,
        beginning,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Who has a key of every kind that these are of.
pub(super) async fn with_keys(tx: &mut TenantTx, keys: &[Key]) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let (kinds, keys): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, key)| (*kind, key.as_str())).unzip();
    let ids = sqlx::query_scalar!(
        r#"select k.patient_id as "id!: PatientId"
             from app.patient_keys k
             join unnest($2::text[], $3::text[]) as w (kind, key) on k.kind = w.kind and k.key = w.key
            where k.tenant_id = $1
            group by k.patient_id
           having count(distinct k.kind) = (select count(distinct u) from unnest($2::text[]) u)"#,
        tenant as _,
        &kinds as _,
        &keys as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Who has a name like this, best first.
pub(super) async fn with_similar_name(
    tx: &mut TenantTx,
    name: &str,
    limit: i32,
) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select s.patient_id as "id!: PatientId" from app.similar_names($2, $3) s where $1::uuid = app.tenant_id()"#,
        tenant as _,
        name,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Whose name sounds like one of these codes.
pub(super) async fn with_sound(
    tx: &mut TenantTx,
    codes: &[&str],
    limit: i64,
) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select distinct k.patient_id as "id!: PatientId"
             from app.patient_keys k
            where k.tenant_id = $1 and k.kind = 'sound' and k.key = any($2::text[])
            limit $3"#,
        tenant as _,
        codes as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// Somebody a registration may be about already.
pub(super) struct Candidate {
    pub id: PatientId,
    pub mrn: String,
    pub status: PatientStatus,
    pub data: NewPatient,
    /// His number's blind index, in each of its forms.
    pub ssn: Vec<String>,
}

struct CandidateRow {
    id: PatientId,
    mrn: String,
    status: PatientStatus,
    compared: Json<NewPatient>,
    ssn: Vec<String>,
}

/// Who shares a key with somebody. A key that more than 200 share says nothing; merged registrations are nobody's duplicates.
pub(super) async fn candidates(
    tx: &mut TenantTx,
    keys: &[Key],
    but: Option<PatientId>,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let tenant = tx.tenant();
    let (kinds, keys): (Vec<&str>, Vec<&str>) =
        keys.iter().map(|(kind, key)| (*kind, key.as_str())).unzip();
    let rows = sqlx::query_as!(
        CandidateRow,
        r#"select p.id as "id: _", p.mrn, p.status as "status: _",
                  jsonb_build_object('names', p.names, 'birth_date', p.birth_date, 'sex', p.sex, 'telecoms', p.telecoms,
                                     'addresses', p.addresses) as "compared!: _",
                  array(select k.key from app.patient_keys k
                         where k.tenant_id = $1 and k.patient_id = p.id and k.kind = 'ssn' and k.origin is null) as "ssn!"
             from app.patients p
            where p.tenant_id = $1 and p.deleted_at is null and p.status <> 'merged' and p.id is distinct from $4
              and p.id in (select unnest(block.ids)
                             from unnest($2::text[], $3::text[]) as w (kind, key)
                            cross join lateral (
                                  select array_agg(b.patient_id) as ids
                                    from (select k.patient_id from app.patient_keys k
                                           where k.tenant_id = $1 and k.kind = w.kind and k.key = w.key limit 201) b
                                  having count(*) <= 200) block)
            limit $5"#,
        tenant as _,
        &kinds as _,
        &keys as _,
        but as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let candidate = |row: CandidateRow| Candidate {
        id: row.id,
        mrn: row.mrn,
        status: row.status,
        data: row.compared.0,
        ssn: row.ssn,
    };
    Ok(rows.into_iter().map(candidate).collect())
}

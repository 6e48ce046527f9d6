//! SQL of the work list of duplicates: pairs, and how far the looking has come.

use ::matching::Model;
use chrono::{DateTime, TimeDelta, Utc};
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DuplicatePairId, PatientId, UserId};
use platform::db::TenantTx;
use sqlx::types::Json;
use uuid::Uuid;

use super::matching::{Agreement, Likeness};
use super::model::NewPatient;

/// How a tenant looks for duplicates.
pub(super) struct Settings {
    pub review_from: i32,
    pub refuse_from: i32,
    pub model: Option<Json<Model>>,
    pub learned_at: Option<Instant>,
    pub learned_from: i32,
    pub scanned_at: Option<Instant>,
    pub scanned_id: Option<Uuid>,
    pub version: i64,
}

impl Settings {
    pub(super) fn model(&self) -> Model {
        match &self.model {
            Some(Json(model)) => model.clone(),
            None => Model::starting(),
        }
    }

    pub(super) fn review_from(&self) -> f64 {
        f64::from(self.review_from) / 1000.0
    }

    pub(super) fn refuse_from(&self) -> f64 {
        f64::from(self.refuse_from) / 1000.0
    }
}

/// A tenant that has chosen nothing has these.
pub(super) async fn settings(tx: &mut TenantTx) -> Result<Settings> {
    let tenant = tx.tenant();
    let found = sqlx::query_as!(
        Settings,
        r#"select review_from, refuse_from, model as "model: _", learned_at, learned_from, scanned_at, scanned_id, version
             from app.matching_settings where tenant_id = $1"#,
        tenant as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.unwrap_or(Settings {
        review_from: 900,
        refuse_from: 900,
        model: None,
        learned_at: None,
        learned_from: 0,
        scanned_at: None,
        scanned_id: None,
        version: 1,
    }))
}

/// Locks the settings, making the row where there is none.
pub(super) async fn lock_settings(tx: &mut TenantTx, now: Instant) -> Result<Settings> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.matching_settings (tenant_id, created_at, updated_at) values ($1, $2, $2) on conflict do nothing",
        tenant as _,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "select tenant_id from app.matching_settings where tenant_id = $1 for update",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    settings(tx).await
}

pub(super) async fn set_thresholds(
    tx: &mut TenantTx,
    (review_from, refuse_from): (i32, i32),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.matching_settings set review_from = $2, refuse_from = $3, version = version + 1, updated_at = $4
            where tenant_id = $1"#,
        tenant as _,
        review_from,
        refuse_from,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Keeps what was learned; everybody is compared anew with it.
pub(super) async fn set_model(
    tx: &mut TenantTx,
    model: &Model,
    people: i32,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.matching_settings
              set model = $2, learned_from = $3, learned_at = $4, scanned_at = null, scanned_id = null,
                  version = version + 1, updated_at = $4
            where tenant_id = $1"#,
        tenant as _,
        Json(model) as _,
        people,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_place(
    tx: &mut TenantTx,
    at: Option<Instant>,
    id: Option<PatientId>,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.matching_settings set scanned_at = $2, scanned_id = $3 where tenant_id = $1",
        tenant as _,
        at,
        id as _
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Somebody to be compared.
pub(super) struct Changed {
    pub id: PatientId,
    pub updated_at: Instant,
    pub compared: Json<NewPatient>,
    /// His number's blind index, in each of its forms.
    pub ssn: Vec<String>,
}

/// Who has changed since that place, in the order of their changes.
pub(super) async fn changed(
    tx: &mut TenantTx,
    after: (Option<DateTime<Utc>>, Option<Uuid>),
    limit: i64,
) -> Result<Vec<Changed>> {
    let tenant = tx.tenant();
    // A transaction that ended late may have an earlier time: after a finished round a minute is looked at again.
    let (at, id) = match after {
        (Some(at), None) => (Some(at - TimeDelta::minutes(1)), Uuid::max()),
        (at, id) => (at, id.unwrap_or_default()),
    };
    let rows = sqlx::query_as!(
        Changed,
        r#"select p.id as "id: _", p.updated_at,
                  jsonb_build_object('names', p.names, 'birth_date', p.birth_date, 'sex', p.sex, 'telecoms', p.telecoms,
                                     'addresses', p.addresses) as "compared!: _",
                  array(select k.key from app.patient_keys k
                         where k.tenant_id = $1 and k.patient_id = p.id and k.kind = 'ssn' and k.origin is null) as "ssn!"
             from app.patients p
            where p.tenant_id = $1 and p.deleted_at is null and p.status <> 'merged'
              and ($2::timestamptz is null or (p.updated_at, p.id) > ($2, $3))
            order by p.updated_at, p.id
            limit $4"#,
        tenant as _,
        at,
        id,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Makes the open pairs of a patient exactly these; what was dismissed stays dismissed. Returns how many are open.
pub(super) async fn replace_pairs(
    tx: &mut TenantTx,
    id: PatientId,
    pairs: &[(PatientId, Likeness)],
    now: Instant,
) -> Result<usize> {
    let tenant = tx.tenant();
    let others: Vec<Uuid> = pairs.iter().map(|(other, _)| other.0).collect();
    let weights: Vec<i32> = pairs.iter().map(|(_, likeness)| likeness.weight).collect();
    let agrees: Vec<serde_json::Value> = pairs
        .iter()
        .map(|(_, likeness)| serde_json::json!(likeness.agrees))
        .collect();
    let ids: Vec<Uuid> = pairs.iter().map(|_| DuplicatePairId::new().0).collect();
    sqlx::query!(
        r#"delete from app.duplicate_pairs
            where tenant_id = $1 and status = 'open'
              and (patient_id = $2 and other_id <> all($3) or other_id = $2 and patient_id <> all($3))"#,
        tenant as _,
        id as _,
        &others
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"insert into app.duplicate_pairs (tenant_id, id, patient_id, other_id, weight, agrees_on, found_at, created_at, updated_at)
           select $1, n.id, least($2::uuid, n.other), greatest($2::uuid, n.other), n.weight, n.agrees, $7, $7, $7
             from unnest($3::uuid[], $4::uuid[], $5::int[], $6::jsonb[]) as n (id, other, weight, agrees)
               on conflict on constraint duplicate_pairs_pair_key
               do update set weight = excluded.weight, agrees_on = excluded.agrees_on, updated_at = excluded.updated_at,
                             version = duplicate_pairs.version + 1
                   where duplicate_pairs.status = 'open'
                     and (duplicate_pairs.weight, duplicate_pairs.agrees_on) is distinct from (excluded.weight, excluded.agrees_on)"#,
        tenant as _,
        id as _,
        &ids,
        &others,
        &weights,
        &agrees,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(pairs.len())
}

/// A pair as the list shows it.
pub(super) struct PairRow {
    pub id: DuplicatePairId,
    pub weight: i32,
    pub agrees_on: Json<Vec<Agreement>>,
    pub found_at: Instant,
    pub status: String,
    pub reason: Option<String>,
    pub one: Json<super::worklist::PairedPatient>,
    pub other: Json<super::worklist::PairedPatient>,
    pub version: i64,
}

/// The pairs, likeliest first. Of a pair both must be there and visible.
pub(super) async fn page(
    tx: &mut TenantTx,
    only: Option<DuplicatePairId>,
    status: &str,
    after: Option<(i32, DuplicatePairId)>,
    limit: i64,
) -> Result<Vec<PairRow>> {
    let tenant = tx.tenant();
    let (weight, id) = after.unzip();
    let rows = sqlx::query_as!(
        PairRow,
        r#"select d.id as "id: _", d.weight, d.agrees_on as "agrees_on: _", d.found_at, d.status, d.reason, d.version,
                  jsonb_build_object('id', a.id, 'mrn', a.mrn, 'names', a.names, 'birth_date', a.birth_date, 'sex', a.sex,
                                     'status', a.status) as "one!: _",
                  jsonb_build_object('id', b.id, 'mrn', b.mrn, 'names', b.names, 'birth_date', b.birth_date, 'sex', b.sex,
                                     'status', b.status) as "other!: _"
             from app.duplicate_pairs d
             join app.patients a on a.tenant_id = $1 and a.id = d.patient_id and a.deleted_at is null and a.status <> 'merged'
             join app.patients b on b.tenant_id = $1 and b.id = d.other_id and b.deleted_at is null and b.status <> 'merged'
            where d.tenant_id = $1 and ($2::uuid is null or d.id = $2) and ($2::uuid is not null or d.status = $3)
              and ($4::int is null or (d.weight, d.id) < ($4, $5::uuid))
            order by d.weight desc, d.id desc
            limit $6"#,
        tenant as _,
        only as _,
        status,
        weight,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Remembers that a pair is two people. Returns whether there was such an open pair.
pub(super) async fn dismiss(
    tx: &mut TenantTx,
    id: DuplicatePairId,
    reason: &str,
    by: UserId,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.duplicate_pairs
              set status = 'dismissed', reason = $3, decided_by = $4, decided_at = $5, updated_at = $5, version = version + 1
            where tenant_id = $1 and id = $2 and status = 'open'"#,
        tenant as _,
        id as _,
        reason,
        by as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

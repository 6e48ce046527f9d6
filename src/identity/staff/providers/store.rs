//! `app.providers`, and `app.provider_specialty_keys` by which they are found.

use std::collections::BTreeSet;

use kernel::clock::Instant;
use kernel::ids::{FacilityId, ProviderId, UserId};
use kernel::text::name_key;
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{NewProvider, Provider};
use crate::staff::status::StaffStatus;

/// Which providers, in the form in which they are compared.
pub(super) struct Filter {
    pub name: Option<String>,
    pub specialty: Option<String>,
    pub accepting_patients: Option<bool>,
    pub status: Option<StaffStatus>,
    pub facility: Option<FacilityId>,
    /// When an assignment to the facility must hold.
    pub at: Instant,
}

struct Row {
    id: ProviderId,
    user_id: Option<UserId>,
    npi: Option<String>,
    given_name: String,
    family_name: String,
    credential: Option<String>,
    specialties: Vec<String>,
    subspecialties: Vec<String>,
    phone: Option<String>,
    email: Option<String>,
    verified: bool,
    accepting_patients: bool,
    status: StaffStatus,
    sort_key: String,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Provider {
    fn from(row: Row) -> Self {
        Provider {
            id: row.id,
            data: NewProvider {
                user_id: row.user_id,
                npi: row.npi,
                given_name: row.given_name,
                family_name: row.family_name,
                credential: row.credential,
                specialties: row.specialties,
                subspecialties: row.subspecialties,
                phone: row.phone,
                email: row.email,
                verified: row.verified,
                accepting_patients: row.accepting_patients,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            affected_appointments: None,
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx, id: ProviderId) -> Result<Option<Provider>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", user_id as "user_id: _", npi, given_name, family_name, credential, specialties,
                  subspecialties, phone, email, verified, accepting_patients, status as "status: _", sort_key,
                  version, created_at, updated_at
             from app.providers
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Provider::from))
}

/// The providers after a place in the order of names, each with his key in it.
pub(super) async fn page(
    tx: &mut TenantTx,
    filter: &Filter,
    after: Option<(String, ProviderId)>,
    limit: i64,
) -> Result<Vec<(String, Provider)>> {
    let tenant = tx.tenant();
    let (after_key, after_id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select p.id as "id: _", p.user_id as "user_id: _", p.npi, p.given_name, p.family_name, p.credential,
                  p.specialties, p.subspecialties, p.phone, p.email, p.verified, p.accepting_patients,
                  p.status as "status: _", p.sort_key, p.version, p.created_at, p.updated_at
             from app.providers p
            where p.tenant_id = $1
              and ($2::text is null or p.sort_key ^@ $2)
              and ($3::text is null or exists (
                   select from app.provider_specialty_keys k
                    where k.tenant_id = $1 and k.tenant_id = p.tenant_id and k.provider_id = p.id and k.key = $3))
              and ($4::boolean is null or p.accepting_patients = $4)
              and ($5::text is null or p.status = $5)
              and ($6::uuid is null or exists (
                   select from app.department_assignments d
                    where d.tenant_id = $1 and d.tenant_id = p.tenant_id and d.user_id = p.user_id and d.facility_id = $6
                      and d.valid_from <= $7 and (d.valid_until is null or d.valid_until > $7)))
              and ($8::text is null or (p.sort_key, p.id) > ($8, $9))
            order by p.sort_key, p.id
            limit $10"#,
        tenant as _,
        filter.name.as_deref(),
        filter.specialty.as_deref(),
        filter.accepting_patients,
        filter.status as _,
        filter.facility as _,
        filter.at,
        after_key,
        after_id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.sort_key.clone(), row.into()))
        .collect())
}

/// Keeps others from changing the row until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx, id: ProviderId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.providers where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn id_of_user(tx: &mut TenantTx, user: UserId) -> Result<Option<ProviderId>> {
    let tenant = tx.tenant();
    let id = sqlx::query_scalar!(
        r#"select id as "id: ProviderId" from app.providers where tenant_id = $1 and user_id = $2"#,
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn id_of_npi(tx: &mut TenantTx, npi: &str) -> Result<Option<ProviderId>> {
    let tenant = tx.tenant();
    let id = sqlx::query_scalar!(
        r#"select id as "id: ProviderId" from app.providers where tenant_id = $1 and npi = $2"#,
        tenant as _,
        npi,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    id: ProviderId,
    new: &NewProvider,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.providers
                (tenant_id, id, user_id, npi, given_name, family_name, credential, specialties, subspecialties, phone,
                 email, verified, accepting_patients, status, sort_key, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $16)",
        tenant as _,
        id as _,
        new.user_id as _,
        new.npi.as_deref(),
        new.given_name,
        new.family_name,
        new.credential.as_deref(),
        &new.specialties,
        &new.subspecialties,
        new.phone.as_deref(),
        new.email.as_deref(),
        new.verified,
        new.accepting_patients,
        new.status as _,
        sort_key(new),
        now,
    )
    .execute(tx.conn())
    .await?;
    insert_specialty_keys(tx, id, new).await
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: ProviderId,
    data: &NewProvider,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.providers
            set user_id = $3, npi = $4, given_name = $5, family_name = $6, credential = $7, specialties = $8,
                subspecialties = $9, phone = $10, email = $11, verified = $12, accepting_patients = $13, status = $14,
                sort_key = $15, version = version + 1, updated_at = $16
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.user_id as _,
        data.npi.as_deref(),
        data.given_name,
        data.family_name,
        data.credential.as_deref(),
        &data.specialties,
        &data.subspecialties,
        data.phone.as_deref(),
        data.email.as_deref(),
        data.verified,
        data.accepting_patients,
        data.status as _,
        sort_key(data),
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        return Err(Error::not_found());
    }
    sqlx::query!(
        "delete from app.provider_specialty_keys where tenant_id = $1 and provider_id = $2",
        tenant as _,
        id as _
    )
    .execute(tx.conn())
    .await?;
    insert_specialty_keys(tx, id, data).await
}

/// How many of a provider's appointments are still to come, whoever's they are: all of them, or those whose service needs a skill that
/// nobody has who is booked for them.
pub(super) async fn still_to_come(
    tx: &mut TenantTx,
    id: ProviderId,
    all: bool,
    now: Instant,
) -> Result<i64> {
    let tenant = tx.tenant();
    let count = sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from app.standing_appointments(null, $2, $3, $3::timestamptz + interval '10 years', $3, 1000000) a
             join app.scheduling_services v on v.tenant_id = $1 and v.id = a.service_id
            where $4 or exists (
                  select from unnest(v.skills) s (skill)
                   where not exists (select from app.reservations r
                                       join app.provider_specialty_keys k on k.tenant_id = $1 and k.provider_id = r.provider_id
                                      where r.tenant_id = $1 and r.appointment_id = a.appointment_id
                                        and r.state in ('booked', 'overbooked') and k.key = s.skill))"#,
        tenant as _,
        id as _,
        now,
        all,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(count)
}

/// What a provider is found by who is asked for by his specialty; he has none of it yet.
async fn insert_specialty_keys(
    tx: &mut TenantTx,
    id: ProviderId,
    provider: &NewProvider,
) -> Result<()> {
    let keys = specialty_keys(provider);
    if keys.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.provider_specialty_keys (tenant_id, provider_id, key)
         select $1, $2, k.key from unnest($3::text[]) as k (key)",
        tenant as _,
        id as _,
        &keys,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

fn sort_key(provider: &NewProvider) -> String {
    format!(
        "{} {}",
        name_key(&provider.family_name),
        name_key(&provider.given_name)
    )
}

/// Each once, however often and in whatever spelling it was written.
fn specialty_keys(provider: &NewProvider) -> Vec<String> {
    let all = provider.specialties.iter().chain(&provider.subspecialties);
    let keys: BTreeSet<String> = all.map(|specialty| name_key(specialty)).collect();
    keys.into_iter().filter(|key| !key.is_empty()).collect()
}

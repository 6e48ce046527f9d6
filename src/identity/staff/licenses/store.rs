//! `app.provider_licenses`.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{LicenseId, ProviderId};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{ExpiringLicense, License, LicenseKind, LicenseStatus, NewLicense};
use crate::staff::providers;

struct Row {
    id: LicenseId,
    provider_id: ProviderId,
    state: String,
    number: String,
    kind: LicenseKind,
    status: LicenseStatus,
    issued_on: Option<NaiveDate>,
    expires_on: NaiveDate,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for License {
    /// Not yet seen from any day: `seen_on` says whether it has expired.
    fn from(row: Row) -> Self {
        License {
            id: row.id,
            provider_id: row.provider_id,
            data: NewLicense {
                state: row.state,
                number: row.number,
                kind: row.kind,
                status: row.status,
                issued_on: row.issued_on,
                expires_on: row.expires_on,
            },
            expired: false,
            days_left: 0,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn find(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: LicenseId,
) -> Result<Option<License>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", state, number, kind as "kind: _",
                  status as "status: _", issued_on, expires_on, version, created_at, updated_at
             from app.provider_licenses
            where tenant_id = $1 and provider_id = $2 and id = $3"#,
        tenant as _,
        provider as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(License::from))
}

pub(super) async fn page(
    tx: &mut TenantTx,
    provider: ProviderId,
    after: Option<LicenseId>,
    limit: i64,
) -> Result<Vec<License>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", state, number, kind as "kind: _",
                  status as "status: _", issued_on, expires_on, version, created_at, updated_at
             from app.provider_licenses
            where tenant_id = $1 and provider_id = $2 and ($3::uuid is null or id > $3)
            order by id
            limit $4"#,
        tenant as _,
        provider as _,
        after as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(License::from).collect())
}

/// Licences of active providers that expire by a day, soonest first; revoked ones are past renewing.
pub(super) async fn page_expiring(
    tx: &mut TenantTx,
    until: NaiveDate,
    after: Option<(NaiveDate, LicenseId)>,
    limit: i64,
) -> Result<Vec<ExpiringLicense>> {
    let tenant = tx.tenant();
    let (after_day, after_id) = after.unzip();
    let rows = sqlx::query!(
        r#"select l.id as "id: LicenseId", l.provider_id as "provider_id: ProviderId", l.state, l.number,
                  l.kind as "kind: LicenseKind", l.status as "status: LicenseStatus", l.issued_on, l.expires_on,
                  l.version, l.created_at, l.updated_at, p.given_name, p.family_name, p.credential
             from app.provider_licenses l
             join app.providers p on p.tenant_id = $1 and p.tenant_id = l.tenant_id and p.id = l.provider_id
            where l.tenant_id = $1 and l.expires_on <= $2 and l.status <> 'revoked' and p.status = 'active'
              and ($3::date is null or (l.expires_on, l.id) > ($3, $4))
            order by l.expires_on, l.id
            limit $5"#,
        tenant as _,
        until,
        after_day,
        after_id as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    let with_name = rows.into_iter().map(|row| ExpiringLicense {
        provider_name: providers::display_name(
            &row.given_name,
            &row.family_name,
            row.credential.as_deref(),
        ),
        license: License::from(Row {
            id: row.id,
            provider_id: row.provider_id,
            state: row.state,
            number: row.number,
            kind: row.kind,
            status: row.status,
            issued_on: row.issued_on,
            expires_on: row.expires_on,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }),
    });
    Ok(with_name.collect())
}

/// Keeps others from changing the row until the transaction ends.
pub(super) async fn lock(tx: &mut TenantTx, provider: ProviderId, id: LicenseId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.provider_licenses where tenant_id = $1 and provider_id = $2 and id = $3 for update",
        tenant as _,
        provider as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: LicenseId,
    new: &NewLicense,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.provider_licenses
                (tenant_id, id, provider_id, state, number, kind, status, issued_on, expires_on, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        tenant as _,
        id as _,
        provider as _,
        new.state,
        new.number,
        new.kind as _,
        new.status as _,
        new.issued_on,
        new.expires_on,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: LicenseId,
    data: &NewLicense,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.provider_licenses
            set state = $4, number = $5, kind = $6, status = $7, issued_on = $8, expires_on = $9,
                version = version + 1, updated_at = $10
          where tenant_id = $1 and provider_id = $2 and id = $3",
        tenant as _,
        provider as _,
        id as _,
        data.state,
        data.number,
        data.kind as _,
        data.status as _,
        data.issued_on,
        data.expires_on,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 0 {
        Err(Error::not_found())
    } else {
        Ok(())
    }
}

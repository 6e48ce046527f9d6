//! `app.provider_certifications`.

use chrono::NaiveDate;
use kernel::clock::Instant;
use kernel::ids::{CertificationId, ProviderId};
use kernel::{Error, Result};
use platform::db::TenantTx;

use super::model::{Certification, NewCertification};

struct Row {
    id: CertificationId,
    provider_id: ProviderId,
    name: String,
    issuer: String,
    number: Option<String>,
    issued_on: Option<NaiveDate>,
    expires_on: Option<NaiveDate>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for Certification {
    fn from(row: Row) -> Self {
        Certification {
            id: row.id,
            provider_id: row.provider_id,
            data: NewCertification {
                name: row.name,
                issuer: row.issuer,
                number: row.number,
                issued_on: row.issued_on,
                expires_on: row.expires_on,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn find(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: CertificationId,
) -> Result<Option<Certification>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", name, issuer, number, issued_on, expires_on,
                  version, created_at, updated_at
             from app.provider_certifications
            where tenant_id = $1 and provider_id = $2 and id = $3"#,
        tenant as _,
        provider as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Certification::from))
}

pub(super) async fn page(
    tx: &mut TenantTx,
    provider: ProviderId,
    after: Option<CertificationId>,
    limit: i64,
) -> Result<Vec<Certification>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", name, issuer, number, issued_on, expires_on,
                  version, created_at, updated_at
             from app.provider_certifications
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
    Ok(rows.into_iter().map(Certification::from).collect())
}

/// Keeps others from changing the row until the transaction ends.
pub(super) async fn lock(
    tx: &mut TenantTx,
    provider: ProviderId,
    id: CertificationId,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select id from app.provider_certifications where tenant_id = $1 and provider_id = $2 and id = $3 for update",
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
    id: CertificationId,
    new: &NewCertification,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.provider_certifications
                (tenant_id, id, provider_id, name, issuer, number, issued_on, expires_on, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)",
        tenant as _,
        id as _,
        provider as _,
        new.name,
        new.issuer,
        new.number.as_deref(),
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
    id: CertificationId,
    data: &NewCertification,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.provider_certifications
            set name = $4, issuer = $5, number = $6, issued_on = $7, expires_on = $8,
                version = version + 1, updated_at = $9
          where tenant_id = $1 and provider_id = $2 and id = $3",
        tenant as _,
        provider as _,
        id as _,
        data.name,
        data.issuer,
        data.number.as_deref(),
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

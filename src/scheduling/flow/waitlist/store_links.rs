//! SQL of the links in messages of offers.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, ReminderId, WaitlistOfferId};
use platform::db::TenantTx;
use serde_json::Value;
use uuid::Uuid;

/// The link of a message; made again, the one before opens nothing any more.
pub(super) async fn put(
    tx: &mut TenantTx,
    message: ReminderId,
    (offer, patient): (WaitlistOfferId, PatientId),
    digest: &[u8],
    expires_at: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.waitlist_offer_links (tenant_id, id, patient_id, offer_id, secret_hash, expires_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)
         on conflict (tenant_id, id) do update set secret_hash = excluded.secret_hash, expires_at = excluded.expires_at",
        tenant as _,
        message as _,
        patient as _,
        offer as _,
        digest,
        expires_at,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a link leads to.
pub(super) struct Linked {
    pub id: Uuid,
    pub patient_id: PatientId,
    pub offer_id: WaitlistOfferId,
    pub open: bool,
    pub deadline: Instant,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub time_zone: String,
    pub facility: String,
    pub phone: Option<String>,
    pub address: Option<Value>,
}

/// The link with this digest that has not been answered or run out, locked; of a tenant that is active.
pub(super) async fn lock(tx: &mut TenantTx, digest: &[u8], now: Instant) -> Result<Option<Linked>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Linked,
        r#"select l.id, l.patient_id as "patient_id: _", l.offer_id as "offer_id: _", o.status = 'open' as "open!", o.deadline,
                  o.starts_at, o.ends_at, f.time_zone, f.name as facility, f.phone, f.address
             from app.waitlist_offer_links l
             join app.waitlist_offers o on o.tenant_id = l.tenant_id and o.patient_id = l.patient_id and o.id = l.offer_id
             join app.facilities f on f.tenant_id = o.tenant_id and f.id = o.facility_id
             join app.tenants t on t.tenant_id = l.tenant_id and t.status = 'active'
            where l.tenant_id = $1 and l.secret_hash = $2 and l.used_at is null and l.expires_at > $3
            for update of l"#,
        tenant as _,
        digest,
        now,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn use_up(tx: &mut TenantTx, id: Uuid, action: &str, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.waitlist_offer_links set used_at = $3, used_for = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id,
        now,
        action,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

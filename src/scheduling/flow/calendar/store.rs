//! SQL of calendar feeds.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{AppointmentId, CalendarFeedId, PatientId, ProviderId, UserId};
use platform::db::TenantTx;
use serde_json::Value;

use super::model::{CalendarFeed, NewCalendarFeed};

struct Row {
    id: CalendarFeedId,
    provider_id: ProviderId,
    name: String,
    revoked_at: Option<Instant>,
    last_read_at: Option<Instant>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for CalendarFeed {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewCalendarFeed {
                provider_id: row.provider_id,
                name: row.name,
            },
            url: None,
            revoked_at: row.revoked_at,
            last_read_at: row.last_read_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// The provider an account is.
pub(super) async fn provider_of(tx: &mut TenantTx, user: UserId) -> Result<Option<ProviderId>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select id as "id: _" from app.providers where tenant_id = $1 and user_id = $2 and status = 'active'"#,
        tenant as _,
        user as _,
    )
    .fetch_optional(tx.conn())
    .await?)
}

pub(super) async fn is_active_provider(tx: &mut TenantTx, id: ProviderId) -> Result<bool> {
    let tenant = tx.tenant();
    Ok(sqlx::query_scalar!(
        r#"select exists (select from app.providers where tenant_id = $1 and id = $2 and status = 'active') as "there!""#,
        tenant as _,
        id as _,
    )
    .fetch_one(tx.conn())
    .await?)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    feed: &CalendarFeed,
    digest: &[u8],
    by: UserId,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.calendar_feeds (tenant_id, id, provider_id, name, secret_hash, created_by, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $7)",
        tenant as _,
        feed.id as _,
        feed.data.provider_id as _,
        feed.data.name,
        digest,
        by as _,
        feed.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Newest first, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    provider: Option<ProviderId>,
    after: Option<(Instant, CalendarFeedId)>,
    limit: i64,
) -> Result<Vec<CalendarFeed>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", name, revoked_at, last_read_at, version, created_at, updated_at
             from app.calendar_feeds
            where tenant_id = $1 and ($2::uuid is null or provider_id = $2)
              and ($3::timestamptz is null or (created_at, id) < ($3, $4))
            order by created_at desc, id desc limit $5"#,
        tenant as _,
        provider as _,
        at,
        place as _,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn lock(tx: &mut TenantTx, id: CalendarFeedId) -> Result<Option<CalendarFeed>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", provider_id as "provider_id: _", name, revoked_at, last_read_at, version, created_at, updated_at
             from app.calendar_feeds where tenant_id = $1 and id = $2 for update"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn revoke(tx: &mut TenantTx, id: CalendarFeedId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.calendar_feeds set revoked_at = $3, version = version + 1, updated_at = $3 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A feed somebody has the secret of.
pub(super) struct Open {
    pub id: CalendarFeedId,
    pub provider_id: ProviderId,
    pub given_name: String,
    pub family_name: String,
}

/// The feed of the secret with this digest, unless it was revoked, or the tenant, the provider or his account is not active,
/// or the account is no provider's any more.
pub(super) async fn open(tx: &mut TenantTx, digest: &[u8], now: Instant) -> Result<Option<Open>> {
    let tenant = tx.tenant();
    let feed = sqlx::query_as!(
        Open,
        r#"select f.id as "id: _", f.provider_id as "provider_id: _", p.given_name, p.family_name
             from app.calendar_feeds f
             join app.providers p on p.tenant_id = f.tenant_id and p.id = f.provider_id and p.status = 'active'
             join app.tenants t on t.tenant_id = f.tenant_id and t.status = 'active'
             left join app.users u on u.tenant_id = p.tenant_id and u.id = p.user_id
            where f.tenant_id = $1 and f.secret_hash = $2 and f.revoked_at is null
              and (p.user_id is null or (u.status = 'active' and u.deleted_at is null and u.role = 'provider'))"#,
        tenant as _,
        digest,
    )
    .fetch_optional(tx.conn())
    .await?;
    if let Some(feed) = &feed {
        // To the minute is enough.
        sqlx::query!(
            "update app.calendar_feeds set last_read_at = $3
              where tenant_id = $1 and id = $2 and (last_read_at is null or last_read_at < $4)",
            tenant as _,
            feed.id as _,
            now,
            now - TimeDelta::minutes(1),
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(feed)
}

/// An appointment as a calendar shows it.
pub(super) struct Entry {
    pub id: AppointmentId,
    pub patient_id: PatientId,
    pub names: Value,
    pub service: String,
    pub facility: String,
    pub room: Option<String>,
    pub status: String,
    pub starts_at: Instant,
    pub ends_at: Instant,
    pub version: i64,
    pub updated_at: Instant,
}

/// What a provider is booked for, as the one who leads or beside another, in its order; what was called off is left out.
pub(super) async fn entries(
    tx: &mut TenantTx,
    provider: ProviderId,
    from: Instant,
    to: Instant,
) -> Result<Vec<Entry>> {
    let tenant = tx.tenant();
    Ok(sqlx::query_as!(
        Entry,
        r#"select a.id as "id: _", a.patient_id as "patient_id: _", p.names, s.name as service, f.name as facility,
                  (select string_agg(x.name, ', ' order by x.name) from app.reservations r
                     join app.scheduling_assets x on x.tenant_id = r.tenant_id and x.id = r.asset_id and x.kind = 'room'
                    where r.tenant_id = $1 and r.appointment_id = a.id and r.state in ('booked', 'overbooked')) as room,
                  a.status, a.starts_at, a.ends_at, a.version, a.updated_at
             from app.appointments a
             join app.patients p on p.tenant_id = a.tenant_id and p.id = a.patient_id
             join app.scheduling_services s on s.tenant_id = a.tenant_id and s.id = a.service_id
             join app.facilities f on f.tenant_id = a.tenant_id and f.id = a.facility_id
            where a.tenant_id = $1 and a.starts_at >= $3 and a.starts_at < $4
              and a.id in (select l.id from app.appointments l
                            where l.tenant_id = $1 and l.provider_id = $2 and l.starts_at >= $3 and l.starts_at < $4
                           union
                           select r.appointment_id from app.reservations r
                            where r.tenant_id = $1 and r.resource_id = $2 and r.state in ('booked', 'overbooked')
                              and r.starts_at > $3::timestamptz - interval '40 hours' and r.starts_at < $4)
              and a.status in ('scheduled', 'confirmed', 'checked_in', 'in_progress', 'completed')
            order by a.starts_at, a.id limit 5000"#,
        tenant as _,
        provider as _,
        from,
        to,
    )
    .fetch_all(tx.conn())
    .await?)
}

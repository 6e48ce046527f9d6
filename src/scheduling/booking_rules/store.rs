//! SQL of booking rules.

use kernel::Result;
use kernel::clock::Instant;
use platform::db::TenantTx;

use super::model::{BookingRules, RulesInForce};

pub(super) async fn find(tx: &mut TenantTx) -> Result<RulesInForce> {
    let tenant = tx.tenant();
    let row = sqlx::query!(
        "select max_open_appointments, cancel_notice_minutes, version from app.booking_rules where tenant_id = $1",
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map_or_else(
        || RulesInForce {
            data: BookingRules::default(),
            version: 1,
        },
        |row| RulesInForce {
            data: BookingRules {
                max_open_appointments: row.max_open_appointments,
                cancel_notice_minutes: row.cancel_notice_minutes,
            },
            version: row.version,
        },
    ))
}

/// As [`find`], to be changed: makes the row if there is none, and whoever else wants to change it waits.
pub(super) async fn lock(tx: &mut TenantTx, now: Instant) -> Result<RulesInForce> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.booking_rules (tenant_id, version, created_at, updated_at) values ($1, 1, $2, $2) on conflict do nothing",
        tenant as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query_scalar!(
        "select version from app.booking_rules where tenant_id = $1 for update",
        tenant as _,
    )
    .fetch_one(tx.conn())
    .await?;
    find(tx).await
}

pub(super) async fn set(
    tx: &mut TenantTx,
    rules: &BookingRules,
    version: i64,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.booking_rules set max_open_appointments = $2, cancel_notice_minutes = $3, version = $4, updated_at = $5
          where tenant_id = $1",
        tenant as _,
        rules.max_open_appointments,
        rules.cancel_notice_minutes,
        version,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

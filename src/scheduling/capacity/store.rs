//! What became of appointments, counted.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{FacilityId, ServiceId};
use platform::db::TenantTx;

/// Of the appointments of one service.
pub(super) struct Counts {
    pub service_id: ServiceId,
    pub standing: i64,
    pub kept: i64,
    pub missed: i64,
    pub cancelled: i64,
    pub minutes: i64,
    pub median_days: Option<f64>,
    pub p90_days: Option<f64>,
}

pub(super) async fn counts(
    tx: &mut TenantTx,
    facility: FacilityId,
    from: Instant,
    to: Instant,
) -> Result<Vec<Counts>> {
    let rows = sqlx::query_as!(
        Counts,
        r#"select c.service_id as "service_id!: _", c.standing as "standing!", c.kept as "kept!", c.missed as "missed!",
                  c.cancelled as "cancelled!", c.minutes as "minutes!", c.median_days, c.p90_days
             from app.appointment_counts($1, $2, $3) c"#,
        facility as _,
        from,
        to
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

//! SQL of the settings.

use kernel::clock::Instant;
use kernel::{Error, Result};
use platform::db::TenantTx;
use sqlx::types::Json;

use crate::local_time::LocalTime;

use super::model::{ExtraReminder, FlowSettings, NewFlowSettings, TriageRules};

struct Row {
    quiet_from: LocalTime,
    quiet_until: LocalTime,
    calendar_initials: bool,
    offer_minutes: i32,
    offer_notice_minutes: i32,
    extra_above_percent: Option<i32>,
    extra_minutes_before: Option<i32>,
    triage: Json<TriageRules>,
    version: i64,
}

impl From<Row> for FlowSettings {
    fn from(row: Row) -> Self {
        Self {
            data: NewFlowSettings {
                quiet_from: row.quiet_from,
                quiet_until: row.quiet_until,
                calendar_initials: row.calendar_initials,
                offer_minutes: row.offer_minutes,
                offer_notice_minutes: row.offer_notice_minutes,
                extra_reminder: row.extra_above_percent.zip(row.extra_minutes_before).map(
                    |(above_percent, minutes_before)| ExtraReminder {
                        above_percent,
                        minutes_before,
                    },
                ),
                triage: row.triage.0,
            },
            version: row.version,
        }
    }
}

pub(super) async fn find(tx: &mut TenantTx) -> Result<Option<FlowSettings>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select quiet_from as "quiet_from: _", quiet_until as "quiet_until: _", calendar_initials, offer_minutes, offer_notice_minutes,
                  extra_above_percent, extra_minutes_before, triage as "triage: _", version
             from app.flow_settings where tenant_id = $1"#,
        tenant as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// Makes the row if there is none, and locks it.
pub(super) async fn lock(tx: &mut TenantTx, now: Instant) -> Result<FlowSettings> {
    let tenant = tx.tenant();
    let defaults = NewFlowSettings::default();
    let extra = defaults.extra_reminder.as_ref();
    sqlx::query!(
        "insert into app.flow_settings (tenant_id, quiet_from, quiet_until, calendar_initials, offer_minutes, offer_notice_minutes,
                                        triage, created_at, updated_at, extra_above_percent, extra_minutes_before)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10) on conflict do nothing",
        tenant as _,
        defaults.quiet_from as _,
        defaults.quiet_until as _,
        defaults.calendar_initials,
        defaults.offer_minutes,
        defaults.offer_notice_minutes,
        Json(&defaults.triage) as _,
        now,
        extra.map(|extra| extra.above_percent),
        extra.map(|extra| extra.minutes_before),
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "select version from app.flow_settings where tenant_id = $1 for update",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    find(tx).await?.ok_or_else(Error::not_found)
}

pub(super) async fn update(tx: &mut TenantTx, data: &NewFlowSettings, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    let extra = data.extra_reminder.as_ref();
    sqlx::query!(
        "update app.flow_settings
            set quiet_from = $2, quiet_until = $3, calendar_initials = $4, offer_minutes = $5, offer_notice_minutes = $6,
                triage = $7, version = version + 1, updated_at = $8, extra_above_percent = $9, extra_minutes_before = $10
          where tenant_id = $1",
        tenant as _,
        data.quiet_from as _,
        data.quiet_until as _,
        data.calendar_initials,
        data.offer_minutes,
        data.offer_notice_minutes,
        Json(&data.triage) as _,
        now,
        extra.map(|extra| extra.above_percent),
        extra.map(|extra| extra.minutes_before),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

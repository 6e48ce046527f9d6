//! SQL of templates.

use kernel::Result;
use kernel::clock::Instant;
use platform::db::TenantTx;
use platform::messages::Channel;
use uuid::Uuid;

use super::model::{NewReminderTemplate, ReminderPurpose, ReminderTemplate, TemplateState};

struct Row {
    id: Uuid,
    purpose: ReminderPurpose,
    channel: Channel,
    offset_minutes: i32,
    language: Option<String>,
    subject: Option<String>,
    body: String,
    status: TemplateState,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for ReminderTemplate {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewReminderTemplate {
                purpose: row.purpose,
                channel: row.channel,
                offset_minutes: row.offset_minutes,
                language: row.language,
                subject: row.subject,
                body: row.body,
                status: row.status,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// In the order they were added, from a place on.
pub(super) async fn page(
    tx: &mut TenantTx,
    purpose: Option<ReminderPurpose>,
    after: Option<(Instant, Uuid)>,
    limit: i64,
) -> Result<Vec<ReminderTemplate>> {
    let tenant = tx.tenant();
    let (at, place) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id, purpose as "purpose: _", channel as "channel: _", offset_minutes, language, subject, body,
                  status as "status: _", version, created_at, updated_at
             from app.reminder_templates
            where tenant_id = $1 and ($2::text is null or purpose = $2)
              and ($3::timestamptz is null or (created_at, id) > ($3, $4))
            order by created_at, id limit $5"#,
        tenant as _,
        purpose as _,
        at,
        place,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// Those in use, for a purpose.
pub(super) async fn active(
    tx: &mut TenantTx,
    purpose: ReminderPurpose,
) -> Result<Vec<ReminderTemplate>> {
    let all = page(tx, Some(purpose), None, 1_000).await?;
    Ok(all
        .into_iter()
        .filter(|template| template.data.status == TemplateState::Active)
        .collect())
}

pub(super) async fn find(tx: &mut TenantTx, id: Uuid) -> Result<Option<ReminderTemplate>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id, purpose as "purpose: _", channel as "channel: _", offset_minutes, language, subject, body,
                  status as "status: _", version, created_at, updated_at
             from app.reminder_templates where tenant_id = $1 and id = $2"#,
        tenant as _,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn lock(tx: &mut TenantTx, id: Uuid) -> Result<Option<ReminderTemplate>> {
    let tenant = tx.tenant();
    sqlx::query!(
        "select version from app.reminder_templates where tenant_id = $1 and id = $2 for update",
        tenant as _,
        id,
    )
    .fetch_optional(tx.conn())
    .await?;
    find(tx, id).await
}

pub(super) async fn insert(tx: &mut TenantTx, template: &ReminderTemplate) -> Result<()> {
    let tenant = tx.tenant();
    let data = &template.data;
    sqlx::query!(
        "insert into app.reminder_templates (tenant_id, id, purpose, channel, offset_minutes, language, subject, body, status,
                                             created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)",
        tenant as _,
        template.id,
        data.purpose as _,
        data.channel as _,
        data.offset_minutes,
        data.language,
        data.subject,
        data.body,
        data.status as _,
        template.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut TenantTx, template: &ReminderTemplate) -> Result<()> {
    let tenant = tx.tenant();
    let data = &template.data;
    sqlx::query!(
        "update app.reminder_templates
            set purpose = $3, channel = $4, offset_minutes = $5, language = $6, subject = $7, body = $8, status = $9,
                version = $10, updated_at = $11
          where tenant_id = $1 and id = $2",
        tenant as _,
        template.id,
        data.purpose as _,
        data.channel as _,
        data.offset_minutes,
        data.language,
        data.subject,
        data.body,
        data.status as _,
        template.version,
        template.updated_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of templates.

use kernel::clock::Instant;
use kernel::ids::{NoteTemplateId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use sqlx::types::Json;

use super::model::{ListTemplates, NewTemplate, NoteTemplate, TemplateStatus};
use crate::notes::content::NoteContent;
use crate::notes::kinds::NoteType;

struct Row {
    id: NoteTemplateId,
    name: String,
    r#type: NoteType,
    specialty: Option<String>,
    content: Json<NoteContent>,
    status: TemplateStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<Row> for NoteTemplate {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            data: NewTemplate {
                name: row.name,
                r#type: row.r#type,
                specialty: row.specialty,
                content: row.content.0,
            },
            status: row.status,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &NewTemplate,
    key: &str,
    now: Instant,
) -> Result<NoteTemplateId> {
    let tenant = tx.tenant();
    let id = NoteTemplateId::new();
    sqlx::query!(
        "insert into app.note_templates (tenant_id, id, name, name_key, type, specialty, content, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
        tenant as _,
        id as _,
        new.name,
        key,
        new.r#type as _,
        new.specialty,
        Json(&new.content) as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: NoteTemplateId) -> Result<Option<NoteTemplate>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select t.id as "id: _", t.name, t.type as "type: _", t.specialty, t.content as "content: _", t.status as "status: _",
                  t.version, t.created_at, t.updated_at
             from app.note_templates t where t.tenant_id = $1 and t.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(NoteTemplate::from))
}

pub(super) async fn get(tx: &mut TenantTx, id: NoteTemplateId) -> Result<NoteTemplate> {
    find(tx, id).await?.ok_or_else(Error::not_found)
}

/// Fetches the template to be changed; others who want to change it wait.
pub(super) async fn lock(tx: &mut TenantTx, id: NoteTemplateId) -> Result<NoteTemplate> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.note_templates where tenant_id = $1 and id = $2 for no key update",
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?
    .ok_or_else(Error::not_found)?;
    get(tx, id).await
}

pub(super) async fn update(
    tx: &mut TenantTx,
    id: NoteTemplateId,
    data: &NewTemplate,
    key: &str,
    status: TemplateStatus,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_templates set name = $3, name_key = $4, type = $5, specialty = $6, content = $7, status = $8,
                version = version + 1, updated_at = $9
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        data.name,
        key,
        data.r#type as _,
        data.specialty,
        Json(&data.content) as _,
        status as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Templates by name.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListTemplates,
    status: TemplateStatus,
    after: Option<(String, NoteTemplateId)>,
    fetch: i64,
) -> Result<Vec<NoteTemplate>> {
    let tenant = tx.tenant();
    let (key, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select t.id as "id: _", t.name, t.type as "type: _", t.specialty, t.content as "content: _", t.status as "status: _",
                  t.version, t.created_at, t.updated_at
             from app.note_templates t
            where t.tenant_id = $1 and t.status = $2
              and ($3::text is null or t.type = $3)
              and ($4::text is null or t.specialty is null or t.specialty = $4)
              and ($5::text is null or (t.name_key, t.id) > ($5, $6::uuid))
            order by t.name_key, t.id
            limit $7"#,
        tenant as _,
        status as _,
        query.r#type as _,
        query.specialty,
        key,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(NoteTemplate::from).collect())
}

/// Who writes, and what the organisation's clock shows.
pub(super) struct Writer {
    pub name: String,
    pub time_zone: String,
}

pub(super) async fn writer(tx: &mut TenantTx, user: UserId) -> Result<Writer> {
    let tenant = tx.tenant();
    let writer = sqlx::query_as!(
        Writer,
        r#"select coalesce(u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, ''), '') as "name!", t.time_zone
             from app.tenants t
             left join app.users u on u.tenant_id = $1 and u.id = $2
             left join app.providers p on p.tenant_id = $1 and p.user_id = u.id
            where t.tenant_id = $1"#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(writer)
}

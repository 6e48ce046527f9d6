//! SQL of the work that follows an upload.

use chrono::TimeDelta;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, DocumentVersionId, PatientId, UserId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{Category, Scan, TextState};
use crate::search::{SearchText, Source};

/// A version in a worker's hands.
pub(super) struct Task {
    pub id: DocumentVersionId,
    pub content_type: String,
    pub size: i64,
    pub sha256: Vec<u8>,
    pub sealed_key: String,
    pub attempts: i16,
}

/// Takes the version that has waited longest to be scanned, or else of those that need not be scanned (any more) the one that
/// has waited longest for its text.
pub(super) async fn take(
    tx: &mut TenantTx,
    to_scan: bool,
    now: Instant,
    lease: TimeDelta,
) -> Result<Option<Task>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Task,
        r#"update app.document_versions v set next_try_at = $4, attempts = least(v.attempts + 1, 1000)::smallint
            where v.tenant_id = $1
              and v.id = (select w.id from app.document_versions w
                           where w.tenant_id = $1 and w.next_try_at <= $2 and w.sealed_key is not null
                             and (w.scan = 'pending') = $3
                           order by w.next_try_at limit 1 for update skip locked)
        returning v.id as "id: _", v.content_type, v.size, v.sha256, v.sealed_key as "sealed_key!",
                  v.attempts"#,
        tenant as _,
        now,
        to_scan,
        now + lease
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// The operator has taken the scanner away, and does not insist on one: what waits for it waits no more.
pub(super) async fn release_quarantine(tx: &mut TenantTx, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.document_versions
              set scan = 'not_scanned', version = version + 1, updated_at = $2,
                  next_try_at = case when text_state = 'pending' then next_try_at end
            where tenant_id = $1 and scan = 'pending' and next_try_at <= $2"#,
        tenant as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn scanned(
    tx: &mut TenantTx,
    task: &Task,
    scan: Scan,
    detail: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.document_versions
              set scan = $3, scan_detail = $4, scanned_at = $5, version = version + 1, updated_at = $5, attempts = 0,
                  text_state = case when $3 = 'infected' then 'none' else text_state end,
                  next_try_at = case when $3 <> 'infected' and text_state = 'pending' then $5::timestamptz end
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        task.id as _,
        scan as _,
        detail,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What the search is told of a version besides its text.
pub(super) struct Label {
    pub newest: bool,
    pub title: String,
    document: DocumentId,
    patient: PatientId,
    category: Category,
    kind: String,
    happened_at: Instant,
    author: Option<UserId>,
    released_at: Option<Instant>,
}

impl Label {
    pub fn search_text<'a>(&'a self, text: &'a str) -> SearchText<'a> {
        SearchText {
            source: Source::Document {
                id: self.document,
                category: self.category,
                released_at: self.released_at,
            },
            patient: self.patient,
            author: self.author,
            r#type: &self.kind,
            happened_at: self.happened_at,
            text,
        }
    }
}

/// The label of a patient's version, and holds its document until the transaction ends: nobody adds a version meanwhile.
pub(super) async fn label(tx: &mut TenantTx, task: &Task) -> Result<Option<Label>> {
    let tenant = tx.tenant();
    let label = sqlx::query_as!(
        Label,
        r#"select v.number = d.current_number and d.status = 'current' as "newest!", d.title, d.id as "document: _",
                  d.patient_id as "patient!: _", d.category as "category: _", d.kind, app.document_instant(d.document_date) as "happened_at!",
                  v.uploaded_by as "author: _", v.released_at
             from app.document_versions v
             join app.documents d on d.tenant_id = $1 and d.id = v.document_id
            where v.tenant_id = $1 and v.id = $2 and d.patient_id is not null
              for share of d"#,
        tenant as _,
        task.id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(label)
}

/// False if somebody else did it, or the version was destroyed meanwhile.
pub(super) async fn settle_text(
    tx: &mut TenantTx,
    task: &Task,
    state: TextState,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.document_versions
              set text_state = $3, next_try_at = null, version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2 and text_state = 'pending' and sealed_key is not null"#,
        tenant as _,
        task.id as _,
        state as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn insert_text(
    tx: &mut TenantTx,
    task: &Task,
    body: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.document_texts
                  (tenant_id, version_id, document_id, patient_id, category, released_at, body, created_at)
           select v.tenant_id, v.id, v.document_id, v.patient_id, v.category, v.released_at, $3, $4
             from app.document_versions v
            where v.tenant_id = $1 and v.id = $2
           on conflict do nothing"#,
        tenant as _,
        task.id as _,
        body,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn put_off(tx: &mut TenantTx, task: &Task, until: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.document_versions set next_try_at = $3 where tenant_id = $1 and id = $2 and next_try_at is not null",
        tenant as _,
        task.id as _,
        until
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends uploads nobody went on with; the object of one in a single piece is noted for removal.
pub(super) async fn expire_uploads(tx: &mut TenantTx, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.document_uploads set state = 'aborted', version = version + 1, updated_at = $2
            where tenant_id = $1 and state = 'receiving' and expires_at <= $2"#,
        tenant as _,
        now
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"insert into app.file_removals (tenant_id, id, noted_at)
           select u.tenant_id, u.id, $2 from app.document_uploads u
            where u.tenant_id = $1 and u.state = 'aborted' and u.size is null and u.updated_at = $2
           on conflict do nothing"#,
        tenant as _,
        now
    )
    .execute(tx.conn())
    .await?;
    // What was sent on a day counts for that day only.
    sqlx::query!(
        "delete from app.upload_usage where tenant_id = $1 and day < $2",
        tenant as _,
        (now - TimeDelta::days(1)).date_naive()
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Notes names of objects for removal at a time, before they are stored.
pub(super) async fn note_removals(
    tx: &mut TenantTx,
    names: &[DocumentVersionId],
    at: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.file_removals (tenant_id, id, noted_at) select $1, n.id, $3 from unnest($2::uuid[]) n (id)",
        tenant as _,
        names as _,
        at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a note back, because the object is a document's from now on. False where there is none any more, or the sweeper has
/// taken the object in hand.
pub(super) async fn keep(tx: &mut TenantTx, name: DocumentVersionId) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "delete from app.file_removals where tenant_id = $1 and id = $2 and noted_at > '-infinity'",
        tenant as _,
        name as _
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes in hand objects to remove: noted, due, no document's, and not a part of an upload under way. Who still wanted to file one
/// of them can't from now on; one whose note is just being taken back is passed over. Those a sweeper died with are due again.
pub(super) async fn take_removable(tx: &mut TenantTx, now: Instant) -> Result<Vec<Uuid>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"update app.file_removals f set noted_at = '-infinity'
            where f.tenant_id = $1
              and f.id in (select r.id from app.file_removals r
                            where r.tenant_id = $1 and r.noted_at <= $2
                              and not exists (select from app.document_upload_parts p
                                                join app.document_uploads u on u.tenant_id = $1 and u.id = p.upload_id
                                               where p.tenant_id = $1 and p.id = r.id and u.state = 'receiving')
                              and not exists (select from app.document_versions v
                                               where v.tenant_id = $1 and v.id = r.id and v.sealed_key is not null)
                            order by r.noted_at limit 500 for update skip locked)
        returning f.id"#,
        tenant as _,
        now
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

/// The object is gone: its note goes, and the part that named it.
pub(super) async fn removed(tx: &mut TenantTx, id: Uuid) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.document_upload_parts where tenant_id = $1 and id = $2",
        tenant as _,
        id
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "delete from app.file_removals where tenant_id = $1 and id = $2",
        tenant as _,
        id
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

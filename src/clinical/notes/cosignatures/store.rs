//! SQL of co-signatures and supervisions.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{CosignatureId, NoteId, NoteSupervisionId, PatientId, UserId};
use platform::db::TenantTx;

use super::model::{Cosignature, NewSupervision, Supervision, SupervisionStatus};
use crate::notes::kinds::{CosignatureStatus, NoteType};
use crate::notes::model::Note;

/// Puts a note into a supervisor's queue, unless it waits there: what he had returned is answered. What he had returned before his
/// supervision ended is answered to whoever takes it.
pub(super) async fn ask(
    tx: &mut TenantTx,
    note: &Note,
    supervisor: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "insert into app.note_cosignatures (tenant_id, id, patient_id, note_id, supervisor_id, asked_by, open_since, requested_at,
                created_at, updated_at)
         values ($1, $2, $3, $4, $5, app.user_id(),
                 (select max(c.open_since) from app.note_cosignatures c
                   where c.tenant_id = $1 and c.note_id = $4 and c.supervisor_id = $5 and c.status = 'returned' and not c.answered),
                 $6, $6, $6)
         on conflict (tenant_id, note_id, supervisor_id) where status = 'pending' do nothing",
        tenant as _,
        CosignatureId::new() as _,
        note.summary.patient_id as _,
        note.summary.id as _,
        supervisor as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update app.note_cosignatures set answered = true, version = version + 1, updated_at = $4
          where tenant_id = $1 and note_id = $2 and supervisor_id = $3 and status = 'returned' and not answered",
        tenant as _,
        note.summary.id as _,
        supervisor as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The co-signature as a whole: what each supervisor said last. `None`: nobody was asked.
pub(super) async fn standing(tx: &mut TenantTx, note: NoteId) -> Result<Option<CosignatureStatus>> {
    let tenant = tx.tenant();
    let status = sqlx::query_scalar!(
        r#"select case when bool_or(c.status = 'returned' and not c.answered) then 'returned'
                       when bool_or(c.status = 'pending') then 'pending'
                       when count(*) > 0 then 'cosigned' end as "status: CosignatureStatus"
             from app.note_cosignatures c where c.tenant_id = $1 and c.note_id = $2"#,
        tenant as _,
        note as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(status)
}

/// Those who returned a note and wait for an answer.
pub(super) async fn returned_by(tx: &mut TenantTx, note: NoteId) -> Result<Vec<UserId>> {
    let tenant = tx.tenant();
    let supervisors = sqlx::query_scalar!(
        r#"select c.supervisor_id as "supervisor: UserId" from app.note_cosignatures c
            where c.tenant_id = $1 and c.note_id = $2 and c.status = 'returned' and not c.answered"#,
        tenant as _,
        note as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(supervisors)
}

/// Gives what waits for one supervisor, or was returned by him and is not answered, to another. Whether there was such.
pub(super) async fn reassign(
    tx: &mut TenantTx,
    id: CosignatureId,
    supervisor: UserId,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let done = sqlx::query!(
        "update app.note_cosignatures set supervisor_id = $3, open_since = null, version = version + 1, updated_at = $4
          where tenant_id = $1 and id = $2 and (status = 'pending' or status = 'returned' and not answered)",
        tenant as _,
        id as _,
        supervisor as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn is_on_team(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
    now: Instant,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.care_team_members m
                           where m.tenant_id = $1 and m.patient_id = $2 and m.user_id = $3
                             and m.valid_from <= $4 and (m.valid_until is null or m.valid_until > $4)) as "found!""#,
        tenant as _,
        patient as _,
        user as _,
        now,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

pub(super) async fn find(tx: &mut TenantTx, id: CosignatureId) -> Result<Option<Cosignature>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Cosignature,
        r#"select c.id as "id: _", c.note_id as "note_id: NoteId", c.patient_id as "patient_id: _",
                  c.supervisor_id as "supervisor_id: _", n.type as "note_type: _", n.title, n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name as "author?", c.status as "status: _", c.open_since, c.reason,
                  c.requested_at, c.decided_at, c.version
             from app.note_cosignatures c
             join app.notes n on n.tenant_id = $1 and n.id = c.note_id
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
            where c.tenant_id = $1 and c.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// A supervisor's queue, the oldest first. A note that was retracted needs nobody's consent any more.
pub(super) async fn queue(
    tx: &mut TenantTx,
    supervisor: UserId,
    status: CosignatureStatus,
    after: Option<(Instant, CosignatureId)>,
    fetch: i64,
) -> Result<Vec<Cosignature>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Cosignature,
        r#"select c.id as "id: _", c.note_id as "note_id: NoteId", c.patient_id as "patient_id: _",
                  c.supervisor_id as "supervisor_id: _", n.type as "note_type: _", n.title, n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name as "author?", c.status as "status: _", c.open_since, c.reason,
                  c.requested_at, c.decided_at, c.version
             from app.note_cosignatures c
             join app.notes n on n.tenant_id = $1 and n.id = c.note_id and n.status <> 'entered_in_error'
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
            where c.tenant_id = $1 and c.supervisor_id = $2 and c.status = $3 and c.open_since is null
              and ($4::timestamptz is null or (c.requested_at, c.id) > ($4, $5::uuid))
            order by c.requested_at, c.id
            limit $6"#,
        tenant as _,
        supervisor as _,
        status as _,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What waits for nobody, the oldest first: its supervision has ended, or its supervisor has left.
pub(super) async fn open(
    tx: &mut TenantTx,
    after: Option<(Instant, CosignatureId)>,
    fetch: i64,
) -> Result<Vec<Cosignature>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let rows = sqlx::query_as!(
        Cosignature,
        r#"select c.id as "id: _", c.note_id as "note_id: NoteId", c.patient_id as "patient_id: _",
                  c.supervisor_id as "supervisor_id: _", n.type as "note_type: _", n.title, n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name as "author?", c.status as "status: _", c.open_since, c.reason,
                  c.requested_at, c.decided_at, c.version
             from app.note_cosignatures c
             join app.notes n on n.tenant_id = $1 and n.id = c.note_id and n.status <> 'entered_in_error'
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
            where c.tenant_id = $1 and (c.status = 'pending' or c.status = 'returned' and not c.answered)
              and (c.open_since is not null
                   or not exists (select from app.users s
                                   where s.tenant_id = $1 and s.id = c.supervisor_id and s.status = 'active' and s.deleted_at is null))
              and ($2::timestamptz is null or (c.requested_at, c.id) > ($2, $3::uuid))
            order by c.requested_at, c.id
            limit $4"#,
        tenant as _,
        at,
        id as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Lets what waits for a supervisor because of what somebody else signed wait for nobody in particular.
pub(super) async fn let_go(
    tx: &mut TenantTx,
    (of, supervisor): (UserId, UserId),
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_cosignatures c set open_since = $4, version = c.version + 1, updated_at = $4
           from app.notes n
          where c.tenant_id = $1 and n.tenant_id = $1 and n.id = c.note_id and c.supervisor_id = $3
            and coalesce(c.asked_by, n.author_id) = $2 and c.open_since is null
            and (c.status = 'pending' or c.status = 'returned' and not c.answered)",
        tenant as _,
        of as _,
        supervisor as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What waits for nobody since the supervision of this person ended, and does not wait for the other already.
pub(super) async fn open_of(
    tx: &mut TenantTx,
    of: UserId,
    supervisor: UserId,
) -> Result<Vec<(CosignatureId, NoteId)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select c.id as "id: CosignatureId", c.note_id as "note_id: NoteId"
             from app.note_cosignatures c
             join app.notes n on n.tenant_id = $1 and n.id = c.note_id and n.status <> 'entered_in_error'
            where c.tenant_id = $1 and c.open_since is not null and coalesce(c.asked_by, n.author_id) = $2 and n.author_id <> $3
              and (c.status = 'pending' or c.status = 'returned' and not c.answered)
              and not exists (select from app.note_cosignatures o
                               where o.tenant_id = $1 and o.note_id = c.note_id and o.supervisor_id = $3 and o.status = 'pending'
                                 and o.id <> c.id)
            order by c.note_id, c.id"#,
        tenant as _,
        of as _,
        supervisor as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.note_id)).collect())
}

/// Whose signature it is that needs consent; of what was asked long ago, nobody known.
pub(super) async fn asked_by(tx: &mut TenantTx, id: CosignatureId) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select asked_by as "asked_by: UserId" from app.note_cosignatures where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found.flatten())
}

pub(super) async fn decide(
    tx: &mut TenantTx,
    id: CosignatureId,
    status: CosignatureStatus,
    reason: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_cosignatures set status = $3, reason = $4, decided_at = $5, version = version + 1, updated_at = $5
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        reason,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn supervisor_of(
    tx: &mut TenantTx,
    author: UserId,
    note_type: NoteType,
) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    let supervisor = sqlx::query_scalar!(
        r#"select s.supervisor_id as "supervisor: UserId" from app.note_supervisions s
            where s.tenant_id = $1 and s.user_id = $2 and s.status = 'active'
              and (s.note_types = '{}' or $3 = any(s.note_types))"#,
        tenant as _,
        author as _,
        note_type.as_str(),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(supervisor)
}

/// Whether it is the active account of somebody who writes notes.
pub(super) async fn writes_notes(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.users
                           where tenant_id = $1 and id = $2 and role in ('provider', 'nurse') and status = 'active'
                             and deleted_at is null) as "found!""#,
        tenant as _,
        user as _,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

struct SupervisionRow {
    id: NoteSupervisionId,
    user_id: UserId,
    supervisor_id: UserId,
    note_types: Vec<NoteType>,
    status: SupervisionStatus,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
}

impl From<SupervisionRow> for Supervision {
    fn from(row: SupervisionRow) -> Self {
        Self {
            id: row.id,
            data: NewSupervision {
                user_id: row.user_id,
                supervisor_id: row.supervisor_id,
                note_types: row.note_types,
            },
            status: row.status,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(super) async fn insert_supervision(
    tx: &mut TenantTx,
    new: &NewSupervision,
    now: Instant,
) -> Result<NoteSupervisionId> {
    let tenant = tx.tenant();
    let id = NoteSupervisionId::new();
    let types: Vec<String> = new
        .note_types
        .iter()
        .map(|one| one.as_str().to_owned())
        .collect();
    sqlx::query!(
        "insert into app.note_supervisions (tenant_id, id, user_id, supervisor_id, note_types, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $6)",
        tenant as _,
        id as _,
        new.user_id as _,
        new.supervisor_id as _,
        &types,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find_supervision(
    tx: &mut TenantTx,
    id: NoteSupervisionId,
) -> Result<Option<Supervision>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        SupervisionRow,
        r#"select s.id as "id: _", s.user_id as "user_id: _", s.supervisor_id as "supervisor_id: _",
                  s.note_types as "note_types: _", s.status as "status: _", s.version, s.created_at, s.updated_at
             from app.note_supervisions s where s.tenant_id = $1 and s.id = $2"#,
        tenant as _,
        id as _,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Supervision::from))
}

pub(super) async fn supervisions(
    tx: &mut TenantTx,
    status: Option<SupervisionStatus>,
    after: Option<NoteSupervisionId>,
    fetch: i64,
) -> Result<Vec<Supervision>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        SupervisionRow,
        r#"select s.id as "id: _", s.user_id as "user_id: _", s.supervisor_id as "supervisor_id: _",
                  s.note_types as "note_types: _", s.status as "status: _", s.version, s.created_at, s.updated_at
             from app.note_supervisions s
            where s.tenant_id = $1 and ($2::text is null or s.status = $2) and ($3::uuid is null or s.id > $3)
            order by s.id
            limit $4"#,
        tenant as _,
        status as _,
        after as _,
        fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Supervision::from).collect())
}

pub(super) async fn end_supervision(
    tx: &mut TenantTx,
    id: NoteSupervisionId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.note_supervisions set status = 'ended', version = version + 1, updated_at = $3
          where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

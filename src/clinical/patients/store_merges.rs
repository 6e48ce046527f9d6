//! SQL of merging: the record of a merge, its journal, and the two functions that move the rows.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{MergeId, PatientId, UserId};
use platform::db::TenantTx;

use super::merging::{AddedMeanwhile, TakenOver};
use super::status::PatientStatus;

/// Holds both rows, always in the same order, until the transaction ends; whoever writes into either chart waits. Returns how
/// many of them there are.
pub(super) async fn lock_both(
    tx: &mut TenantTx,
    one: PatientId,
    other: PatientId,
) -> Result<usize> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select id from app.patients where tenant_id = $1 and id in ($2, $3) and deleted_at is null order by id for update",
        tenant as _,
        one as _,
        other as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.len())
}

/// What a merge begins with.
pub(super) struct NewMerge<'a> {
    pub id: MergeId,
    pub survivor: PatientId,
    pub merged: PatientId,
    pub reason: &'a str,
    pub former_status: PatientStatus,
    pub former_reason: Option<&'a str>,
    pub moved_account: Option<UserId>,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &NewMerge<'_>,
    by: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.patient_merges (tenant_id, id, survivor_id, merged_id, reason, former_status, former_reason,
                                           moved_account, created_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)"#,
        tenant as _,
        new.id as _,
        new.survivor as _,
        new.merged as _,
        new.reason,
        new.former_status as _,
        new.former_reason,
        new.moved_account as _,
        by as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Moves the rows, and writes the journal.
pub(super) async fn move_rows(tx: &mut TenantTx, id: MergeId) -> Result<()> {
    sqlx::query_scalar!("select app.merge_patients($1)::text", id as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

/// Moves them back, from the journal.
pub(super) async fn move_back(tx: &mut TenantTx, id: MergeId) -> Result<()> {
    sqlx::query_scalar!("select app.unmerge_patients($1)::text", id as _)
        .fetch_one(tx.conn())
        .await?;
    Ok(())
}

pub(super) async fn mark_undone(
    tx: &mut TenantTx,
    id: MergeId,
    reason: &str,
    by: UserId,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.patient_merges
              set status = 'undone', undone_reason = $3, undone_by = $4, undone_at = $5, updated_at = $5, version = version + 1
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        reason,
        by as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A merge that stands.
pub(super) struct Merge {
    pub id: MergeId,
    pub survivor: PatientId,
    pub moved_account: Option<UserId>,
    pub created_at: Instant,
}

/// The merge that closed a registration.
pub(super) async fn standing(tx: &mut TenantTx, merged: PatientId) -> Result<Option<Merge>> {
    let tenant = tx.tenant();
    let found = sqlx::query_as!(
        Merge,
        r#"select id as "id: _", survivor_id as "survivor: _", moved_account as "moved_account: _", created_at
             from app.patient_merges where tenant_id = $1 and merged_id = $2 and status = 'merged'"#,
        tenant as _,
        merged as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(found)
}

/// Whether an allergy or problem this merge moved is the one that what a later merge brought gave way to: if it went back alone,
/// the survivor's chart would name neither.
pub(super) async fn is_relied_on(tx: &mut TenantTx, id: MergeId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"with gone as (
               select m.survivor_id, m.created_at, m.id as merge_id, r.table_name, (r.row_key ->> 'id')::uuid as id
                 from app.patient_merges m
                 join app.patient_merge_rows r on r.tenant_id = $1 and r.merge_id = m.id and r.fate = 'moved'
                where m.tenant_id = $1 and m.id = $2 and r.table_name in ('allergies', 'problems')
           ), gave_way as (
               select l.survivor_id, l.created_at, l.id as merge_id, r.table_name, (r.row_key ->> 'id')::uuid as id
                 from app.patient_merges l
                 join app.patient_merge_rows r on r.tenant_id = $1 and r.merge_id = l.id and r.fate = 'superseded'
                where l.tenant_id = $1 and l.status = 'merged' and l.survivor_id = (select survivor_id from app.patient_merges
                                                                                    where tenant_id = $1 and id = $2)
           )
           select exists (select from gone
                            join gave_way g on g.table_name = gone.table_name
                                           and (g.created_at, g.merge_id) > (gone.created_at, gone.merge_id)
                           where exists (select from app.allergies a
                                           join app.allergies o on o.tenant_id = $1 and o.substance_kind = a.substance_kind
                                                               and o.substance_key = a.substance_key
                                          where a.tenant_id = $1 and a.id = gone.id and o.id = g.id)
                              or exists (select from app.problems p
                                           join app.problems o on o.tenant_id = $1
                                                              and (o.icd10cm = p.icd10cm or o.snomed = p.snomed)
                                          where p.tenant_id = $1 and p.id = gone.id and o.id = g.id)) as "found!""#,
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// What became of the rows of one table.
pub(super) struct Tally {
    pub table_name: String,
    pub moved: i64,
    pub stayed: i64,
    pub changed: i64,
    pub because: Option<Vec<String>>,
}

pub(super) async fn tallies(tx: &mut TenantTx, id: MergeId) -> Result<Vec<Tally>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        Tally,
        r#"select table_name, count(*) filter (where fate in ('moved', 'followed', 'superseded')) as "moved!",
                  count(*) filter (where fate = 'stayed') as "stayed!", count(*) filter (where former is not null) as "changed!",
                  array_agg(distinct because) filter (where because is not null) as "because"
             from app.patient_merge_rows
            where tenant_id = $1 and merge_id = $2
            group by table_name
            order by table_name"#,
        tenant as _,
        id as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What of the survivor's says more by a merge, and in which columns. One that was taken back names what it had said.
pub(super) async fn taken_over(tx: &mut TenantTx, id: MergeId) -> Result<Vec<TakenOver>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        TakenOver,
        r#"select table_name as "table", (row_key ->> 'id')::uuid as "id!",
                  array(select k from jsonb_object_keys(made) k order by k) as "members!"
             from app.patient_merge_rows
            where tenant_id = $1 and merge_id = $2 and fate = 'joined' and former is not null
            order by table_name, row_key"#,
        tenant as _,
        id as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// What was entered in the survivor's chart since and did not go back. Who is on the team for a visit comes and goes with it.
pub(super) async fn added(
    tx: &mut TenantTx,
    merge: &Merge,
    until: Instant,
) -> Result<Vec<AddedMeanwhile>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        AddedMeanwhile,
        r#"select a.table_name as "table!", count(*) as "count!", (array_agg(a.id order by a.at desc, a.id))[1:100] as "ids!"
             from (select l.table_name, l.row_id, l.row_id as id, l.at from app.audit_log l
                    where l.tenant_id = $1 and l.patient_id = $2 and l.action = 'insert' and l.at > $4 and l.at < $5
                      and l.table_name not in ('patient_merges', 'duplicate_pairs')
                      and coalesce(l.after ->> 'source' <> all ('{encounter,referral,appointment}') or l.table_name <> 'care_team_members', true)
                   union all
                   select 'imported_resources', r.id, r.id, r.created_at from app.imported_resources r
                    where r.tenant_id = $1 and r.patient_id = $2 and r.created_at > $4 and r.created_at < $5
                   union all
                   -- One of each set, as it is read.
                   (select distinct on (v.set_id) 'vitals', v.id, v.set_id, v.recorded_at from app.vitals v
                     where v.tenant_id = $1 and v.patient_id = $2 and v.recorded_at > $4 and v.recorded_at < $5
                     order by v.set_id, v.id)) a
            where not exists (select from app.patient_merge_rows j
                               where j.tenant_id = $1 and j.merge_id = $3 and j.table_name = a.table_name
                                 and j.row_key = jsonb_build_object('id', a.row_id) and j.fate in ('moved', 'followed', 'superseded'))
            group by a.table_name
            order by a.table_name"#,
        tenant as _,
        merge.survivor as _,
        merge.id as _,
        merge.created_at,
        until,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Who was merged into the patient, by whatever way, and the sealed SSN of each.
pub(super) async fn merged_into(tx: &mut TenantTx, survivor: PatientId) -> Result<Vec<PatientId>> {
    let tenant = tx.tenant();
    let ids = sqlx::query_scalar!(
        r#"select id as "id: PatientId" from app.patients where tenant_id = $1 and replaced_by = $2 order by id"#,
        tenant as _,
        survivor as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(ids)
}

pub(super) async fn sealed_ssn(tx: &mut TenantTx, id: PatientId) -> Result<Option<String>> {
    let tenant = tx.tenant();
    let sealed = sqlx::query_scalar!(
        "select ssn_sealed from app.patients where tenant_id = $1 and id = $2",
        tenant as _,
        id as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(sealed)
}

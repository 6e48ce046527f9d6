//! The sealer's SQL. Works across tenants, as the role that may: it reads the log, adds seals, moves the mark.

use std::borrow::Cow;

use futures_util::TryStreamExt;
use futures_util::stream::Stream;
use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::AccessRecord;
use super::seal::{Seal, SignedSeal};

/// Takes the mark up to which everything is sealed. `None` while another sealer has it.
pub async fn take_progress(conn: &mut PgConnection) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "select until_xid from app.seal_progress where only_row for update skip locked"
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn progress(conn: &mut PgConnection) -> Result<i64> {
    Ok(
        sqlx::query_scalar!("select until_xid from app.seal_progress where only_row")
            .fetch_one(conn)
            .await?,
    )
}

pub async fn move_progress(conn: &mut PgConnection, until: i64, now: Instant) -> Result<()> {
    sqlx::query!(
        "update app.seal_progress set until_xid = $1, sealed_at = $2 where only_row",
        until,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first transaction that may still be open, and the first that has not begun.
pub async fn open_transactions(conn: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select pg_snapshot_xmin(s)::text::bigint as "oldest!", pg_snapshot_xmax(s)::text::bigint as "next!"
             from pg_current_snapshot() s"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.oldest, row.next))
}

/// How many records transactions of the range left, counted up to `most`.
pub async fn count(conn: &mut PgConnection, range: (i64, i64), most: i64) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select count(*) as "count!"
             from (select from app.phi_access_log where xid >= $1 and xid < $2 limit $3) as found"#,
        range.0,
        range.1,
        most
    )
    .fetch_one(conn)
    .await?)
}

/// A record as it stands in the log, with its transaction.
pub struct Row {
    pub record: AccessRecord,
    pub xid: i64,
}

/// The records of a range of transactions, of one tenant or of each in turn, in the order of transactions.
pub fn records(
    conn: &mut PgConnection,
    tenant: Option<TenantId>,
    range: (i64, i64),
) -> impl Stream<Item = Result<Row>> {
    sqlx::query!(
        r#"select tenant_id, at, id, user_id, session_id, patient_id, resource_id, request_id, xid, break_glass,
                  role, resource, action, outcome, purpose, method, route, address, user_agent, mac
             from app.phi_access_log
            where ($1::uuid is null or tenant_id = $1) and xid >= $2 and xid < $3
            order by tenant_id, xid"#,
        tenant as Option<TenantId>,
        range.0,
        range.1
    )
    .map(|row| Row {
        xid: row.xid,
        record: AccessRecord {
            tenant_id: row.tenant_id,
            at: row.at,
            id: row.id,
            user_id: row.user_id,
            session_id: row.session_id,
            patient_id: row.patient_id,
            resource_id: row.resource_id,
            request_id: row.request_id,
            break_glass: row.break_glass,
            role: Cow::Owned(row.role),
            resource: Cow::Owned(row.resource),
            action: Cow::Owned(row.action),
            outcome: Cow::Owned(row.outcome),
            purpose: Cow::Owned(row.purpose),
            method: Cow::Owned(row.method),
            route: Cow::Owned(row.route),
            address: Cow::Owned(row.address),
            user_agent: Cow::Owned(row.user_agent),
            mac: row.mac,
        },
    })
    .fetch(conn)
    .map_err(Into::into)
}

/// Which of these records the tenant's log still holds, wherever.
pub async fn still_there(
    conn: &mut PgConnection,
    tenant: TenantId,
    ids: &[Uuid],
) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "select id from app.phi_access_log where tenant_id = $1 and id = any($2)",
        tenant as _,
        ids
    )
    .fetch_all(conn)
    .await?)
}

/// Every tenant with a record or a seal, by hops along the indexes.
pub async fn tenants(conn: &mut PgConnection) -> Result<Vec<TenantId>> {
    Ok(sqlx::query_scalar!(
        r#"with recursive
           recorded as (
               (select tenant_id from app.phi_access_log order by tenant_id limit 1)
               union all
               select (select l.tenant_id from app.phi_access_log l where l.tenant_id > r.tenant_id order by l.tenant_id limit 1)
                 from recorded r where r.tenant_id is not null),
           sealed as (
               (select tenant_id from app.access_seals order by tenant_id limit 1)
               union all
               select (select s.tenant_id from app.access_seals s where s.tenant_id > r.tenant_id order by s.tenant_id limit 1)
                 from sealed r where r.tenant_id is not null)
           select tenant_id as "tenant_id!: TenantId" from recorded where tenant_id is not null
           union select tenant_id from sealed where tenant_id is not null
           order by 1"#
    )
    .fetch_all(conn)
    .await?)
}

pub async fn insert_seal(
    conn: &mut PgConnection,
    signed: &SignedSeal,
    manifest: &[u8],
) -> Result<()> {
    let SignedSeal {
        seal,
        key_id,
        signature,
    } = signed;
    sqlx::query!(
        r#"insert into app.access_seals
                  (tenant_id, sequence, from_xid, until_xid, first_at, last_at, records, root, manifest, previous,
                   sealed_at, key_id, signature)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"#,
        seal.tenant as _,
        seal.sequence,
        seal.from_xid,
        seal.until_xid,
        seal.first_at,
        seal.last_at,
        seal.records,
        seal.root,
        manifest,
        seal.previous,
        seal.sealed_at,
        key_id,
        signature
    )
    .execute(conn)
    .await?;
    Ok(())
}

struct SealRow {
    tenant_id: TenantId,
    sequence: i64,
    from_xid: i64,
    until_xid: i64,
    first_at: Instant,
    last_at: Instant,
    records: i32,
    root: Vec<u8>,
    digest: Vec<u8>,
    previous: Vec<u8>,
    sealed_at: Instant,
    key_id: String,
    signature: Vec<u8>,
}

impl From<SealRow> for SignedSeal {
    fn from(row: SealRow) -> Self {
        Self {
            seal: Seal {
                tenant: row.tenant_id,
                sequence: row.sequence,
                from_xid: row.from_xid,
                until_xid: row.until_xid,
                first_at: row.first_at,
                last_at: row.last_at,
                records: row.records,
                root: row.root,
                manifest: row.digest,
                previous: row.previous,
                sealed_at: row.sealed_at,
            },
            key_id: row.key_id,
            signature: row.signature,
        }
    }
}

/// The tenant's seals with `after < sequence <= until`, each without its manifest but with the manifest's digest.
pub async fn seals(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: i64,
    until: i64,
) -> Result<Vec<SignedSeal>> {
    let rows = sqlx::query_as!(
        SealRow,
        r#"select tenant_id as "tenant_id: _", sequence, from_xid, until_xid, first_at, last_at, records, root,
                  sha256(manifest) as "digest!", previous, sealed_at, key_id, signature
             from app.access_seals
            where tenant_id = $1 and sequence > $2 and sequence <= $3 order by sequence"#,
        tenant as _,
        after,
        until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The tenant's last seal.
pub async fn last_seal(conn: &mut PgConnection, tenant: TenantId) -> Result<Option<Seal>> {
    let row = sqlx::query_as!(
        SealRow,
        r#"select tenant_id as "tenant_id: _", sequence, from_xid, until_xid, first_at, last_at, records, root,
                  sha256(manifest) as "digest!", previous, sealed_at, key_id, signature
             from app.access_seals where tenant_id = $1 order by sequence desc limit 1"#,
        tenant as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SignedSeal::from(row).seal))
}

/// Where a stretch of seals ends that holds about `most` records and no more than 5,000 seals.
pub async fn stretch(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: i64,
    until: i64,
    most: i64,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        r#"select max(s.sequence) from (
               select sequence, sum(records) over (order by sequence) - records as before
                 from app.access_seals where tenant_id = $1 and sequence > $2 and sequence <= $3
                order by sequence limit 5000) as s
            where s.before < $4"#,
        tenant as _,
        after,
        until,
        most
    )
    .fetch_one(conn)
    .await?)
}

/// The manifests of the seals with `after < sequence <= until`, in their order.
pub async fn manifests(
    conn: &mut PgConnection,
    tenant: TenantId,
    after: i64,
    until: i64,
) -> Result<Vec<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"select manifest from app.access_seals
            where tenant_id = $1 and sequence > $2 and sequence <= $3 order by sequence"#,
        tenant as _,
        after,
        until
    )
    .fetch_all(conn)
    .await?)
}

/// The last seal made before an instant, by number; 0 if there is none.
pub async fn last_before(conn: &mut PgConnection, tenant: TenantId, at: Instant) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(max(sequence), 0) as "sequence!" from app.access_seals where tenant_id = $1 and sealed_at < $2"#,
        tenant as _,
        at
    )
    .fetch_one(conn)
    .await?)
}

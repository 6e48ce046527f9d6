//! The sealer's SQL of seals and marks. Works across tenants, as the role that may: it adds seals and moves the marks, and can
//! change nothing else.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::log::Log;
use super::manifest;
use super::seal::{Seal, SignedSeal};

/// Takes the mark up to which everything in a log is sealed. `None` while another sealer has it.
pub async fn take_progress(conn: &mut PgConnection, log: Log) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        "select until_xid from app.seal_progress where log = $1 for update skip locked",
        log as _
    )
    .fetch_optional(conn)
    .await?)
}

pub async fn progress(conn: &mut PgConnection, log: Log) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        "select until_xid from app.seal_progress where log = $1",
        log as _
    )
    .fetch_one(conn)
    .await?)
}

pub async fn move_progress(
    conn: &mut PgConnection,
    log: Log,
    until: i64,
    now: Instant,
) -> Result<()> {
    sqlx::query!(
        "update app.seal_progress set until_xid = $2, sealed_at = $3 where log = $1",
        log as _,
        until,
        now
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The first transaction that may still be open, and the first that has not begun, by the numbers that records bear.
pub async fn open_transactions(conn: &mut PgConnection) -> Result<(i64, i64)> {
    let row = sqlx::query!(
        r#"select pg_snapshot_xmin(s)::text::bigint + n.shift as "oldest!", pg_snapshot_xmax(s)::text::bigint + n.shift as "next!"
             from pg_current_snapshot() s, (select shift from app.numbering order by era desc limit 1) n"#
    )
    .fetch_one(conn)
    .await?;
    Ok((row.oldest, row.next))
}

/// The number of this transaction; begins a new era of numbers where the cluster counts anew.
pub async fn transaction_number(conn: &mut PgConnection) -> Result<i64> {
    Ok(
        sqlx::query_scalar!(r#"select app.transaction_number() as "number!""#)
            .fetch_one(conn)
            .await?,
    )
}

/// Where numbers began anew.
pub async fn bases(conn: &mut PgConnection) -> Result<Vec<i64>> {
    Ok(
        sqlx::query_scalar!("select base from app.numbering where era > 0 order by era")
            .fetch_all(conn)
            .await?,
    )
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
        r#"insert into app.seals
                  (tenant_id, log, sequence, from_xid, until_xid, first_at, last_at, records, root, manifest, previous,
                   sealed_at, key_id, signature)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"#,
        seal.tenant as _,
        seal.log as _,
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
    log: Log,
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
                log: row.log,
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
    (tenant, log): (TenantId, Log),
    after: i64,
    until: i64,
) -> Result<Vec<SignedSeal>> {
    let rows = sqlx::query_as!(
        SealRow,
        r#"select tenant_id as "tenant_id: _", log as "log: _", sequence, from_xid, until_xid, first_at, last_at, records, root,
                  sha256(manifest) as "digest!", previous, sealed_at, key_id, signature
             from app.seals
            where tenant_id = $1 and log = $2 and sequence > $3 and sequence <= $4 order by sequence"#,
        tenant as _,
        log as _,
        after,
        until
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// The tenant's last seal.
pub async fn last_seal(
    conn: &mut PgConnection,
    (tenant, log): (TenantId, Log),
) -> Result<Option<Seal>> {
    let row = sqlx::query_as!(
        SealRow,
        r#"select tenant_id as "tenant_id: _", log as "log: _", sequence, from_xid, until_xid, first_at, last_at, records, root,
                  sha256(manifest) as "digest!", previous, sealed_at, key_id, signature
             from app.seals where tenant_id = $1 and log = $2 order by sequence desc limit 1"#,
        tenant as _,
        log as _
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| SignedSeal::from(row).seal))
}

/// Where a stretch of seals ends that holds about `most` records and no more than 5,000 seals.
pub async fn stretch(
    conn: &mut PgConnection,
    (tenant, log): (TenantId, Log),
    after: i64,
    until: i64,
    most: i64,
) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar!(
        r#"select max(s.sequence) from (
               select sequence, sum(records) over (order by sequence) - records as before
                 from app.seals where tenant_id = $1 and log = $2 and sequence > $3 and sequence <= $4
                order by sequence limit 5000) as s
            where s.before < $5"#,
        tenant as _,
        log as _,
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
    (tenant, log): (TenantId, Log),
    after: i64,
    until: i64,
) -> Result<Vec<Vec<u8>>> {
    Ok(sqlx::query_scalar!(
        r#"select manifest from app.seals
            where tenant_id = $1 and log = $2 and sequence > $3 and sequence <= $4 order by sequence"#,
        tenant as _,
        log as _,
        after,
        until
    )
    .fetch_all(conn)
    .await?)
}

/// The seal that follows a number, and the first record it holds.
pub async fn next_piece(
    conn: &mut PgConnection,
    chain: (TenantId, Log),
    after: i64,
) -> Result<Option<(Seal, Option<Uuid>)>> {
    let (tenant, log) = chain;
    let until = after.saturating_add(1);
    let Some(next) = seals(conn, chain, after, until).await?.pop() else {
        return Ok(None);
    };
    let head = sqlx::query_scalar!(
        r#"select substring(manifest from 1 for 16) as "head!" from app.seals
            where tenant_id = $1 and log = $2 and sequence = $3"#,
        tenant as _,
        log as _,
        next.seal.sequence
    )
    .fetch_one(conn)
    .await?;
    Ok(Some((next.seal, manifest::first(&head))))
}

/// The last seal made before an instant, by number; 0 if there is none.
pub async fn last_before(
    conn: &mut PgConnection,
    (tenant, log): (TenantId, Log),
    at: Instant,
) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"select coalesce(max(sequence), 0) as "sequence!" from app.seals where tenant_id = $1 and log = $2 and sealed_at < $3"#,
        tenant as _,
        log as _,
        at
    )
    .fetch_one(conn)
    .await?)
}

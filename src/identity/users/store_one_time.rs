//! SQL of one-time tokens. An admin may add one and never read one; all the rest is the system's.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{UserId, mint};
use platform::db::TenantTx;

use super::credentials::{OneTimePurpose, Pending};

pub(super) async fn insert(
    tx: &mut TenantTx,
    user: UserId,
    purpose: OneTimePurpose,
    digest: &[u8; 32],
    now: Instant,
    expires_at: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.one_time_tokens (tenant_id, id, user_id, purpose, token_hash, created_at, expires_at)
           values ($1, $2, $3, $4, $5, $6, $7)"#,
        tenant as _,
        mint(),
        user as _,
        purpose as _,
        &digest[..],
        now,
        expires_at
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The account's latest token only, by the order in which the database took them: a clock that was set back would let an earlier
/// one stand. Locks the row, so that of two who show the same token at once only one gets through.
pub(super) async fn pending(
    tx: &mut TenantTx,
    digest: &[u8; 32],
    now: Instant,
) -> Result<Option<Pending>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Pending,
        r#"select t.user_id as "user: _", t.purpose as "purpose: _"
             from app.one_time_tokens t
            where t.tenant_id = $1 and t.token_hash = $2 and t.used_at is null and t.expires_at > $3
              and not exists (select from app.one_time_tokens later
                               where later.tenant_id = $1 and later.user_id = t.user_id and later.issued > t.issued)
            for update of t"#,
        tenant as _,
        &digest[..],
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// None of the account's tokens works any more.
pub(crate) async fn spend(tx: &mut TenantTx, user: UserId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.one_time_tokens set used_at = $3 where tenant_id = $1 and user_id = $2 and used_at is null",
        tenant as _,
        user as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

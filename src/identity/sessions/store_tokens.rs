//! SQL of refresh tokens. Only the system reads or writes them.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{SessionId, UserId, mint};
use platform::db::TenantTx;
use uuid::Uuid;

/// A refresh token that was given out once, and its session.
pub(super) struct GivenOut {
    pub id: Uuid,
    pub user: UserId,
    pub used: bool,
    pub session_ended: bool,
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    session: SessionId,
    digest: &[u8; 32],
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"insert into app.refresh_tokens (tenant_id, id, session_id, token_hash, created_at) values ($1, $2, $3, $4, $5)"#,
        tenant as _,
        mint(),
        session as _,
        &digest[..],
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Locks token and session: of two who show the same token at once, the second finds it used.
pub(super) async fn lock(
    tx: &mut TenantTx,
    session: SessionId,
    digest: &[u8; 32],
) -> Result<Option<GivenOut>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        GivenOut,
        r#"select r.id, s.user_id as "user: _", r.used_at is not null as "used!", s.ended_at is not null as "session_ended!"
             from app.refresh_tokens r
             join app.sessions s on s.tenant_id = $1 and s.id = r.session_id
            where r.tenant_id = $1 and r.token_hash = $2 and r.session_id = $3
              for update of r, s"#,
        tenant as _,
        &digest[..],
        session as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(super) async fn mark_used(tx: &mut TenantTx, id: Uuid, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.refresh_tokens set used_at = $3 where tenant_id = $1 and id = $2",
        tenant as _,
        id,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

//! SQL of what a login needs to know of an account. Of its columns, `failed_logins`, `last_failed_at`, `locked_until`
//! and `last_login_at` change without a new version and without history: security events tell of them.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::UserId;
use platform::db::TenantTx;

use super::credentials::Credentials;

pub(crate) async fn by_email(tx: &mut TenantTx, email_key: &str) -> Result<Option<Credentials>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Credentials,
        r#"select id as "id: _", email, given_name, family_name, role as "role: _", status as "status: _", password_hash,
                  locked_until
             from app.users where tenant_id = $1 and email_key = $2 and deleted_at is null"#,
        tenant as _,
        email_key
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

pub(crate) async fn by_id(tx: &mut TenantTx, id: UserId) -> Result<Option<Credentials>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Credentials,
        r#"select id as "id: _", email, given_name, family_name, role as "role: _", status as "status: _", password_hash,
                  locked_until
             from app.users where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// For a writer who may change accounts: the system, an admin.
pub(crate) async fn lock_by_id(tx: &mut TenantTx, id: UserId) -> Result<Option<Credentials>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Credentials,
        r#"select id as "id: _", email, given_name, family_name, role as "role: _", status as "status: _", password_hash,
                  locked_until
             from app.users where tenant_id = $1 and id = $2 and deleted_at is null for update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// Counts one more failure in a row, the first if the last was a day ago; returns how many there are. While the account is
/// locked nothing counts: of a burst, the failure that locks is the last.
pub(super) async fn count_failure(
    tx: &mut TenantTx,
    id: UserId,
    now: Instant,
) -> Result<Option<i32>> {
    let tenant = tx.tenant();
    let failures = sqlx::query_scalar!(
        "update app.users
            set failed_logins = case when last_failed_at > $3::timestamptz - interval '24 hours' then failed_logins + 1 else 1 end,
                last_failed_at = $3
          where tenant_id = $1 and id = $2 and (locked_until is null or locked_until <= $3)
          returning failed_logins",
        tenant as _,
        id as _,
        now
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(failures)
}

pub(super) async fn lock_until(tx: &mut TenantTx, id: UserId, until: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.users set locked_until = $3 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        until
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A success ends the row of failures, but not a lock: who is let in past it does not let others in. `rehashed` replaces a hash made with older parameters.
pub(crate) async fn note_login(
    tx: &mut TenantTx,
    id: UserId,
    rehashed: Option<&str>,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.users
              set failed_logins = case when locked_until > $3 then failed_logins else 0 end,
                  locked_until = case when locked_until > $3 then locked_until end,
                  last_login_at = $3, password_hash = coalesce($4, password_hash)
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        now,
        rehashed
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// By the system, for who showed a one-time token.
pub(crate) async fn set_password(
    tx: &mut TenantTx,
    id: UserId,
    hash: &str,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.users set password_hash = $3, password_set_at = $4, failed_logins = 0, locked_until = null,
                  version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        hash,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// By the transaction's own user, whatever his role. False if his account is not active any more.
pub(crate) async fn set_own_password(tx: &mut TenantTx, hash: &str, now: Instant) -> Result<bool> {
    let set = sqlx::query_scalar!(
        r#"select app.set_own_password($1, $2) as "set!""#,
        hash,
        now
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(set)
}

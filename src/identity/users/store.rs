//! SQL of accounts, as an admin sees them. What a login needs is in `store_credentials`.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{PatientId, UserId};
use kernel::text::email_key;
use platform::access::Role;
use platform::db::TenantTx;

use super::model::{AccountStatus, ListUsers, NewUser, User, UserProfile};

struct Row {
    id: UserId,
    email: String,
    role: Role,
    status: AccountStatus,
    given_name: String,
    family_name: String,
    phone: Option<String>,
    avatar_ref: Option<String>,
    password_set_at: Option<Instant>,
    last_login_at: Option<Instant>,
    locked_until: Option<Instant>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    patient: Option<PatientId>,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            id: row.id,
            email: row.email,
            role: row.role,
            status: row.status,
            profile: UserProfile {
                given_name: row.given_name,
                family_name: row.family_name,
                phone: row.phone,
                avatar_ref: row.avatar_ref,
            },
            password_set_at: row.password_set_at,
            last_login_at: row.last_login_at,
            locked_until: row.locked_until,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            patient: row.patient,
        }
    }
}

/// `password_hash` is null for an account that is still to be invited.
pub(super) async fn insert(
    tx: &mut TenantTx,
    new: &NewUser,
    password_hash: Option<&str>,
    now: Instant,
) -> Result<UserId> {
    let tenant = tx.tenant();
    let id = UserId::new();
    sqlx::query!(
        r#"insert into app.users (tenant_id, id, email, email_key, given_name, family_name, role, phone, avatar_ref,
                  password_hash, password_set_at, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, case when $10::text is not null then $11::timestamptz end, $11, $11)"#,
        tenant as _,
        id as _,
        new.email,
        email_key(&new.email),
        new.given_name,
        new.family_name,
        new.role as _,
        new.phone,
        new.avatar_ref,
        password_hash,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn find(tx: &mut TenantTx, id: UserId) -> Result<Option<User>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", email, role as "role: _", status as "status: _", given_name, family_name, phone, avatar_ref,
                  password_set_at, last_login_at, locked_until, version, created_at, updated_at,
                  (select p.id from app.patients p where p.tenant_id = $1 and p.portal_user_id = u.id) as "patient: _"
             from app.users u where tenant_id = $1 and id = $2 and deleted_at is null"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

pub(super) async fn lock(tx: &mut TenantTx, id: UserId) -> Result<Option<User>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        Row,
        r#"select id as "id: _", email, role as "role: _", status as "status: _", given_name, family_name, phone, avatar_ref,
                  password_set_at, last_login_at, locked_until, version, created_at, updated_at,
                  (select p.id from app.patients p where p.tenant_id = $1 and p.portal_user_id = u.id) as "patient: _"
             from app.users u where tenant_id = $1 and id = $2 and deleted_at is null for update"#,
        tenant as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(Into::into))
}

/// The active admins, locked in the order of their ids.
pub(super) async fn lock_admins(tx: &mut TenantTx) -> Result<Vec<UserId>> {
    let tenant = tx.tenant();
    let admins = sqlx::query_scalar!(
        r#"select id as "id: UserId" from app.users
            where tenant_id = $1 and role = 'admin' and status = 'active' and deleted_at is null
            order by id for update"#,
        tenant as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(admins)
}

/// By family name, then id.
pub(super) async fn page(
    tx: &mut TenantTx,
    query: &ListUsers,
    after: Option<(String, UserId)>,
    limit: i64,
) -> Result<Vec<User>> {
    let tenant = tx.tenant();
    let (name, id) = after.unzip();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: _", email, role as "role: _", status as "status: _", given_name, family_name, phone, avatar_ref,
                  password_set_at, last_login_at, locked_until, version, created_at, updated_at,
                  (select p.id from app.patients p where p.tenant_id = $1 and p.portal_user_id = u.id) as "patient: _"
             from app.users u
            where tenant_id = $1 and deleted_at is null
              and ($2::text is null or role = $2)
              and ($3::text is null or status = $3)
              and ($4::text is null or email_key ^@ $4)
              and ($5::text is null or lower(family_name) ^@ $5 or lower(given_name) ^@ $5)
              and ($6::text is null or (family_name collate "C", id) > ($6 collate "C", $7))
            order by family_name collate "C", id
            limit $8"#,
        tenant as _,
        query.role as _,
        query.status as _,
        query.email.as_deref().map(email_key),
        query.name.as_deref().map(str::to_lowercase),
        name,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

pub(super) async fn update_profile(
    tx: &mut TenantTx,
    id: UserId,
    profile: &UserProfile,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.users
              set given_name = $3, family_name = $4, phone = $5, avatar_ref = $6, version = version + 1, updated_at = $7
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        profile.given_name,
        profile.family_name,
        profile.phone,
        profile.avatar_ref,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_role(
    tx: &mut TenantTx,
    id: UserId,
    role: Role,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.users set role = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        role as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn set_status(
    tx: &mut TenantTx,
    id: UserId,
    status: AccountStatus,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.users set status = $3, version = version + 1, updated_at = $4 where tenant_id = $1 and id = $2",
        tenant as _,
        id as _,
        status as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn retire(tx: &mut TenantTx, id: UserId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.users set status = 'inactive', deleted_at = $3, version = version + 1, updated_at = $3
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The password stops working; also lifts a lock, because nothing is left to guess.
pub(super) async fn clear_password(tx: &mut TenantTx, id: UserId, now: Instant) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.users set password_hash = null, password_set_at = null, failed_logins = 0, locked_until = null,
                  version = version + 1, updated_at = $3
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

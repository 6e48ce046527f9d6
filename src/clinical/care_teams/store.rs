//! SQL of care teams.

use kernel::clock::Instant;
use kernel::ids::{CareTeamMemberId, PatientId, ProviderId, UserId};
use kernel::{Error, Result};
use platform::db::TenantTx;
use serde_json::value::RawValue;

use super::model::{CareTeamMember, CareTeamRole, NewCareTeamMember};
use crate::entries::Remembered;

impl Remembered for CareTeamMember {
    const TABLE: &'static str = "care_team_members";
    const RESOURCE: &'static str = "care_team_member";
    const ORDER: &'static str = "valid_from";

    fn of_image(image: &RawValue) -> serde_json::Result<Self> {
        serde_json::from_str(image.get())
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// Members at an instant, by their beginning. Names come from a function, because a patient may not read accounts.
pub(super) async fn page(
    tx: &mut TenantTx,
    patient: PatientId,
    at: Instant,
    after: Option<(Instant, CareTeamMemberId)>,
    limit: i64,
) -> Result<Vec<CareTeamMember>> {
    let tenant = tx.tenant();
    let (from, id) = after.unzip();
    let rows = sqlx::query_as!(
        CareTeamMember,
        r#"select m.id as "id: _", m.patient_id as "patient_id: _", m.user_id as "user_id: _",
                  n.given_name || ' ' || n.family_name || coalesce(', ' || p.credential, '') as name,
                  m.role as "role: _", m.source as "source: _", m.valid_from, m.valid_until, m.version, m.created_at, m.updated_at
             from app.care_team_members m
             left join app.names_of_team($2) n on n.user_id = m.user_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = m.user_id
            where m.tenant_id = $1 and m.patient_id = $2
              and m.valid_from <= $3 and (m.valid_until is null or m.valid_until > $3)
              and ($4::timestamptz is null or (m.valid_from, m.id) > ($4, $5))
            order by m.valid_from, m.id
            limit $6"#,
        tenant as _,
        patient as _,
        at,
        from,
        id as _,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

pub(super) async fn find(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CareTeamMemberId,
) -> Result<Option<CareTeamMember>> {
    let tenant = tx.tenant();
    let row = sqlx::query_as!(
        CareTeamMember,
        r#"select m.id as "id!: _", m.patient_id as "patient_id!: _", m.user_id as "user_id!: _",
                  n.given_name || ' ' || n.family_name || coalesce(', ' || p.credential, '') as name,
                  m.role as "role!: _", m.source as "source!: _", m.valid_from as "valid_from!", m.valid_until,
                  m.version as "version!", m.created_at as "created_at!", m.updated_at as "updated_at!"
             from app.care_team_members m
             left join app.names_of_team($2) n on n.user_id = m.user_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = m.user_id
            where m.tenant_id = $1 and m.patient_id = $2 and m.id = $3"#,
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// Holds the row until the transaction ends.
pub(super) async fn lock(
    tx: &mut TenantTx,
    patient: PatientId,
    id: CareTeamMemberId,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query_scalar!(
        "select version from app.care_team_members where tenant_id = $1 and patient_id = $2 and id = $3 for update",
        tenant as _,
        patient as _,
        id as _
    )
    .fetch_optional(tx.conn())
    .await?
    .map(drop)
    .ok_or_else(Error::not_found)
}

pub(super) async fn insert(
    tx: &mut TenantTx,
    patient: PatientId,
    new: &NewCareTeamMember,
    now: Instant,
) -> Result<CareTeamMemberId> {
    let tenant = tx.tenant();
    let id = CareTeamMemberId::new();
    sqlx::query!(
        r#"insert into app.care_team_members
                  (tenant_id, id, patient_id, user_id, role, valid_from, valid_until, created_by, created_at, updated_at)
           values ($1, $2, $3, $4, $5, $6, $7, app.user_id(), $8, $8)"#,
        tenant as _,
        id as _,
        patient as _,
        new.user_id as _,
        new.role as _,
        new.valid_from.unwrap_or(now),
        new.valid_until,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(id)
}

pub(super) async fn end(
    tx: &mut TenantTx,
    id: CareTeamMemberId,
    until: Instant,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.care_team_members set valid_until = $3, version = version + 1, updated_at = $4
            where tenant_id = $1 and id = $2"#,
        tenant as _,
        id as _,
        until,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends the membership without an end, if there is one.
pub(super) async fn end_open(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
    role: CareTeamRole,
    now: Instant,
) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        r#"update app.care_team_members
              set valid_until = greatest($5, valid_from), version = version + 1, updated_at = $5
            where tenant_id = $1 and patient_id = $2 and user_id = $3 and role = $4 and valid_until is null"#,
        tenant as _,
        patient as _,
        user as _,
        role as _,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Whether he has the role without an end: for longer than an encounter or a referral lasts.
pub(super) async fn has_open(
    tx: &mut TenantTx,
    patient: PatientId,
    user: UserId,
    role: CareTeamRole,
) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.care_team_members
                           where tenant_id = $1 and patient_id = $2 and user_id = $3 and role = $4 and valid_until is null
                             and source not in ('encounter', 'referral')) as "found!""#,
        tenant as _,
        patient as _,
        user as _,
        role as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Whether it is an active account of somebody who cares for patients.
pub(super) async fn may_join(tx: &mut TenantTx, user: UserId) -> Result<bool> {
    let tenant = tx.tenant();
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.users
                           where tenant_id = $1 and id = $2 and role in ('provider', 'nurse', 'staff') and status = 'active'
                             and deleted_at is null) as "found!""#,
        tenant as _,
        user as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// The account of a provider, if he has one.
pub(super) async fn account_of(tx: &mut TenantTx, provider: ProviderId) -> Result<Option<UserId>> {
    let tenant = tx.tenant();
    let user = sqlx::query_scalar!(
        r#"select user_id as "user_id: UserId" from app.providers where tenant_id = $1 and id = $2"#,
        tenant as _,
        provider as _
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(user.flatten())
}

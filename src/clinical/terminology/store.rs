//! SQL of terminology. Two shared tables: no tenant's rows, so none is bound.

use chrono::NaiveDate;
use kernel::Result;
use kernel::clock::Instant;
use platform::db::{Db, TenantTx};
use sqlx::PgExecutor;
use uuid::Uuid;

use super::index::Listed;
use super::model::VersionSummary;
use super::system::System;

/// A version, as far as a question about a code needs it.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_field_names,
    reason = "a version is called its version, in the file and in the table"
)]
pub(super) struct Version {
    pub id: Uuid,
    pub version: String,
    pub complete: bool,
}

/// The version in force on a day: a whole one before a part, then the newest that had begun, else the first that came.
pub(super) async fn in_force(
    tx: &mut TenantTx,
    system: System,
    on: NaiveDate,
) -> Result<Option<Version>> {
    in_force_for(tx.conn(), system, on).await
}

/// The same, on nobody's behalf.
pub(super) async fn in_force_for_all(
    db: &Db,
    system: System,
    on: NaiveDate,
) -> Result<Option<Version>> {
    in_force_for(db.shared(), system, on).await
}

async fn in_force_for(
    executor: impl PgExecutor<'_>,
    system: System,
    on: NaiveDate,
) -> Result<Option<Version>> {
    let row = sqlx::query_as!(
        Version,
        "select id, version, complete
           from app.terminology_versions
          where system = $1 and status = 'loaded'
          order by complete desc, effective_from <= $2 desc,
                   case when effective_from <= $2 then effective_from end desc, effective_from, loaded_at desc
          limit 1",
        system as _,
        on,
    )
    .fetch_optional(executor)
    .await?;
    Ok(row)
}

pub(super) async fn concept(
    tx: &mut TenantTx,
    version: Uuid,
    code: &str,
) -> Result<Option<Listed>> {
    let row = sqlx::query_as!(
        Listed,
        "select code, display, also, assignable, valid_from, valid_until
           from app.terminology_concepts where version_id = $1 and code = $2",
        version,
        code,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row)
}

/// Whether any loaded version has the code.
pub(super) async fn was_ever(tx: &mut TenantTx, system: System, code: &str) -> Result<bool> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from app.terminology_versions v
                            join app.terminology_concepts c on c.version_id = v.id and c.code = $2
                           where v.system = $1 and v.status = 'loaded') as "found!""#,
        system as _,
        code,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(found)
}

/// Every concept of a version.
pub(super) async fn all(tx: &mut TenantTx, version: Uuid) -> Result<Vec<Listed>> {
    all_for(tx.conn(), version).await
}

/// The same, on nobody's behalf.
pub(super) async fn all_for_all(db: &Db, version: Uuid) -> Result<Vec<Listed>> {
    all_for(db.shared(), version).await
}

async fn all_for(executor: impl PgExecutor<'_>, version: Uuid) -> Result<Vec<Listed>> {
    let rows = sqlx::query_as!(
        Listed,
        "select code, display, also, assignable, valid_from, valid_until
           from app.terminology_concepts where version_id = $1",
        version,
    )
    .fetch_all(executor)
    .await?;
    Ok(rows)
}

/// Every loaded version, newest first.
pub(super) async fn versions(tx: &mut TenantTx) -> Result<Vec<(System, VersionSummary)>> {
    let rows = sqlx::query!(
        r#"select system as "system: System", version, effective_from, complete, concepts, loaded_at
             from app.terminology_versions where status = 'loaded'
            order by effective_from desc, loaded_at desc, id"#
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let summary = VersionSummary {
                version: row.version,
                effective_from: row.effective_from,
                complete: row.complete,
                concepts: row.concepts,
                loaded_at: row.loaded_at,
            };
            (row.system, summary)
        })
        .collect())
}

/// A version that nobody sees yet.
pub(super) async fn open(
    db: &Db,
    id: Uuid,
    (system, version): (System, &str),
    effective_from: NaiveDate,
    complete: bool,
    now: Instant,
) -> Result<()> {
    sqlx::query!(
        "insert into app.terminology_versions (id, system, version, effective_from, complete, loaded_at)
         values ($1, $2, $3, $4, $5, $6)",
        id,
        system as _,
        version,
        effective_from,
        complete,
        now,
    )
    .execute(db.shared())
    .await?;
    Ok(())
}

pub(super) async fn add(db: &Db, version: Uuid, concepts: &[Listed]) -> Result<()> {
    let codes: Vec<&str> = concepts.iter().map(|c| c.code.as_str()).collect();
    let displays: Vec<&str> = concepts.iter().map(|c| c.display.as_str()).collect();
    let also: Vec<Option<&str>> = concepts.iter().map(|c| c.also.as_deref()).collect();
    let assignable: Vec<bool> = concepts.iter().map(|c| c.assignable).collect();
    let from: Vec<Option<NaiveDate>> = concepts.iter().map(|c| c.valid_from).collect();
    let until: Vec<Option<NaiveDate>> = concepts.iter().map(|c| c.valid_until).collect();
    sqlx::query!(
        "insert into app.terminology_concepts (version_id, code, display, also, assignable, valid_from, valid_until)
         select $1, r.code, r.display, r.also, r.assignable, r.valid_from, r.valid_until
           from unnest($2::text[], $3::text[], $4::text[], $5::boolean[], $6::date[], $7::date[])
             as r (code, display, also, assignable, valid_from, valid_until)",
        version,
        &codes as &[&str],
        &displays as &[&str],
        &also as &[Option<&str>],
        &assignable,
        &from as &[Option<NaiveDate>],
        &until as &[Option<NaiveDate>],
    )
    .execute(db.shared())
    .await?;
    Ok(())
}

/// Brings a version into force, in the place of the one of the same name if there is one, in one statement.
pub(super) async fn replace(db: &Db, id: Uuid, system: System, version: &str) -> Result<()> {
    sqlx::query!(
        "update app.terminology_versions v
            set status = case when v.id = $1 then 'loaded' else 'replaced' end,
                concepts = (select count(*) from app.terminology_concepts c where c.version_id = v.id)
          where v.system = $2 and (v.id = $1 or (v.version = $3 and v.status = 'loaded'))",
        id,
        system as _,
        version,
    )
    .execute(db.shared())
    .await?;
    Ok(())
}

/// Removes what was replaced, and what a load left behind that did not come to its end.
pub(super) async fn clear(db: &Db, system: System, older_than: Instant) -> Result<()> {
    sqlx::query!(
        "delete from app.terminology_concepts c using app.terminology_versions v
          where v.id = c.version_id and v.system = $1
            and (v.status = 'replaced' or (v.status = 'loading' and v.loaded_at < $2))",
        system as _,
        older_than,
    )
    .execute(db.shared())
    .await?;
    sqlx::query!(
        "delete from app.terminology_versions
          where system = $1 and (status = 'replaced' or (status = 'loading' and loaded_at < $2))",
        system as _,
        older_than,
    )
    .execute(db.shared())
    .await?;
    Ok(())
}

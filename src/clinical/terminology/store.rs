//! SQL of terminology. Two shared tables: no tenant's rows, so none is bound.

use std::cmp::Reverse;
use std::collections::HashMap;

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
    pub effective_from: NaiveDate,
    pub loaded_at: Instant,
}

/// The version in force on a day: a whole one before a part, then the newest that had begun, else the first that came.
fn in_force_of(versions: &[Version], on: NaiveDate) -> Option<&Version> {
    versions.iter().min_by_key(|version| {
        let begun = version.effective_from <= on;
        let newest = begun.then_some(Reverse(version.effective_from));
        (
            Reverse(version.complete),
            Reverse(begun),
            newest,
            version.effective_from,
            Reverse(version.loaded_at),
        )
    })
}

/// The version of a system in force on a day.
pub(super) async fn in_force(
    tx: &mut TenantTx,
    system: System,
    on: NaiveDate,
) -> Result<Option<Version>> {
    let versions = loaded(tx.conn(), system).await?;
    Ok(in_force_of(&versions, on).cloned())
}

/// The same, on nobody's behalf.
pub(super) async fn in_force_for_all(
    db: &Db,
    system: System,
    on: NaiveDate,
) -> Result<Option<Version>> {
    let versions = loaded(db.shared(), system).await?;
    Ok(in_force_of(&versions, on).cloned())
}

async fn loaded(executor: impl PgExecutor<'_>, system: System) -> Result<Vec<Version>> {
    let rows = sqlx::query_as!(
        Version,
        "select id, version, complete, effective_from, loaded_at
           from app.terminology_versions where system = $1 and status = 'loaded'",
        system as _,
    )
    .fetch_all(executor)
    .await?;
    Ok(rows)
}

/// What this transaction has asked about codes: an import asks the same few a hundred times.
#[derive(Default)]
struct Asked {
    versions: HashMap<System, Vec<Version>>,
    concepts: HashMap<(Uuid, String), Option<Listed>>,
}

/// The version in force on a day, and what it says of a code. A load may come into force while this transaction lasts, and take
/// the version it asked before away: so a whole set that seems to lack the code is asked for anew.
pub(super) async fn in_force_with(
    tx: &mut TenantTx,
    system: System,
    code: &str,
    on: NaiveDate,
) -> Result<(Option<Version>, Option<Listed>)> {
    let asked_before = tx.memo::<Asked>().versions.contains_key(&system);
    let found = look_up(tx, system, code, on).await?;
    match &found {
        (Some(version), None) if version.complete && asked_before => {
            tx.memo::<Asked>().versions.remove(&system);
            look_up(tx, system, code, on).await
        }
        _ => Ok(found),
    }
}

async fn look_up(
    tx: &mut TenantTx,
    system: System,
    code: &str,
    on: NaiveDate,
) -> Result<(Option<Version>, Option<Listed>)> {
    if !tx.memo::<Asked>().versions.contains_key(&system) {
        let versions = loaded(tx.conn(), system).await?;
        tx.memo::<Asked>().versions.insert(system, versions);
    }
    let versions = &tx.memo::<Asked>().versions[&system];
    let Some(version) = in_force_of(versions, on).cloned() else {
        return Ok((None, None));
    };
    let key = (version.id, code.to_owned());
    if let Some(listed) = tx.memo::<Asked>().concepts.get(&key) {
        return Ok((Some(version), listed.clone()));
    }
    let listed = concept(tx, version.id, code).await?;
    tx.memo::<Asked>().concepts.insert(key, listed.clone());
    Ok((Some(version), listed))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn version(complete: bool, effective_from: &str, loaded_at: &str) -> Version {
        Version {
            id: kernel::ids::mint(),
            version: format!("{complete} {effective_from} {loaded_at}"),
            complete,
            effective_from: effective_from.parse().expect("a day"),
            loaded_at: format!("{loaded_at}T00:00:00Z")
                .parse()
                .expect("an instant"),
        }
    }

    #[test]
    fn a_whole_version_comes_before_a_part_then_the_newest_that_had_begun_else_the_first() {
        let mut versions = vec![
            version(false, "1900-01-01", "2026-01-01"),
            version(true, "2024-10-01", "2026-01-02"),
            version(true, "2025-10-01", "2026-01-03"),
            version(true, "2025-10-01", "2026-01-04"),
        ];
        let chosen = |versions: &[Version], on: &str| {
            in_force_of(versions, on.parse().expect("a day")).map(|found| found.version.clone())
        };
        let name = |place: usize, versions: &[Version]| Some(versions[place].version.clone());
        assert_eq!(chosen(&versions, "2026-01-01"), name(3, &versions));
        assert_eq!(chosen(&versions, "2025-01-01"), name(1, &versions));
        assert_eq!(chosen(&versions, "2000-01-01"), name(1, &versions));
        versions.truncate(1);
        assert_eq!(chosen(&versions, "2000-01-01"), name(0, &versions));
        assert_eq!(chosen(&[], "2000-01-01"), None);
    }
}

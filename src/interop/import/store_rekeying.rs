//! SQL of bringing the names and hashes of an import to a new data key.

use kernel::Result;
use platform::db::TenantTx;
use uuid::Uuid;

use super::reference::Name;

/// A name and the hash beside it.
pub(super) struct Link {
    pub name: Name,
    pub hash: Vec<u8>,
}

/// A link and what becomes of it.
pub(super) struct Moved {
    pub link: Link,
    pub id: String,
    pub hash: Vec<u8>,
}

/// The links after a name, in the order of names.
pub(super) async fn links(tx: &mut TenantTx, after: &Name, limit: i64) -> Result<Vec<Link>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select l.resource_type, l.source_id, l.content_hash from app.import_links l
            where l.tenant_id = $1 and (l.resource_type, l.source_id) > ($2, $3)
            order by l.resource_type, l.source_id limit $4"#,
        tenant as _,
        &*after.resource_type,
        &*after.id,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    let link = |row: (String, String, Vec<u8>)| Link {
        name: Name::new(row.0, row.1),
        hash: row.2,
    };
    Ok(rows
        .into_iter()
        .map(|row| link((row.resource_type, row.source_id, row.content_hash)))
        .collect())
}

/// Moves links, but for one whose new name is there already: then that one is looked up. Returns how many.
pub(super) async fn move_links(tx: &mut TenantTx, moved: &[Moved]) -> Result<u64> {
    if moved.is_empty() {
        return Ok(0);
    }
    let tenant = tx.tenant();
    let types: Vec<&str> = moved
        .iter()
        .map(|it| &*it.link.name.resource_type)
        .collect();
    let before: Vec<&str> = moved.iter().map(|it| &*it.link.name.id).collect();
    let after: Vec<&str> = moved.iter().map(|it| &*it.id).collect();
    let hashes: Vec<&[u8]> = moved.iter().map(|it| it.hash.as_slice()).collect();
    let done = sqlx::query!(
        r#"update app.import_links l set source_id = n.after, content_hash = n.hash
             from unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) as n (resource_type, before, after, hash)
            where l.tenant_id = $1 and l.resource_type = n.resource_type and l.source_id = n.before
              and not exists (select from app.import_links o
                               where o.tenant_id = $1 and o.resource_type = n.resource_type and o.source_id = n.after
                                 and n.after <> n.before)"#,
        tenant as _,
        &types as _,
        &before as _,
        &after as _,
        &hashes as _
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

/// Resources kept under names that begin so, in the order of ids.
pub(super) async fn kept(
    tx: &mut TenantTx,
    mark: &str,
    after: Uuid,
    limit: i64,
) -> Result<Vec<(Uuid, String)>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select k.id, k.source_id from app.imported_resources k
            where k.tenant_id = $1 and k.id > $2 and starts_with(k.source_id, $3) order by k.id limit $4"#,
        tenant as _,
        after,
        mark,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.source_id))
        .collect())
}

/// Renames them, and what is kept of their earlier states. Returns how many.
pub(super) async fn rename_kept(tx: &mut TenantTx, ids: &[Uuid], names: &[String]) -> Result<u64> {
    if ids.is_empty() {
        return Ok(0);
    }
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"update app.imported_resources k set source_id = n.name
             from unnest($2::uuid[], $3::text[]) as n (id, name)
            where k.tenant_id = $1 and k.id = n.id"#,
        tenant as _,
        ids,
        names
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        r#"update app.imported_resource_states s set source_id = n.name
             from unnest($2::uuid[], $3::text[]) as n (id, name)
            where s.tenant_id = $1 and s.resource_id = n.id"#,
        tenant as _,
        ids,
        names
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected())
}

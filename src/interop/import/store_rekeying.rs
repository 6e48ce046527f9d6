//! SQL of bringing the names and hashes of an import to a new data key.
//!
//! A name that is there already under the new key keeps leading where it leads, and the older form of it gives its name up: nobody
//! looks for that one any more. Its row stays, with all it holds, under a name that nothing has (`twice|…`).

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

/// What older keys made of links after a name, in the order of names: names that begin with `blind` and not with `present`, and
/// hashes that do not begin with `mark`.
pub(super) async fn links(
    tx: &mut TenantTx,
    after: &Name,
    (blind, present, mark): (&str, &str, &str),
    limit: i64,
) -> Result<Vec<Link>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select l.resource_type, l.source_id, l.content_hash from app.import_links l
            where l.tenant_id = $1 and (l.resource_type, l.source_id) > ($2, $3)
              and (starts_with(l.source_id, $4) and not starts_with(l.source_id, $5)
                   or substring(l.content_hash from 1 for length($6::bytea)) <> $6)
            order by l.resource_type, l.source_id limit $7"#,
        tenant as _,
        &*after.resource_type,
        &*after.id,
        blind,
        present,
        mark.as_bytes(),
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

/// Moves links. Returns how many.
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
        r#"update app.import_links l
              set source_id = case when n.after <> n.before and (n.place > 1 or o.source_id is not null)
                                   then 'twice|' || gen_random_uuid() else n.after end,
                  content_hash = n.hash
             from (select m.*, row_number() over (partition by m.resource_type, m.after order by m.before) as place
                     from unnest($2::text[], $3::text[], $4::text[], $5::bytea[]) as m (resource_type, before, after, hash)) n
             left join app.import_links o
               on o.tenant_id = $1 and o.resource_type = n.resource_type and o.source_id = n.after
            where l.tenant_id = $1 and l.resource_type = n.resource_type and l.source_id = n.before"#,
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

/// What is kept under a name: its row, and the name.
pub(super) struct KeptName {
    pub id: Uuid,
    pub name: String,
}

/// Resources kept under names that begin with `blind` and not with `present`, in the order of ids.
pub(super) async fn kept(
    tx: &mut TenantTx,
    (blind, present): (&str, &str),
    after: Uuid,
    limit: i64,
) -> Result<Vec<KeptName>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_as!(
        KeptName,
        r#"select k.id, k.source_id as name from app.imported_resources k
            where k.tenant_id = $1 and k.id > $2 and starts_with(k.source_id, $3) and not starts_with(k.source_id, $4)
            order by k.id limit $5"#,
        tenant as _,
        after,
        blind,
        present,
        limit
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// Resources kept under exactly these names.
pub(super) async fn kept_as(tx: &mut TenantTx, names: &[Name]) -> Result<Vec<KeptName>> {
    let tenant = tx.tenant();
    let types: Vec<&str> = names.iter().map(|name| &*name.resource_type).collect();
    let ids: Vec<&str> = names.iter().map(|name| &*name.id).collect();
    let rows = sqlx::query_as!(
        KeptName,
        r#"select k.id, k.source_id as name
             from unnest($2::text[], $3::text[]) as n (resource_type, source_id)
             join app.imported_resources k
               on k.tenant_id = $1 and k.resource_type = n.resource_type and k.source_id = n.source_id"#,
        tenant as _,
        &types as _,
        &ids as _
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows)
}

/// The links of exactly these names.
pub(super) async fn links_as(tx: &mut TenantTx, names: &[Name]) -> Result<Vec<Link>> {
    let known = super::store::known(tx, names).await?;
    let link = |(name, known): (Name, super::store::Known)| Link {
        name,
        hash: known.hash,
    };
    Ok(known.into_iter().map(link).collect())
}

/// Renames them, and what is kept of their earlier states. Returns the ids of those whose new name another has, and how many
/// were renamed.
pub(super) async fn rename_kept(
    tx: &mut TenantTx,
    rows: &[KeptName],
    names: &[String],
) -> Result<(Vec<Uuid>, u64)> {
    if rows.is_empty() {
        return Ok((Vec::new(), 0));
    }
    let tenant = tx.tenant();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let before: Vec<&str> = rows.iter().map(|row| &*row.name).collect();
    let done = sqlx::query!(
        r#"update app.imported_resources k
              set source_id = case when n.place > 1 or o.id is not null then 'twice|' || k.id else n.name end
             from (select m.id, m.before, m.name, r.resource_type,
                          row_number() over (partition by r.resource_type, m.name order by m.id) as place
                     from unnest($2::uuid[], $3::text[], $4::text[]) as m (id, before, name)
                     join app.imported_resources r on r.tenant_id = $1 and r.id = m.id) n
             left join app.imported_resources o
               on o.tenant_id = $1 and o.resource_type = n.resource_type and o.source_id = n.name
            where k.tenant_id = $1 and k.id = n.id and k.source_id = n.before
        returning k.id, k.source_id"#,
        tenant as _,
        &ids,
        &before as _,
        names
    )
    .fetch_all(tx.conn())
    .await?;
    let ids: Vec<Uuid> = done.iter().map(|row| row.id).collect();
    sqlx::query!(
        r#"update app.imported_resource_states s set source_id = k.source_id
             from app.imported_resources k
            where s.tenant_id = $1 and k.tenant_id = $1 and k.id = s.resource_id and k.id = any($2)"#,
        tenant as _,
        &ids
    )
    .execute(tx.conn())
    .await?;
    let twice = done
        .iter()
        .filter(|row| row.source_id.starts_with("twice|"));
    Ok((twice.map(|row| row.id).collect(), ids.len() as u64))
}

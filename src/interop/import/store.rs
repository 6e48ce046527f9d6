//! SQL of the import: names known already, and what is kept as it came.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::clock::Instant;
use kernel::ids::{EncounterId, PatientId};
use kernel::{Code, Error, Result};
use platform::db::TenantTx;
use uuid::Uuid;

use super::entries::{Entered, READING, TYPES, Whose};
use super::reference::Name;
use super::report::KEPT;

/// What a name led to when it was last imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub target: Uuid,
    pub hash: Vec<u8>,
}

/// A resource that is kept as it came.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    /// Of the row; one that is there keeps its own.
    pub id: Uuid,
    pub name: Name,
    pub patient: Option<PatientId>,
    pub encounter: Option<EncounterId>,
    pub effective_at: Option<Instant>,
    pub content: String,
    pub hash: Vec<u8>,
    /// What became of it, if it was looked at.
    pub judgement: Option<Entered>,
    /// What it has made beside its entry: of a care team the memberships it has opened, which end with it; of a paper the documents
    /// of the attachments after the first, in their order.
    pub joined: Vec<Uuid>,
}

/// What is known of a resource that was kept before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Before {
    pub id: Uuid,
    pub hash: Vec<u8>,
    /// Whom it named, and where.
    pub patient: Option<PatientId>,
    pub encounter: Option<EncounterId>,
    /// Its entry in the chart: of which kind, and its id.
    pub entry: Option<(String, Uuid)>,
    /// What it has made beside.
    pub joined: Vec<Uuid>,
    /// The edition of the rules that looked at it.
    pub reading: Option<i16>,
}

impl Before {
    /// Whether looking at it once more, unchanged, would lead to nothing new; or that is done when all has been read.
    pub(super) fn is_looked_at(&self) -> bool {
        self.entry.is_some() || self.reading >= Some(READING)
    }
}

/// What became of a resource that is kept already.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    pub id: Uuid,
    /// `None`: its entry stays as it is.
    pub judgement: Option<Entered>,
    /// What it has made beside.
    pub joined: Vec<Uuid>,
}

/// A resource that is kept and has no entry, or one that an earlier edition of the rules has made.
pub(super) struct Waiting {
    pub id: Uuid,
    pub name: Name,
    pub patient: PatientId,
    pub encounter: Option<EncounterId>,
    pub content: String,
    /// What was made of it: of which kind, and its id.
    pub kind: Option<String>,
    pub entry: Option<Uuid>,
    /// And beside that.
    pub joined: Vec<Uuid>,
    /// What the entry lacks.
    pub reason: Option<String>,
    /// The edition of the rules that looked at it.
    pub reading: Option<i16>,
    /// Whether other resources of the patient lead to the entry, too.
    pub is_shared: bool,
}

impl Waiting {
    pub(super) fn whose(&self) -> Whose {
        Whose {
            patient: self.patient,
            encounter: self.encounter,
        }
    }

    /// Whether it has an entry that says what its source says, as far as an earlier edition of the rules could tell. (A paper that
    /// nothing has looked at has changed at its source.)
    pub(super) fn is_entered(&self) -> bool {
        self.entry.is_some() && (self.reading.is_some() || self.kind.as_deref() != Some("document"))
    }
}

impl Entered {
    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::As { kind, .. } => Some(kind),
            _ => None,
        }
    }

    fn id(&self) -> Option<Uuid> {
        match self {
            Self::As { id, .. } => Some(*id),
            _ => None,
        }
    }

    /// The entry that was made.
    pub(super) fn entry(&self) -> Option<(String, Uuid)> {
        Some((self.kind()?.to_owned(), self.id()?))
    }

    fn is_refused(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    fn reason(&self) -> Option<String> {
        match self {
            Self::As { lacks, unread, .. } => {
                let unread = unread.as_ref().map(|unread| format!("without {unread}"));
                let said: Vec<String> = lacks.iter().cloned().chain(unread).collect();
                (!said.is_empty()).then(|| said.join("; "))
            }
            Self::Refused(why) | Self::There(why) => Some(why.clone()),
            Self::Left(why) => Some((*why).to_owned()),
        }
    }
}

/// The tenant's time zone.
pub(super) async fn time_zone(tx: &mut TenantTx) -> Result<String> {
    let tenant = tx.tenant();
    let zone = sqlx::query_scalar!(
        "select time_zone from app.tenants where tenant_id = $1",
        tenant as _
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(zone)
}

/// Which of the names are known, and what they led to.
pub(super) async fn known(tx: &mut TenantTx, names: &[Name]) -> Result<HashMap<Name, Known>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let (types, ids) = columns(names.iter());
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select l.resource_type, l.source_id, l.target_id, l.content_hash
             from unnest($2::text[], $3::text[]) as n (resource_type, source_id)
             join app.import_links l
               on l.tenant_id = $1 and l.resource_type = n.resource_type and l.source_id = n.source_id"#,
        tenant as _,
        &types as _,
        &ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                Name::new(row.resource_type, row.source_id),
                Known {
                    target: row.target_id,
                    hash: row.content_hash,
                },
            )
        })
        .collect())
}

/// Remembers names, in their order. One that is known keeps leading where it led; its hash is renewed.
///
/// # Errors
/// `unavailable` when another transaction has meanwhile made a name lead elsewhere: look again, and there it is.
pub(super) async fn remember(
    tx: &mut TenantTx,
    links: &BTreeMap<Name, Known>,
    now: Instant,
) -> Result<()> {
    if links.is_empty() {
        return Ok(());
    }
    let (types, ids) = columns(links.keys());
    let targets: Vec<Uuid> = links.values().map(|known| known.target).collect();
    let hashes: Vec<&[u8]> = links.values().map(|known| known.hash.as_slice()).collect();
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"insert into app.import_links (tenant_id, resource_type, source_id, target_id, content_hash, imported_at)
           select $1, n.resource_type, n.source_id, n.target_id, n.content_hash, $6
             from unnest($2::text[], $3::text[], $4::uuid[], $5::bytea[])
                  as n (resource_type, source_id, target_id, content_hash)
            order by n.resource_type, n.source_id
           on conflict (tenant_id, resource_type, source_id) do update
              set content_hash = excluded.content_hash, imported_at = excluded.imported_at
            where import_links.target_id = excluded.target_id"#,
        tenant as _,
        &types as _,
        &ids as _,
        &targets,
        &hashes as _,
        now,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != links.len() as u64 {
        return Err(at_work());
    }
    Ok(())
}

/// The resources kept under these names.
pub(super) async fn kept(tx: &mut TenantTx, names: &[Name]) -> Result<HashMap<Name, Before>> {
    if names.is_empty() {
        return Ok(HashMap::new());
    }
    let (types, ids) = columns(names.iter());
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select k.id, k.resource_type, k.source_id, k.content_hash, k.reading, k.entry_kind, k.entry_id, k.joined,
                  k.patient_id as "patient_id: PatientId", k.encounter_id as "encounter_id: EncounterId"
             from unnest($2::text[], $3::text[]) as n (resource_type, source_id)
             join app.imported_resources k
               on k.tenant_id = $1 and k.resource_type = n.resource_type and k.source_id = n.source_id"#,
        tenant as _,
        &types as _,
        &ids as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            (
                Name::new(row.resource_type, row.source_id),
                Before {
                    id: row.id,
                    hash: row.content_hash,
                    patient: row.patient_id,
                    encounter: row.encounter_id,
                    entry: row.entry_kind.zip(row.entry_id),
                    joined: row.joined,
                    reading: row.reading,
                },
            )
        })
        .collect())
}

/// Keeps resources as they came, in place of their earlier states.
///
/// # Errors
/// `unavailable` when another transaction has meanwhile entered one of them, or kept one that has other names: look again, and there
/// it is.
#[expect(clippy::too_many_lines, reason = "one statement")]
pub(super) async fn keep(tx: &mut TenantTx, resources: &[Kept], now: Instant) -> Result<()> {
    if resources.is_empty() {
        return Ok(());
    }
    let (types, sources) = columns(resources.iter().map(|kept| &kept.name));
    let ids: Vec<Uuid> = resources.iter().map(|kept| kept.id).collect();
    let patients: Vec<Option<Uuid>> = resources
        .iter()
        .map(|kept| kept.patient.map(Into::into))
        .collect();
    let encounters: Vec<Option<Uuid>> = resources
        .iter()
        .map(|kept| kept.encounter.map(Into::into))
        .collect();
    let dates: Vec<Option<Instant>> = resources.iter().map(|kept| kept.effective_at).collect();
    let contents: Vec<&str> = resources.iter().map(|kept| kept.content.as_str()).collect();
    let hashes: Vec<&[u8]> = resources.iter().map(|kept| kept.hash.as_slice()).collect();
    let judged = || resources.iter().map(|kept| kept.judgement.as_ref());
    let kinds: Vec<Option<&str>> = judged().map(|judged| judged?.kind()).collect();
    let entries: Vec<Option<Uuid>> = judged().map(|judged| judged?.id()).collect();
    let reasons: Vec<Option<String>> = judged().map(|judged| judged?.reason()).collect();
    let refused: Vec<bool> = judged()
        .map(|judged| judged.is_some_and(Entered::is_refused))
        .collect();
    let readings: Vec<Option<i16>> = judged().map(|judged| judged.map(|_| READING)).collect();
    let joined: Vec<String> = resources.iter().map(|kept| array(&kept.joined)).collect();
    let tenant = tx.tenant();
    let done = sqlx::query!(
        r#"insert into app.imported_resources
                  (tenant_id, id, resource_type, source_id, patient_id, encounter_id, effective_at, content, content_hash,
                   entry_kind, entry_id, reason, refused, reading, joined, created_at, updated_at)
           select $1, n.id, n.resource_type, n.source_id, n.patient_id, n.encounter_id, n.effective_at, n.content::jsonb,
                  n.content_hash, n.entry_kind, n.entry_id, n.reason, n.refused, n.reading, n.joined::uuid[], $10, $10
             from unnest($2::uuid[], $3::text[], $4::text[], $5::uuid[], $6::uuid[], $7::timestamptz[], $8::text[], $9::bytea[],
                         $11::text[], $12::uuid[], $13::text[], $14::smallint[], $15::text[], $16::boolean[])
                  as n (id, resource_type, source_id, patient_id, encounter_id, effective_at, content, content_hash,
                        entry_kind, entry_id, reason, reading, joined, refused)
           on conflict (tenant_id, resource_type, source_id) do update
              set patient_id = excluded.patient_id, encounter_id = excluded.encounter_id,
                  effective_at = excluded.effective_at, content = excluded.content, content_hash = excluded.content_hash,
                  entry_kind = coalesce(imported_resources.entry_kind, excluded.entry_kind),
                  entry_id = coalesce(imported_resources.entry_id, excluded.entry_id),
                  reason = excluded.reason, refused = excluded.refused, reading = excluded.reading, joined = excluded.joined,
                  version = imported_resources.version + 1, updated_at = excluded.updated_at
            where imported_resources.entry_id is null or excluded.entry_id is null
               or imported_resources.entry_id = excluded.entry_id"#,
        tenant as _,
        &ids,
        &types as _,
        &sources as _,
        &patients as _,
        &encounters as _,
        &dates as _,
        &contents as _,
        &hashes as _,
        now,
        &kinds as _,
        &entries as _,
        &reasons as _,
        &readings as _,
        &joined,
        &refused,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() != resources.len() as u64 {
        return Err(at_work());
    }
    Ok(())
}

/// Makes sure that names lead to rows that are there.
///
/// # Errors
/// `unavailable` when another transaction has meanwhile kept one of these resources, under an id of its own.
pub(super) async fn require_kept(tx: &mut TenantTx, ids: &[Uuid]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    let there = sqlx::query_scalar!(
        r#"select count(*) as "count!" from app.imported_resources where tenant_id = $1 and id = any($2)"#,
        tenant as _,
        ids,
    )
    .fetch_one(tx.conn())
    .await?;
    if usize::try_from(there).ok() == Some(ids.len()) {
        Ok(())
    } else {
        Err(at_work())
    }
}

fn at_work() -> Error {
    Error::new(Code::Unavailable).detail("Another import is at work on the same records.")
}

/// The patients of encounters, for links that must agree with both.
pub(super) async fn patients_of(
    tx: &mut TenantTx,
    encounters: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>> {
    if encounters.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        "select id, patient_id from app.encounter_register where tenant_id = $1 and id = any($2)",
        tenant as _,
        encounters,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id, row.patient_id))
        .collect())
}

/// Writes down what became of resources that are kept already.
pub(super) async fn judge(tx: &mut TenantTx, judged: &[Judged], now: Instant) -> Result<()> {
    if judged.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = judged.iter().map(|one| one.id).collect();
    let made = || judged.iter().map(|one| one.judgement.as_ref());
    let kinds: Vec<Option<&str>> = made().map(|made| made?.kind()).collect();
    let entries: Vec<Option<Uuid>> = made().map(|made| made?.id()).collect();
    let reasons: Vec<Option<String>> = made().map(|made| made?.reason()).collect();
    let refused: Vec<bool> = made()
        .map(|made| made.is_some_and(Entered::is_refused))
        .collect();
    let stays: Vec<bool> = made().map(|made| made.is_none()).collect();
    let joined: Vec<String> = judged.iter().map(|one| array(&one.joined)).collect();
    let tenant = tx.tenant();
    sqlx::query!(
        "update app.imported_resources k
            set entry_kind = coalesce(n.entry_kind, k.entry_kind), entry_id = coalesce(n.entry_id, k.entry_id),
                reason = case when n.stays then k.reason else n.reason end,
                refused = case when n.stays then k.refused else n.refused end,
                joined = case when n.stays then k.joined else n.joined::uuid[] end,
                reading = $6,
                version = case when n.changes then k.version + 1 else k.version end,
                updated_at = case when n.changes then $7 else k.updated_at end
           from (select m.id, m.entry_kind, m.entry_id, m.reason, m.refused, m.joined, m.stays,
                        not m.stays and (r.entry_id is distinct from coalesce(m.entry_id, r.entry_id) or r.reason is distinct from m.reason
                                         or r.joined <> m.joined::uuid[]) as changes
                   from unnest($2::uuid[], $3::text[], $4::uuid[], $5::text[], $8::text[], $9::boolean[], $10::boolean[])
                        as m (id, entry_kind, entry_id, reason, joined, stays, refused)
                   join app.imported_resources r on r.tenant_id = $1 and r.id = m.id) n
          where k.tenant_id = $1 and k.id = n.id and (k.entry_id is null or k.reading is null or k.reading < $6)
            and (n.changes or k.reading is distinct from $6)",
        tenant as _,
        &ids,
        &kinds as _,
        &entries as _,
        &reasons as _,
        READING,
        now,
        &joined,
        &stays,
        &refused,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// An array in PostgreSQL's words: one among others can't be unnested.
fn array(ids: &[Uuid]) -> String {
    let ids: Vec<String> = ids.iter().map(Uuid::to_string).collect();
    format!("{{{}}}", ids.join(","))
}

/// Resources of kinds that may have an entry, that these rules have not looked at, in the order of their ids. `refused`: also those
/// that they have looked at and that have none.
pub(super) async fn waiting(
    tx: &mut TenantTx,
    refused: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<Waiting>> {
    let tenant = tx.tenant();
    let types = TYPES.map(str::to_owned);
    let rows = sqlx::query!(
        r#"select id, resource_type, source_id, patient_id as "patient_id!: PatientId", encounter_id as "encounter_id: EncounterId",
                  content::text as "content!", entry_kind, entry_id, joined, reason, reading
             from app.imported_resources
            where tenant_id = $1 and patient_id is not null and resource_type = any($2) and id > $3
              and (reading is null or reading < $5 or $4 and entry_id is null)
            order by id
            limit $6"#,
        tenant as _,
        &types[..],
        after,
        refused,
        READING,
        limit,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Waiting {
            id: row.id,
            name: Name::new(row.resource_type, row.source_id),
            patient: row.patient_id,
            encounter: row.encounter_id,
            content: row.content,
            kind: row.entry_kind,
            entry: row.entry_id,
            joined: row.joined,
            reason: row.reason,
            reading: row.reading,
            is_shared: false,
        })
        .collect())
}

/// Marks those whose entry other resources of the patient lead to, too.
pub(super) async fn mark_shared(tx: &mut TenantTx, page: &mut [Waiting]) -> Result<()> {
    let entered = page.iter().filter(|one| one.is_entered());
    let patients: Vec<Uuid> = entered.map(|one| one.patient.into()).collect();
    if patients.is_empty() {
        return Ok(());
    }
    let tenant = tx.tenant();
    let shared = sqlx::query_scalar!(
        r#"select entry_id as "entry_id!" from app.imported_resources
            where tenant_id = $1 and patient_id = any($2) and entry_id is not null
            group by entry_id having count(*) > 1"#,
        tenant as _,
        &patients,
    )
    .fetch_all(tx.conn())
    .await?;
    let shared: HashSet<Uuid> = shared.into_iter().collect();
    for one in page {
        one.is_shared = one.entry.is_some_and(|entry| shared.contains(&entry));
    }
    Ok(())
}

/// Which of these resources still have no entry, or have not been looked at. They are locked: another run that looks at them waits.
pub(super) async fn still_waiting(tx: &mut TenantTx, ids: &[Uuid]) -> Result<HashSet<Uuid>> {
    let tenant = tx.tenant();
    let rows = sqlx::query_scalar!(
        "select id from app.imported_resources
          where tenant_id = $1 and id = any($2) and (entry_id is null or reading is null or reading < $3)
          order by id for no key update",
        tenant as _,
        ids,
        READING,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

/// How many resources were entered, by what they became; those that were not under [`KEPT`].
pub(super) async fn standing(tx: &mut TenantTx) -> Result<BTreeMap<String, u64>> {
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"select entry_kind, count(*) as "count!" from app.imported_resources where tenant_id = $1 group by entry_kind"#,
        tenant as _,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let kind = row.entry_kind.unwrap_or_else(|| KEPT.to_owned());
            (kind, u64::try_from(row.count).unwrap_or_default())
        })
        .collect())
}

/// Of registrations that were merged: where everything of theirs is now, however often it went on.
pub(super) async fn survivors(tx: &mut TenantTx, patients: &[Uuid]) -> Result<HashMap<Uuid, Uuid>> {
    if patients.is_empty() {
        return Ok(HashMap::new());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query!(
        r#"with recursive went (first, id, replaced_by) as (
               select p.id, p.id, p.replaced_by from app.patients p
                where p.tenant_id = $1 and p.id = any($2) and p.replaced_by is not null
               union
               select w.first, p.id, p.replaced_by from went w
                 join app.patients p on p.tenant_id = $1 and p.id = w.replaced_by)
           select first as "first!", id as "id!" from went where replaced_by is null"#,
        tenant as _,
        patients,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| (row.first, row.id)).collect())
}

/// Which of the providers are active.
pub(super) async fn active_providers(
    tx: &mut TenantTx,
    providers: &[Uuid],
) -> Result<HashSet<Uuid>> {
    if providers.is_empty() {
        return Ok(HashSet::new());
    }
    let tenant = tx.tenant();
    let rows = sqlx::query_scalar!(
        "select id from app.providers where tenant_id = $1 and id = any($2) and status = 'active'",
        tenant as _,
        providers,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().collect())
}

fn columns<'a>(names: impl Iterator<Item = &'a Name>) -> (Vec<&'a str>, Vec<&'a str>) {
    names
        .map(|name| (name.resource_type.as_str(), name.id.as_str()))
        .unzip()
}

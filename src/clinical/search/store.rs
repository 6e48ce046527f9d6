//! SQL of the search table.
//!
//! Traps: the vector also holds its tenant as a lexeme, `t=…`, with which every search begins: a row without it is never found;
//! that of a document holds `k=document` besides. What changes of a document later (label, version, release, end) a trigger
//! follows, `app.follow_document`.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{DocumentId, NoteId, PatientId, UserId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::SearchTexts;
use crate::documents::Category;

/// A vector may take a megabyte; a text of this many bytes never needs one. What is beyond is not searched.
const LONGEST: usize = 500_000;

/// What a text is the text of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Note(NoteId),
    /// Its newest version, with the release of that version to the patient.
    Document {
        id: DocumentId,
        category: Category,
        released_at: Option<Instant>,
    },
}

/// A text to be searched.
#[derive(Clone, Copy, Debug)]
pub struct SearchText<'a> {
    pub source: Source,
    pub patient: PatientId,
    pub author: Option<UserId>,
    /// The type of the note; of a document its kind.
    pub r#type: &'a str,
    /// By which it is ordered and filtered: when what it tells of happened.
    pub happened_at: Instant,
    /// Plain text, in English. Of a longer one, the first 500,000 bytes.
    pub text: &'a str,
}

/// Puts a text where it is searched, in place of the one that was there for this source. The caller's role must be
/// `provider`, `nurse` or `system`.
pub async fn put(tx: &mut TenantTx, entry: &SearchText<'_>) -> Result<()> {
    let tenant = tx.tenant();
    let text = &entry.text[..entry.text.floor_char_boundary(LONGEST)];
    let (kind, id, category, released_at) = match entry.source {
        Source::Note(id) => (Kind::Note, id.0, None, None),
        Source::Document {
            id,
            category,
            released_at,
        } => (Kind::Document, id.0, Some(category), released_at),
    };
    sqlx::query!(
        "insert into app.search_texts (tenant_id, kind, source_id, patient_id, author_id, type, happened_at, category, released_at, words)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                 to_tsvector('pg_catalog.english', $10)
                 || array_to_tsvector(array['t=' || $1::uuid] || case when $2 = 'document' then array['k=document'] else '{}' end))
         on conflict (tenant_id, kind, source_id) do update
            set patient_id = excluded.patient_id, author_id = excluded.author_id, type = excluded.type,
                happened_at = excluded.happened_at, released_at = excluded.released_at, words = excluded.words",
        tenant as _,
        kind as _,
        id,
        entry.patient as _,
        entry.author as _,
        entry.r#type,
        entry.happened_at,
        category as _,
        released_at,
        text,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes the text of a note out of the search.
pub async fn remove_note(tx: &mut TenantTx, id: NoteId) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.search_texts where tenant_id = $1 and kind = 'note' and source_id = $2",
        tenant as _,
        id as _,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// What a hit is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub(super) enum Kind {
    Note,
    Document,
    /// A patient's copy; not of the table of texts.
    ReleasedNote,
}

/// Something that matches.
pub(super) struct Hit {
    pub kind: Kind,
    pub id: Uuid,
    pub at: Instant,
}

/// A place in the one order of all that is found: newest first.
pub(crate) type Place = (Instant, Uuid);

/// Which part of that order is wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub after: Option<Place>,
    pub fetch: i64,
}

/// Ids of what matches, of both kinds unless `only` one is wanted, newest first.
pub(super) async fn matching(
    tx: &mut TenantTx,
    only: Option<Kind>,
    query: Option<&str>,
    asked: &SearchTexts,
    span: Span,
) -> Result<Vec<Hit>> {
    let (at, id) = span.after.unzip();
    let hits = sqlx::query_as!(
        Hit,
        r#"select m.kind as "kind!: _", m.source_id as "id!", m.happened_at as "at!"
             from app.matching_texts($1, $2, $3, $4, coalesce($5::text, $6::text), $7, $8, $9, $10, $11, $12) m"#,
        only as _,
        query,
        asked.patient_id as _,
        asked.author_id as _,
        asked.r#type as _,
        asked.kind as _,
        asked.category as _,
        asked.from,
        asked.to,
        at,
        id,
        span.fetch,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(hits)
}

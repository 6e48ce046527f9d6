//! SQL of the search table.
//!
//! Trap: the vector also holds its tenant as a lexeme, `t=…`, with which every search begins; a row without it is never
//! found.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, NoteId, NoteTemplateId, PatientId, UserId};
use platform::db::TenantTx;
use uuid::Uuid;

use super::model::{BEGIN, END, FoundNote, SearchNotes, pieces};
use crate::notes::kinds::{CosignatureStatus, NoteStatus, NoteType};
use crate::notes::model::NoteSummary;

/// A vector may take a megabyte; a text of this many bytes never needs one. What is beyond is not searched.
const LONGEST: usize = 500_000;

/// What a text is the text of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::Type)]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Kind {
    Note,
    Document,
}

/// A text to be searched.
#[derive(Clone, Copy, Debug)]
pub struct SearchText<'a> {
    pub kind: Kind,
    /// The note's id, the document's.
    pub source: Uuid,
    pub patient: PatientId,
    pub author: Option<UserId>,
    /// The type of the note; of a document its category.
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
    sqlx::query!(
        "insert into app.search_texts (tenant_id, kind, source_id, patient_id, author_id, type, happened_at, words)
         values ($1, $2, $3, $4, $5, $6, $7,
                 to_tsvector('pg_catalog.english', $8) || array_to_tsvector(array['t=' || $1::uuid]))
         on conflict (tenant_id, kind, source_id) do update
            set patient_id = excluded.patient_id, author_id = excluded.author_id, type = excluded.type,
                happened_at = excluded.happened_at, words = excluded.words",
        tenant as _,
        entry.kind as _,
        entry.source,
        entry.patient as _,
        entry.author as _,
        entry.r#type,
        entry.happened_at,
        text,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Takes a text out of the search.
pub async fn remove(tx: &mut TenantTx, kind: Kind, source: Uuid) -> Result<()> {
    let tenant = tx.tenant();
    sqlx::query!(
        "delete from app.search_texts where tenant_id = $1 and kind = $2 and source_id = $3",
        tenant as _,
        kind as _,
        source,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

struct Row {
    id: NoteId,
    patient_id: PatientId,
    note_type: NoteType,
    status: NoteStatus,
    author_id: UserId,
    author: Option<String>,
    title: Option<String>,
    specialty: Option<String>,
    encounter_id: Option<EncounterId>,
    noted_at: Instant,
    template_id: Option<NoteTemplateId>,
    supervisor_id: Option<UserId>,
    cosignature: Option<CosignatureStatus>,
    text_number: i32,
    signed_by: Option<UserId>,
    signed_at: Option<Instant>,
    released_at: Option<Instant>,
    retract_reason: Option<String>,
    version: i64,
    created_at: Instant,
    updated_at: Instant,
    headline: String,
}

/// Notes that match, newest first, with what was found in them.
pub(super) async fn search(
    tx: &mut TenantTx,
    query: Option<&str>,
    asked: &SearchNotes,
    after: Option<(Instant, NoteId)>,
    fetch: i64,
) -> Result<Vec<FoundNote>> {
    let tenant = tx.tenant();
    let (at, id) = after.unzip();
    let marks = format!(
        "StartSel={BEGIN}, StopSel={END}, MaxFragments=2, MinWords=5, MaxWords=18, FragmentDelimiter=\" … \""
    );
    let rows = sqlx::query_as!(
        Row,
        r#"select n.id as "id: _", n.patient_id as "patient_id: _", n.type as "note_type: _", n.status as "status: _",
                  n.author_id as "author_id: _",
                  u.given_name || ' ' || u.family_name || coalesce(', ' || p.credential, '') as "author?",
                  n.title, n.specialty, n.encounter_id as "encounter_id: _", n.noted_at, n.template_id as "template_id: _",
                  n.supervisor_id as "supervisor_id: _", n.cosignature as "cosignature: _", n.text_number,
                  n.signed_by as "signed_by: _", n.signed_at, n.released_at, n.retract_reason, n.version, n.created_at,
                  n.updated_at,
                  ts_headline('pg_catalog.english',
                              concat_ws(E'\n', n.title,
                                        (select string_agg(s.value, E'\n') from jsonb_each_text(t.content) s),
                                        (select string_agg(e.payload::jsonb #>> '{content,text}', E'\n' order by e.sequence)
                                           from app.note_entries e
                                          where n.status = 'amended' and e.tenant_id = $1 and e.note_id = n.id
                                            and e.kind in ('addendum', 'amendment'))),
                              coalesce(to_tsquery('pg_catalog.english', $2), ''::tsquery), $11) as "headline!"
             from app.matching_texts('note', $2, $3, $4, $5, $6, $7, $8, $9, $10) m
             join app.notes n on n.tenant_id = $1 and n.id = m.source_id
             join app.note_texts t on t.tenant_id = $1 and t.note_id = n.id and t.number = n.text_number
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = n.author_id
            where n.status <> 'entered_in_error'
            order by m.happened_at desc, m.source_id desc"#,
        tenant as _,
        query,
        asked.patient_id as _,
        asked.author_id as _,
        asked.r#type as _,
        asked.from,
        asked.to,
        at,
        id as _,
        fetch,
        marks,
    )
    .fetch_all(tx.conn())
    .await?;
    let found = rows.into_iter().map(|row| FoundNote {
        snippet: pieces(&row.headline),
        note: NoteSummary {
            id: row.id,
            patient_id: row.patient_id,
            r#type: row.note_type,
            status: row.status,
            author_id: row.author_id,
            author: row.author,
            title: row.title,
            specialty: row.specialty,
            encounter_id: row.encounter_id,
            noted_at: row.noted_at,
            template_id: row.template_id,
            supervisor_id: row.supervisor_id,
            cosignature: row.cosignature,
            text_number: row.text_number,
            signed_by: row.signed_by,
            signed_at: row.signed_at,
            released_at: row.released_at,
            retract_reason: row.retract_reason,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        },
    });
    Ok(found.collect())
}

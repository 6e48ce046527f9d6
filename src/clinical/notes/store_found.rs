//! SQL of notes that a search found.

use kernel::Result;
use kernel::clock::Instant;
use kernel::ids::{EncounterId, NoteId, NoteTemplateId, PatientId, UserId};
use platform::db::TenantTx;

use super::kinds::{CosignatureStatus, NoteStatus, NoteType};
use super::model::NoteSummary;
use crate::search::{FoundNote, MARKS, pieces};

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

/// Of these notes those the caller may read, in any order, with what was found in them.
pub(crate) async fn found(
    tx: &mut TenantTx,
    ids: &[NoteId],
    query: Option<&str>,
) -> Result<Vec<FoundNote>> {
    let tenant = tx.tenant();
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
                              coalesce(to_tsquery('pg_catalog.english', $3), ''::tsquery), $4) as "headline!"
             from app.notes n
             join app.note_texts t on t.tenant_id = $1 and t.note_id = n.id and t.number = n.text_number
             left join app.users u on u.tenant_id = $1 and u.id = n.author_id
             left join app.providers p on p.tenant_id = $1 and p.user_id = n.author_id
            where n.tenant_id = $1 and n.id = any($2) and n.status <> 'entered_in_error'"#,
        tenant as _,
        ids as _,
        query,
        MARKS,
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

//! The search: ids of what matches, in one order, and then each of them as its feature shows it.

use std::collections::HashMap;

use kernel::ids::{DocumentId, NoteId};
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::db::TenantTx;
use platform::http::{Answer, Paging, require_order};
use uuid::Uuid;

use super::model::{FoundText, SearchIn, SearchTexts};
use super::query;
use super::store::{self, Hit, Kind, Span};

use crate::{documents, notes};

/// Snippets cost more than rows, so a page is shorter than elsewhere unless asked otherwise.
const USUAL: u32 = 20;

pub(super) async fn search(ctx: &Ctx, asked: SearchTexts) -> Result<Answer<Page<FoundText>>> {
    require_order(asked.from, asked.to)?;
    let wanted = wanted(asked.q.as_deref())?;
    let (of_notes, of_documents) = sides(&asked)?;
    let filters = SearchTexts {
        limit: None,
        cursor: None,
        ..asked.clone()
    };
    let limit = asked.limit.unwrap_or(USUAL);
    let paging = Paging::new(ctx, &filters, Some(limit), asked.cursor.clone())?;
    let span = Span {
        after: paging.after()?,
        fetch: paging.fetch(),
    };
    let mut tx = ctx.begin(Permission::NoteSearch).await?;
    let query = wanted.as_deref();
    let hits = if ctx.acts_for_himself() {
        of_patient(ctx, &mut tx, query, &asked, span, (of_notes, of_documents)).await?
    } else {
        let only = match (of_notes, of_documents) {
            (true, true) => None,
            (true, false) => Some(Kind::Note),
            (false, _) => Some(Kind::Document),
        };
        store::matching(&mut tx, only, query, &asked, span).await?
    };
    let page = paging.page(hits, |hit| (hit.at, hit.id))?;
    let items = shown(&mut tx, query, &page.items).await?;
    let subjects: Vec<_> = items.iter().map(subject).collect();
    let page = Page {
        items,
        next_cursor: page.next_cursor,
    };
    tx.finish(Disclosure::mixed_list("note", subjects, page))
        .await
}

fn wanted(typed: Option<&str>) -> Result<Option<String>> {
    match typed {
        Some(typed) if typed.chars().count() > 500 => Err(refusal(
            "?q",
            "too_long",
            "must have at most 500 characters",
        )),
        Some(typed) => query::to_tsquery(typed)
            .map(Some)
            .ok_or_else(|| refusal("?q", "blank", "must have a letter or digit")),
        None => Ok(None),
    }
}

/// Whether notes are looked for, and whether documents.
fn sides(asked: &SearchTexts) -> Result<(bool, bool)> {
    let of_notes =
        asked.r#in != Some(SearchIn::Documents) && asked.kind.is_none() && asked.category.is_none();
    let of_documents = asked.r#in != Some(SearchIn::Notes) && asked.r#type.is_none();
    if of_notes || of_documents {
        Ok((of_notes, of_documents))
    } else {
        let rule = "type is of notes, kind and category are of documents: nothing has both";
        let place = if asked.r#type.is_some() {
            "?type"
        } else {
            "?in"
        };
        Err(refusal(place, "contradiction", rule))
    }
}

/// What was released to the patient: documents from the table of all texts, and notes from where his copies lie.
async fn of_patient(
    ctx: &Ctx,
    tx: &mut TenantTx,
    query: Option<&str>,
    asked: &SearchTexts,
    span: Span,
    (of_notes, of_documents): (bool, bool),
) -> Result<Vec<Hit>> {
    let mut hits = Vec::new();
    if of_documents {
        hits = store::matching(tx, Some(Kind::Document), query, asked, span).await?;
    }
    if of_notes && let Some(patient) = asked.patient_id.or(ctx.principal().patient) {
        let found = notes::released_matching(tx, patient, query, asked, span).await?;
        hits.extend(found.into_iter().map(|(at, id)| Hit {
            kind: Kind::ReleasedNote,
            id,
            at,
        }));
    }
    hits.sort_by_key(|hit| std::cmp::Reverse((hit.at, hit.id)));
    hits.truncate(usize::try_from(span.fetch).unwrap_or(0));
    Ok(hits)
}

/// The hits, in their order, as the caller's policies show them; what they do not show is left out.
async fn shown(tx: &mut TenantTx, query: Option<&str>, hits: &[Hit]) -> Result<Vec<FoundText>> {
    let of = |kind: Kind| -> Vec<Uuid> {
        let hits = hits.iter().filter(|hit| hit.kind == kind);
        hits.map(|hit| hit.id).collect()
    };
    let mut found: HashMap<Uuid, FoundText> = HashMap::with_capacity(hits.len());
    let ids: Vec<NoteId> = of(Kind::Note).into_iter().map(NoteId).collect();
    if !ids.is_empty() {
        let notes = notes::found(tx, &ids, query).await?;
        found.extend(
            notes
                .into_iter()
                .map(|one| (one.note.id.0, FoundText::Note(one))),
        );
    }
    let ids: Vec<NoteId> = of(Kind::ReleasedNote).into_iter().map(NoteId).collect();
    if !ids.is_empty() {
        let notes = notes::released_found(tx, &ids, query).await?;
        found.extend(
            notes
                .into_iter()
                .map(|one| (one.id.0, FoundText::ReleasedNote(one))),
        );
    }
    let ids: Vec<DocumentId> = of(Kind::Document).into_iter().map(DocumentId).collect();
    if !ids.is_empty() {
        let documents = documents::found(tx, &ids, query).await?;
        found.extend(
            documents
                .into_iter()
                .map(|one| (one.id.0, FoundText::Document(one))),
        );
    }
    Ok(hits
        .iter()
        .filter_map(|hit| found.remove(&hit.id))
        .collect())
}

fn subject(found: &FoundText) -> (&'static str, Subject) {
    let (resource, patient, id) = match found {
        FoundText::Note(one) => ("note", one.note.patient_id, one.note.id.0),
        FoundText::ReleasedNote(one) => ("note", one.patient_id, one.id.0),
        FoundText::Document(one) => ("document", one.patient_id, one.id.0),
    };
    let subject = Subject {
        patient: Some(patient),
        resource: Some(id),
    };
    (resource, subject)
}

fn refusal(place: &'static str, code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(place, code, rule)])
}

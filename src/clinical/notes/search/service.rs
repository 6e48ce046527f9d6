//! The search over notes.

use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging, require_order};

use super::model::{FoundNote, SearchNotes};
use super::query;
use super::store;

/// Snippets cost more than rows, so a page is shorter than elsewhere unless asked otherwise.
const USUAL: u32 = 20;

pub(super) async fn search(ctx: &Ctx, asked: SearchNotes) -> Result<Answer<Page<FoundNote>>> {
    require_order(asked.from, asked.to)?;
    let wanted = match &asked.q {
        Some(typed) if typed.chars().count() > 500 => {
            return Err(refusal("too_long", "must have at most 500 characters"));
        }
        Some(typed) => Some(
            query::to_tsquery(typed)
                .ok_or_else(|| refusal("blank", "must have a letter or digit"))?,
        ),
        None => None,
    };
    let filters = (
        &asked.q,
        asked.patient_id,
        asked.author_id,
        asked.r#type,
        asked.from,
        asked.to,
    );
    let limit = asked.limit.unwrap_or(USUAL);
    let paging = Paging::new(ctx, &filters, Some(limit), asked.cursor.clone())?;
    let after = paging.after()?;
    let mut tx = ctx.begin(Permission::NoteSearch).await?;
    let found = store::search(&mut tx, wanted.as_deref(), &asked, after, paging.fetch()).await?;
    let page = paging.page(found, |found| (found.note.noted_at, found.note.id))?;
    let subjects: Vec<Subject> = page
        .items
        .iter()
        .map(|found| Subject {
            patient: Some(found.note.patient_id),
            resource: Some(found.note.id.into()),
        })
        .collect();
    tx.finish(Disclosure::list("note", subjects, page)).await
}

fn refusal(code: &'static str, rule: &'static str) -> Error {
    Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new("?q", code, rule)])
}

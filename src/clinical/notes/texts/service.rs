//! Listing and comparing texts.

use kernel::clock::Instant;
use kernel::ids::NoteId;
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{CompareTexts, ListTexts, NoteDiff, NoteText};
use super::{diff, store};
use crate::notes::content::NoteContent;
use crate::notes::service;

pub(super) async fn list(
    ctx: &Ctx,
    id: NoteId,
    query: ListTexts,
) -> Result<Answer<Page<NoteText>>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    let filters = (id, query.kind, then);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let (mut tx, note) = service::begin_read(ctx, id, then).await?;
    let patient = note.patient_id;
    let rows = store::page(&mut tx, id, (query.kind, then), after, paging.fetch()).await?;
    let page = paging.page(rows, |text| text.number)?;
    tx.finish(Disclosure::of("note", Action::Read, patient, id, page))
        .await
}

pub(super) async fn compare(
    ctx: &Ctx,
    id: NoteId,
    query: &CompareTexts,
) -> Result<Answer<NoteDiff>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    let (mut tx, note) = service::begin_read(ctx, id, then).await?;
    let to = query.to.unwrap_or(note.text_number);
    let from = query.from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    let before = content(&mut tx, (id, then), from, "?from").await?;
    let after = content(&mut tx, (id, then), to, "?to").await?;
    let diff = NoteDiff {
        from,
        to,
        sections: diff::compare(&before, &after),
    };
    let patient = note.patient_id;
    tx.finish(Disclosure::of("note", Action::Read, patient, id, diff))
        .await
}

async fn content(
    tx: &mut TenantTx,
    of: (NoteId, Option<Instant>),
    number: i32,
    parameter: &'static str,
) -> Result<NoteContent> {
    store::content(tx, of, number).await?.ok_or_else(|| {
        let rule = "must be the number of a text of this note";
        Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(
            parameter,
            "no_such_text",
            rule,
        )])
    })
}

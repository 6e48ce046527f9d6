//! Listing and comparing texts.

use kernel::ids::NoteId;
use kernel::{Code, Error, FieldError, Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Action;
use platform::db::TenantTx;
use platform::http::{Answer, Paging};

use super::model::{CompareTexts, ListTexts, NoteDiff, NoteText};
use super::{diff, store};
use crate::notes::content::NoteContent;
use crate::notes::{service, store as notes};

pub(super) async fn list(
    ctx: &Ctx,
    id: NoteId,
    query: ListTexts,
) -> Result<Answer<Page<NoteText>>> {
    let then = query.as_of.map(|then| then.instant(ctx));
    let filters = (id, query.kind, then);
    let paging = Paging::new(ctx, &filters, query.limit, query.cursor.clone())?;
    let after = paging.after()?;
    let (mut tx, patient) = service::begin_read(ctx, id, then).await?;
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
    let mut tx = ctx.begin(Permission::NoteRead).await?;
    let note = notes::get(&mut tx, id).await?;
    let to = query.to.unwrap_or(note.summary.text_number);
    let from = query.from.unwrap_or_else(|| to.saturating_sub(1).max(1));
    let before = content(&mut tx, id, from, "?from").await?;
    let after = content(&mut tx, id, to, "?to").await?;
    let diff = NoteDiff {
        from,
        to,
        sections: diff::compare(&before, &after),
    };
    let patient = note.summary.patient_id;
    tx.finish(Disclosure::of("note", Action::Read, patient, id, diff))
        .await
}

async fn content(
    tx: &mut TenantTx,
    id: NoteId,
    number: i32,
    parameter: &'static str,
) -> Result<NoteContent> {
    store::content(tx, id, number).await?.ok_or_else(|| {
        let rule = "must be the number of a text of this note";
        Error::new(Code::InvalidParameter).with_fields(vec![FieldError::new(
            parameter,
            "no_such_text",
            rule,
        )])
    })
}

//! Finding documents by their words.

use kernel::{Page, Result};
use platform::access::{Ctx, Disclosure, Permission};
use platform::audit::Subject;
use platform::http::{Answer, Paging};

use super::model::{DocumentHit, DocumentSearch};
use super::{query, store};
use crate::documents::service::RESOURCE;
use crate::documents::store as documents;

pub(super) async fn search(ctx: &Ctx, asked: DocumentSearch) -> Result<Answer<Page<DocumentHit>>> {
    let scope = DocumentSearch {
        limit: None,
        cursor: None,
        ..asked.clone()
    };
    let paging = Paging::new(ctx, &scope, asked.limit, asked.cursor.clone())?;
    let wanted = query::read(&asked.q)?;
    let mut tx = ctx.begin(Permission::DocumentSearch).await?;
    let found = store::find(&mut tx, &wanted, &asked, paging.after()?, paging.fetch()).await?;
    let found = paging.page(found, |hit| (hit.rank, hit.version_id))?;
    let mut items = Vec::with_capacity(found.items.len());
    for hit in found.items {
        // Under the caller's own policies: what he may not read he is not shown, whatever was found.
        if let Some(document) = documents::find(&mut tx, hit.document_id).await?
            && document.current.id == hit.version_id
        {
            items.push(DocumentHit {
                document,
                snippet: marked(&hit.snippet),
                rank: hit.rank,
            });
        }
    }
    let subjects: Vec<Subject> = items
        .iter()
        .map(|hit| Subject {
            patient: hit.document.patient_id,
            resource: Some(hit.document.id.0),
        })
        .collect();
    let page = Page {
        items,
        next_cursor: found.next_cursor,
    };
    tx.finish(Disclosure::list(RESOURCE, subjects, page)).await
}

/// Escapes a snippet for HTML, and marks what was found. The database marks with control characters, which no text has.
fn marked(snippet: &str) -> String {
    let mut marked = String::with_capacity(snippet.len() + 32);
    for letter in snippet.chars() {
        match letter {
            '\u{1}' => marked.push_str("<mark>"),
            '\u{2}' => marked.push_str("</mark>"),
            '<' => marked.push_str("&lt;"),
            '>' => marked.push_str("&gt;"),
            '&' => marked.push_str("&amp;"),
            '"' => marked.push_str("&quot;"),
            letter => marked.push(letter),
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_can_not_bring_markup_of_its_own() {
        assert_eq!(
            marked("<script> \u{1}lung\u{2} & \"x\""),
            "&lt;script&gt; <mark>lung</mark> &amp; &quot;x&quot;"
        );
    }
}

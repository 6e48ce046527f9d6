//! Taking content in: its type looked at before anything is stored, then hashed, sealed and stored as it comes.

use bytes::Bytes;
use futures_util::StreamExt;
use kernel::ids::{DocumentUploadId, DocumentVersionId, TenantId};
use kernel::{Error, Result};
use platform::access::Ctx;
use platform::files::{Files, Mismatch, ObjectKey, ObjectName, Pieces, check_type, is_text};
use platform::http::FilePart;

use super::model::{Scan, TextState};

/// How much of the beginning the type is told from.
const HEAD: usize = 16 << 10;

/// Content in the store that no row names yet.
pub(super) struct Received {
    pub id: DocumentVersionId,
    pub key: ObjectKey,
    pub filename: String,
    pub content_type: &'static str,
    pub size: i64,
    pub sha256: [u8; 32],
    /// What it was sent as, if in parts.
    pub upload: Option<DocumentUploadId>,
}

/// What content is said to be.
pub(super) struct Declared {
    pub filename: String,
    pub content_type: String,
}

/// The content of a form's part, as pieces.
pub(super) fn pieces(part: FilePart) -> Pieces<'static> {
    futures_util::stream::try_unfold(part, |mut part| async move {
        Ok(part.piece().await?.map(|piece| (piece, part)))
    })
    .boxed()
}

/// What a form's part says it is.
pub(super) fn declared(part: &FilePart) -> Result<Declared> {
    let content_type = part.content_type().ok_or_else(|| {
        Error::field(
            "/file",
            "type_missing",
            "must come with its type (Content-Type)",
        )
    })?;
    Ok(Declared {
        filename: clean_name(part.filename().unwrap_or_default()),
        content_type,
    })
}

/// Stores the content under this id. Whoever calls has noted the id, for the sweeper, and lets nobody know of it before a row
/// names it.
pub(super) async fn store(
    ctx: &Ctx,
    id: DocumentVersionId,
    declared: Declared,
    content: Pieces<'_>,
) -> Result<Received> {
    store_in(&ctx.app().files, ctx.tenant(), id, declared, content).await
}

/// As [`store`], for whoever has no request.
pub(super) async fn store_in(
    files: &Files,
    tenant: TenantId,
    id: DocumentVersionId,
    declared: Declared,
    mut content: Pieces<'_>,
) -> Result<Received> {
    let mut head = Vec::with_capacity(HEAD);
    while head.len() < HEAD {
        match content.next().await.transpose()? {
            Some(piece) => head.extend_from_slice(&piece),
            None => break,
        }
    }
    if head.is_empty() {
        return Err(Error::field("/file", "empty", "must have content"));
    }
    let content_type = check_type(&declared.content_type, &head).map_err(refused)?;
    let key = ObjectKey::new();
    let whole = futures_util::stream::once(async { Ok(Bytes::from(head)) }).chain(content);
    let written = files
        .objects
        .write(name(tenant, id), &key, whole.boxed())
        .await?;
    Ok(Received {
        id,
        key,
        filename: declared.filename,
        content_type,
        size: i64::try_from(written.size).map_err(Error::internal)?,
        sha256: written.sha256,
        upload: None,
    })
}

fn refused(mismatch: Mismatch) -> Error {
    match mismatch {
        Mismatch::NotTaken => Error::field(
            "/file",
            "type_not_taken",
            "must be of a type that is taken, such as application/pdf, image/jpeg or text/plain",
        ),
        Mismatch::Other => Error::field("/file", "not_its_type", "must be what its type says"),
    }
}

pub(super) fn name(tenant: TenantId, id: DocumentVersionId) -> ObjectName {
    ObjectName { tenant, id: id.0 }
}

/// Where a new version begins: in quarantine if there is a scanner, or must be one.
pub(super) fn first_states(
    files: &Files,
    content_type: &str,
    of_patient: bool,
) -> (Scan, TextState) {
    let quarantine = files.scanner.is_some() || files.options.require_scan;
    let scan = if quarantine {
        Scan::Pending
    } else {
        Scan::NotScanned
    };
    let readable = content_type == "application/pdf" || is_text(content_type);
    let text = if of_patient && readable {
        TextState::Pending
    } else {
        TextState::None
    };
    (scan, text)
}

/// The last part of a path, without control characters; never empty.
pub(super) fn clean_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let is_shown = |c: &char| !c.is_control() && !turns_around(*c);
    let clean: String = last.chars().filter(is_shown).take(200).collect();
    let clean = clean.trim().trim_matches('.').to_owned();
    if clean.is_empty() {
        "document".to_owned()
    } else {
        clean
    }
}

/// Unicode's marks of direction: with one, `exe.fdp` is read as a harmless name.
const fn turns_around(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_name_is_a_name_and_no_path() {
        for (given, kept) in [
            ("../../etc/passwd", "passwd"),
            ("scan\u{202e}fdp.exe", "scanfdp.exe"),
            ("C:\\temp\\scan 1.pdf", "scan 1.pdf"),
            ("Größe\r\n.txt", "Größe.txt"),
            ("..", "document"),
            ("", "document"),
        ] {
            assert_eq!(clean_name(given), kept);
        }
    }
}

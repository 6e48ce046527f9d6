//! Whether content is what it is declared to be.
//!
//! Only listed types are taken. One with a signature must bear it; a text must be one, without the signature of anything
//! else. So nothing executable comes in under a harmless name, and a browser that sniffs finds what it was told.

use infer::MatcherType;

/// A type that is taken.
struct Kind {
    /// As declared.
    declared: &'static str,
    /// What the content's signature says. Empty: a text, which has none of its own.
    signatures: &'static [&'static str],
    /// May be shown by a browser in the place of a page: it can hold no script.
    inline: bool,
}

const fn kind(declared: &'static str, signatures: &'static [&'static str], inline: bool) -> Kind {
    Kind {
        declared,
        signatures,
        inline,
    }
}

const MARKUP: &[&str] = &["text/html", "text/xml"];
const KINDS: &[Kind] = &[
    kind("application/pdf", &["application/pdf"], true),
    kind("image/png", &["image/png"], true),
    kind("image/jpeg", &["image/jpeg"], true),
    kind("image/gif", &["image/gif"], true),
    kind("image/webp", &["image/webp"], true),
    kind("image/tiff", &["image/tiff"], false),
    kind("image/heic", &["image/heif", "image/heic"], false),
    kind("image/svg+xml", MARKUP, false),
    kind("application/dicom", &["application/dicom"], false),
    kind("application/rtf", &["application/rtf", "text/rtf"], false),
    kind("text/rtf", &["application/rtf", "text/rtf"], false),
    kind("application/msword", &["application/msword"], false),
    kind(
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
        false,
    ),
    kind(
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
        false,
    ),
    kind("audio/mpeg", &["audio/mpeg"], false),
    kind("video/mp4", &["video/mp4"], false),
    kind("text/plain", &[], true),
    kind("text/csv", &[], false),
    kind("text/markdown", &[], false),
    kind("application/json", &[], false),
    kind("application/fhir+json", &[], false),
    kind("text/html", MARKUP, false),
    kind("application/xhtml+xml", MARKUP, false),
    kind("text/xml", MARKUP, false),
    kind("application/xml", MARKUP, false),
    kind("application/hl7-cda+xml", MARKUP, false),
    kind("application/fhir+xml", MARKUP, false),
];

/// Why content is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mismatch {
    /// A type that is not taken at all.
    NotTaken,
    /// The content is something else.
    Other,
}

fn find(declared: &str) -> Option<&'static Kind> {
    let plain = declared.split(';').next().unwrap_or_default().trim();
    KINDS
        .iter()
        .find(|kind| kind.declared.eq_ignore_ascii_case(plain))
}

/// Compares a declared type with the beginning of the content (some kilobytes suffice). Returns the type as it is kept:
/// lower case, without parameters.
pub fn check_type(declared: &str, head: &[u8]) -> Result<&'static str, Mismatch> {
    let kind = find(declared).ok_or(Mismatch::NotTaken)?;
    let found = if is_dicom(head) {
        Some("application/dicom")
    } else {
        infer::get(head).map(|found| found.mime_type())
    };
    let textual = kind.signatures.is_empty() || kind.signatures == MARKUP;
    let fits = match found {
        Some(found) if kind.signatures.contains(&found) => true,
        // Markup that does not begin as `infer` knows it, such as a fragment, or XML behind a comment.
        Some(_) => false,
        None => textual,
    };
    let fits = fits
        && (!textual || looks_like_text(head))
        && (kind.signatures != MARKUP || begins_with_markup(head));
    // A PDF may come after other bytes, and readers bear that; a browser takes what it begins with.
    let begins =
        kind.declared != "application/pdf" || head.trim_ascii_start().starts_with(b"%PDF-");
    let hidden_markup = kind.signatures.is_empty()
        && infer::get(head).is_some_and(|found| found.matcher_type() != MatcherType::Text);
    if fits && begins && !hidden_markup {
        Ok(kind.declared)
    } else {
        Err(Mismatch::Other)
    }
}

/// Whether a browser may show it in the place of a page.
pub fn shown_inline(content_type: &str) -> bool {
    find(content_type).is_some_and(|kind| kind.inline)
}

/// Whether it is a text, marked up or not.
pub fn is_text(content_type: &str) -> bool {
    find(content_type).is_some_and(|kind| kind.signatures.is_empty() || kind.signatures == MARKUP)
}

fn is_dicom(head: &[u8]) -> bool {
    head.get(128..132) == Some(b"DICM")
}

fn looks_like_text(head: &[u8]) -> bool {
    let control = |byte: &u8| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c | 0x1b);
    let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    utf16 || !head.iter().any(control)
}

fn begins_with_markup(head: &[u8]) -> bool {
    let utf16 = head.starts_with(&[0xff, 0xfe]) || head.starts_with(&[0xfe, 0xff]);
    let head = head.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(head);
    utf16 || head.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_what_it_says_or_is_refused() {
        let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
        let pdf = b"%PDF-1.7\n1 0 obj";
        let led_to = b"<html><script>alert(1)</script></html>\n%PDF-1.7\n";
        let exe = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0";
        let elf = b"\x7fELF\x02\x01\x01\0\0\0\0\0";
        let mut dicom = vec![0; 128];
        dicom.extend_from_slice(b"DICM");
        for (declared, head, expected) in [
            ("application/pdf", &pdf[..], Ok("application/pdf")),
            ("application/pdf", led_to, Err(Mismatch::Other)),
            ("image/PNG; q=1", png, Ok("image/png")),
            ("application/dicom", &dicom, Ok("application/dicom")),
            (
                "text/plain; charset=utf-8",
                b"Blood pressure 120/80",
                Ok("text/plain"),
            ),
            ("text/plain", "Größe".as_bytes(), Ok("text/plain")),
            ("text/plain", b"", Ok("text/plain")),
            (
                "application/xml",
                b"<?xml version=\"1.0\"?><ClinicalDocument/>",
                Ok("application/xml"),
            ),
            ("text/html", b"<!DOCTYPE html><p>x", Ok("text/html")),
            (
                "image/svg+xml",
                b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>",
                Ok("image/svg+xml"),
            ),
            ("image/png", pdf, Err(Mismatch::Other)),
            ("application/pdf", b"no pdf", Err(Mismatch::Other)),
            ("application/pdf", b"", Err(Mismatch::Other)),
            (
                "text/plain",
                b"<!DOCTYPE html><script>",
                Err(Mismatch::Other),
            ),
            ("text/plain", exe, Err(Mismatch::Other)),
            ("text/plain", elf, Err(Mismatch::Other)),
            ("text/csv", b"a,b\0c", Err(Mismatch::Other)),
            ("text/xml", b"{}", Err(Mismatch::Other)),
            ("text/plain", png, Err(Mismatch::Other)),
            ("application/x-msdownload", exe, Err(Mismatch::NotTaken)),
            ("application/zip", b"PK\x03\x04", Err(Mismatch::NotTaken)),
            ("", b"x", Err(Mismatch::NotTaken)),
        ] {
            assert_eq!(check_type(declared, head), expected, "{declared}");
        }
    }

    #[test]
    fn markup_is_never_shown_inline() {
        for kind in [
            "text/html",
            "image/svg+xml",
            "application/xml",
            "application/xhtml+xml",
            "unknown/type",
        ] {
            assert!(!shown_inline(kind), "{kind}");
        }
        assert!(shown_inline("application/pdf"));
    }
}

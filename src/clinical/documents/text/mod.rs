//! The text of a document, for the search.
//!
//! [`extract`] is the work itself and trusts nothing: it runs in a child process (`chartwell extract-text`), which may crash,
//! hang or swell; [`in_child`] is how the server has it done.

mod markup;
mod pdf;

use std::time::Duration;

use kernel::Result;
use platform::files::{FileOptions, Isolated, Outcome, Pieces};

/// Characters of text that are kept. A text search vector must stay below 1 MiB.
pub(super) const MOST: usize = 400_000;
/// What a child may take.
const MEMORY: u64 = 1 << 30;
const PROCESSOR_SECONDS: u32 = 20;
const DEADLINE: Duration = Duration::from_secs(40);

/// The text of content of this type; `None` if it can't be read.
///
/// Panics, loops and memory are the caller's concern: call it in a process that may die.
pub fn extract(content: &[u8], content_type: &str) -> Option<String> {
    let text = match content_type {
        "application/pdf" => pdf::text(content)?,
        "text/plain"
        | "text/csv"
        | "text/markdown"
        | "application/json"
        | "application/fhir+json" => decode(content),
        "text/html" | "application/xhtml+xml" => markup::html(&decode(content)),
        _ => markup::xml(&decode(content)),
    };
    Some(tidy(&text))
}

/// What came of a child's work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Extracted {
    Text { body: String, cut: bool },
    Failed,
}

/// Extracts the text in a child process.
pub(super) async fn in_child(
    options: &FileOptions,
    content_type: &str,
    content: Pieces<'_>,
) -> Result<Extracted> {
    let program = match &options.extractor {
        Some(program) => program.clone(),
        None => std::env::current_exe().map_err(kernel::Error::internal)?,
    };
    let child = Isolated {
        program,
        arguments: vec!["extract-text".to_owned(), content_type.to_owned()],
        memory: MEMORY,
        processor_seconds: PROCESSOR_SECONDS,
        deadline: DEADLINE,
        output: MOST,
    };
    Ok(match child.run(content).await? {
        Outcome::Failed => Extracted::Failed,
        Outcome::Output { bytes, cut } => Extracted::Text {
            // Cut in the middle of a character it has a mark at its end, which no search finds.
            body: String::from_utf8_lossy(&bytes).replace('\0', " "),
            cut,
        },
    })
}

/// UTF-8, UTF-16 with its mark, or else Latin-1.
fn decode(content: &[u8]) -> String {
    let wide = |bytes: &[u8], read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| read([pair[0], pair[1]]))
            .collect();
        String::from_utf16_lossy(&units)
    };
    match content {
        [0xff, 0xfe, rest @ ..] => wide(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => wide(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => match std::str::from_utf8(content) {
            Ok(text) => text.to_owned(),
            Err(_) => content.iter().copied().map(char::from).collect(),
        },
    }
}

/// Single spaces, no control characters.
fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len().min(MOST * 2));
    for word in text
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
    {
        if !tidy.is_empty() {
            tidy.push(' ');
        }
        tidy.push_str(word);
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_of_any_encoding_is_read() {
        for content in [
            "Größe 180 cm\n".as_bytes().to_vec(),
            b"Gr\xf6\xdfe 180\tcm".to_vec(),
            "\u{feff}Größe 180 cm"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect(),
        ] {
            assert_eq!(
                extract(&content, "text/plain").as_deref(),
                Some("Größe 180 cm")
            );
        }
    }

    #[test]
    fn markup_gives_its_words_and_not_its_scripts() {
        let html = b"<!DOCTYPE html><html><head><title>Visit</title><style>p{color:red}</style><script>alert('x')</script></head>\
                     <body><p>Blood&nbsp;pressure<br>120&lt;140 <b>mm</b>Hg &unknown; <p>unclosed</body>";
        assert_eq!(
            extract(html, "text/html").as_deref(),
            Some("Visit Blood pressure 120<140 mmHg &unknown; unclosed")
        );
        let ccda = br#"<?xml version="1.0"?><ClinicalDocument xmlns="urn:hl7-org:v3"><title>Summary</title><component><section>
            <text><table><tr><td>Penicillin</td><td>Hives</td></tr></table></text><entry><observation><value xsi:type="CD" displayName="Allergy to penicillin"/>
            </observation></entry></section></component></ClinicalDocument>"#;
        assert_eq!(
            extract(ccda, "application/xml").as_deref(),
            Some("Summary Penicillin Hives Allergy to penicillin")
        );
    }

    #[test]
    fn entities_do_not_grow() {
        let bomb = br#"<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "boom"><!ENTITY c "&b;&b;&b;&b;&b;&b;">]><a>&c;&c; end</a>"#;
        assert_eq!(
            extract(bomb, "application/xml").as_deref(),
            Some("&c;&c; end")
        );
    }

    #[test]
    fn a_broken_pdf_has_no_text() {
        assert_eq!(
            extract(b"%PDF-1.7\nnothing of the kind", "application/pdf"),
            None
        );
    }
}
